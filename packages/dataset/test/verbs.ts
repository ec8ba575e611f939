import { parseColumnSpecs } from "@usr/registry";
import { readAll, type Storage } from "@usr/storage";
import { dedupe, mergeDatasets } from "../src/curate/index.ts";
import {
  compactOverlay,
  createSnapshot,
  gardenEventLog,
  listSnapshots,
  pinSnapshot,
  removeOverlay,
  restoreSnapshot,
} from "../src/maintain/index.ts";
import { projectOverlay, refreshOverlayMetadata } from "../src/overlays/index.ts";
import { clearState, deleteRows, restoreRows, setState } from "../src/records/index.ts";
import { openSession } from "../src/session/index.ts";
import { freezeRegistry, initDataset, materialize, registerNamespace, type WritableRoot } from "../src/write/index.ts";
import { idsOf, partBytes } from "./make.ts";
import {
  attachCsv,
  demoRoot,
  eventsOf,
  historyOf,
  importCsv,
  register,
  rowsOf,
  sequenceRows,
  writableRoot,
} from "./write-support.ts";

const [CCCC, TTTT] = idsOf(["CCCC", "TTTT"]);
const PAIR = [CCCC!, TTTT!];

export interface Verb {
  readonly name: string;
  readonly prepare?: ((root: WritableRoot) => Promise<unknown>) | undefined;
  readonly run: (root: WritableRoot) => Promise<unknown>;
  /** What else of a dataset the verb changes, as a reader sees it. */
  readonly look?: ((root: WritableRoot) => Promise<unknown>) | undefined;
  /** Own events of a whole run, the automatic freeze apart. */
  readonly events: number;
}

const newNamespace = (root: WritableRoot): Promise<unknown> => register(root, "late", "late__n:int64");
const scored = (root: WritableRoot): Promise<unknown> =>
  attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,2,\n');

const twoParts = async (root: WritableRoot): Promise<unknown> => {
  await scored(root);
  return attachCsv(root, "demo", "sequence,score,tag\nAAAA,9,\nTGCA,,t\n", { overwrite: true });
};

/** One flush, as the last of many would be. */
const streamed = async (root: WritableRoot): Promise<unknown> => {
  const session = openSession(root, "demo", { path: "model", bioType: "dna", alphabet: "dna_4" });
  await session.write(sequenceRows(["ACACAC", "GTGTGT"]));
  return session.close();
};

/** Rows that are the other strand of earlier ones, with values, states and tombstones. */
const doubled = async (root: WritableRoot): Promise<unknown> => {
  await twoParts(root);
  await setState(root, "demo", { ids: [TTTT!], masked: true });
  return deleteRows(root, "demo", { ids: [TTTT!] });
};

/** Parts of other programs over the same cells: the newest has the first name. */
const namedAgainstTime = async (root: WritableRoot): Promise<void> => {
  for (const [name, day, score] of [
    ["a", 3, 30],
    ["b", 2, 20],
    ["c", 1, 10],
  ] as const) {
    const part = await partBytes("mock", "id", `2026-01-0${day}T00:00:00.000000Z`, {
      id: ["string", PAIR],
      mock__score: ["float64", [score, score]],
    });
    await root.storage.put(`demo/_derived/mock/part-${name}.parquet`, part);
  }
};

const firstSnapshot = async (root: WritableRoot): Promise<string> => (await listSnapshots(root, "demo"))[0]!.name;

/** Every verb that changes a dataset or the root: what must hold when one is stopped is shown for each. */
export const VERBS: readonly Verb[] = [
  { name: "register", run: newNamespace, events: 0 },
  {
    name: "register --overwrite --force",
    prepare: scored,
    run: (root) =>
      registerNamespace(root, {
        namespace: "mock",
        columns: parseColumnSpecs("mock", "score:float64,tag:string,vec:list<float64>,n:int8"),
        overwrite: true,
      }),
    events: 0,
  },
  { name: "init", run: (root) => initDataset(root, "second"), events: 1 },
  { name: "import", run: (root) => importCsv(root, "demo", "sequence\nACACAC\nGTGTGT\n"), events: 1 },
  { name: "import through a session", run: streamed, events: 1 },
  {
    name: "import under a new registry",
    prepare: newNamespace,
    run: (root) => importCsv(root, "demo", "sequence\nACACAC\n"),
    events: 1,
  },
  { name: "attach", run: scored, events: 1 },
  {
    name: "attach where there is no log any more",
    prepare: (root) => root.storage.delete("demo/.events.log"),
    run: scored,
    events: 1,
  },
  { name: "attach under a new registry", prepare: newNamespace, run: scored, events: 1 },
  {
    name: "attach --overwrite",
    prepare: scored,
    run: (root) => attachCsv(root, "demo", "sequence,score\nAAAA,9\n", { overwrite: true }),
    events: 1,
  },
  { name: "materialize", prepare: scored, run: (root) => materialize(root, "demo"), events: 1 },
  {
    name: "materialize --drop",
    prepare: scored,
    run: (root) => materialize(root, "demo", { overlays: "drop" }),
    events: 1,
  },
  {
    name: "materialize, names against time",
    prepare: namedAgainstTime,
    run: (root) => materialize(root, "demo"),
    events: 1,
  },
  {
    name: "overlay remove, names against time",
    prepare: namedAgainstTime,
    run: (root) => removeOverlay(root, "demo", { namespace: "mock", how: "archive" }),
    events: 1,
  },
  {
    name: "materialize --keep",
    prepare: scored,
    run: (root) => materialize(root, "demo", { overlays: "keep" }),
    events: 1,
  },
  {
    name: "materialize --drop-deleted --prune-overlays",
    prepare: doubled,
    run: (root) => materialize(root, "demo", { overlays: "keep", dropDeleted: true, pruneOverlays: true }),
    events: 1,
  },
  {
    name: "dedupe --prune-overlays",
    prepare: doubled,
    run: (root) => dedupe(root, "demo", { key: "sequence_canonical", pruneOverlays: true }),
    events: 1,
  },
  {
    name: "merge",
    prepare: async (root) => {
      await initDataset(root, "donor");
      await importCsv(root, "donor", "sequence\nGATTACA\nCCCC\n", { source: "donor" });
      await attachCsv(root, "donor", "sequence,score\nGATTACA,7\nCCCC,8\n");
      await twoParts(root);
    },
    run: (root) =>
      mergeDatasets(root, {
        dest: "demo",
        src: "donor",
        columns: "union",
        ifDuplicate: "prefer-src",
        carryNamespaces: ["mock"],
      }),
    events: 1,
  },
  {
    name: "overlay-compact",
    prepare: twoParts,
    run: (root) => compactOverlay(root, "demo", { namespace: "mock" }),
    events: 1,
  },
  {
    name: "overlay-compact --form file",
    prepare: twoParts,
    run: (root) => compactOverlay(root, "demo", { namespace: "mock", form: "file" }),
    events: 1,
  },
  {
    name: "overlay-compact --form file of one part",
    prepare: scored,
    run: (root) => compactOverlay(root, "demo", { namespace: "mock", form: "file" }),
    events: 1,
  },
  {
    name: "overlay-project",
    prepare: (root) => attachCsv(root, "demo", "sequence,score,tag\nGGGG,1.5,ACGT\nAAAA,2,\n"),
    run: (root) =>
      projectOverlay(root, {
        src: "demo",
        dest: "demo",
        namespace: "mock",
        srcJoin: "mock__tag",
        destJoin: "sequence",
        columns: ["score"],
        overwrite: true,
        allowMissing: true,
      }),
    events: 1,
  },
  {
    name: "overlay-refresh-metadata of parts made at one moment",
    prepare: async (root) => {
      for (const [name, score] of [
        ["a", 1],
        ["b", 2],
        ["c", null],
      ] as const) {
        const part = await partBytes("mock", "id", "2026-01-01T00:00:00.000000Z", {
          id: ["string", PAIR],
          mock__score: ["float64", [score, score]],
        });
        await root.storage.put(`demo/_derived/mock/part-${name}.parquet`, part);
      }
    },
    run: (root) => refreshOverlayMetadata(root, "demo"),
    events: 1,
  },
  {
    name: "overlay-refresh-metadata of a single file",
    prepare: async (root) => {
      await scored(root);
      await compactOverlay(root, "demo", { namespace: "mock", form: "file" });
      await newNamespace(root);
    },
    run: (root) => refreshOverlayMetadata(root, "demo"),
    events: 1,
  },
  {
    name: "event-log-garden",
    run: async (root) => {
      const { total_lines } = await gardenEventLog(root, "demo", { retainLast: 1, dryRun: true });
      return gardenEventLog(root, "demo", { retainLast: total_lines - 1 });
    },
    // What is cut is the line of the first automatic freeze; archives and log together still hold every line, and hold it once.
    look: async (root) => (await historyOf(root, "demo")).filter((line) => !line.includes('"action":"repair"')),
    events: 1,
  },
  {
    name: "overlay remove --archive",
    prepare: twoParts,
    run: (root) => removeOverlay(root, "demo", { namespace: "mock", how: "archive" }),
    events: 1,
  },
  {
    name: "overlay remove --delete",
    prepare: twoParts,
    run: (root) => removeOverlay(root, "demo", { namespace: "mock", how: "delete" }),
    events: 1,
  },
  {
    name: "overlay remove --delete of one part",
    prepare: scored,
    run: (root) => removeOverlay(root, "demo", { namespace: "mock", how: "delete" }),
    events: 1,
  },
  {
    name: "snapshot create",
    run: (root) => createSnapshot(root, "demo"),
    look: async (root) => (await listSnapshots(root, "demo")).map(({ path, rows }) => [path, rows]),
    events: 1,
  },
  {
    name: "snapshot pin",
    prepare: (root) => createSnapshot(root, "demo"),
    run: async (root) => pinSnapshot(root, "demo", { name: await firstSnapshot(root) }),
    look: async (root) => (await listSnapshots(root, "demo")).map(({ pinned }) => pinned),
    events: 1,
  },
  {
    name: "snapshot restore",
    prepare: async (root) => {
      await createSnapshot(root, "demo");
      await importCsv(root, "demo", "sequence\nACACAC\nGTGTGT\n");
    },
    run: async (root) => restoreSnapshot(root, "demo", { name: await firstSnapshot(root) }),
    events: 1,
  },
  { name: "delete", run: (root) => deleteRows(root, "demo", { ids: PAIR, reason: "why" }), events: 1 },
  {
    name: "delete more under a new registry",
    prepare: async (root) => {
      await deleteRows(root, "demo", { ids: [TTTT!] });
      await newNamespace(root);
    },
    run: (root) => deleteRows(root, "demo", { ids: PAIR }),
    events: 1,
  },
  {
    name: "delete by a filter",
    prepare: scored,
    run: (root) => deleteRows(root, "demo", { where: "mock__score > 1 and mock__score < 2 and length = 4" }),
    events: 1,
  },
  {
    name: "restore",
    prepare: (root) => deleteRows(root, "demo", { ids: PAIR }),
    run: (root) => restoreRows(root, "demo", { ids: [CCCC!] }),
    events: 1,
  },
  {
    name: "state set",
    prepare: (root) => setState(root, "demo", { ids: [CCCC!], lineage: ["p1"] }),
    run: (root) => setState(root, "demo", { ids: PAIR, masked: true, split: "train" }),
    events: 1,
  },
  {
    name: "state clear",
    prepare: (root) => setState(root, "demo", { ids: PAIR, qcStatus: "pass" }),
    run: (root) => clearState(root, "demo", { ids: [TTTT!] }),
    events: 1,
  },
  { name: "registry-freeze", prepare: newNamespace, run: (root) => freezeRegistry(root, "demo"), events: 1 },
];

/** A storage in which the verb can run. */
export const prepared = async (verb: Verb): Promise<Storage> => {
  const root = await demoRoot();
  await verb.prepare?.(root);
  return root.storage;
};

/** What a reader can see, and how often the log speaks of it. */
export interface Seen {
  readonly view: string;
  readonly events: number;
}

export const DATASETS: readonly string[] = ["demo", "second"];

const isThere = async (storage: Storage, path: string): Promise<boolean> => {
  await using handle = await storage.open(path);
  return handle !== undefined;
};

export const seen = async (storage: Storage, { look }: Pick<Verb, "look">): Promise<Seen> => {
  const root = writableRoot(storage);
  const parts: unknown[] = [];
  let events = 0;
  for (const id of DATASETS) {
    if (!(await isThere(storage, `${id}/records.parquet`))) parts.push(null);
    else parts.push(await rowsOf(root, id, { includeDeleted: true }));
    events += (await eventsOf(root, id)).filter(
      ({ action, args }) => action !== "registry_freeze" || args["auto"] === false,
    ).length;
  }
  parts.push(await look?.(root));
  await using registry = await storage.open("registry.yaml");
  parts.push(registry === undefined ? null : new TextDecoder().decode(await readAll(registry)));
  return { view: JSON.stringify(parts), events };
};

/** Finishes or sweeps what an interrupted verb left, as any next mutation does; these change nothing themselves. */
export const recoverAll = async (storage: Storage): Promise<void> => {
  const root = writableRoot(storage, 99);
  await importCsv(root, "demo", "sequence\nAAAA\n", { onConflict: "ignore" });
  if (await isThere(storage, "second/records.parquet")) await importCsv(root, "second", "sequence\n", {});
};
