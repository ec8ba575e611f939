import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dedupe } from "../src/curate/index.ts";
import { scan, validate } from "../src/index.ts";
import {
  compactOverlay,
  createSnapshot,
  doctor,
  gardenEventLog,
  removeOverlay,
  restoreSnapshot,
} from "../src/maintain/index.ts";
import { refreshOverlayMetadata } from "../src/overlays/index.ts";
import { clearState, deleteRows, readState, restoreRows, setState } from "../src/records/index.ts";
import { attach, freezeRegistry, initDataset, materialize, type WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import { bytesUnder, changedPaths, eventsOf, importCsv, register, typedTable, writableRoot } from "./write-support.ts";

// Random histories of every verb over one dataset against a model of a few maps: rows that come, are hidden, leave and come back, beside
// overlays, states and tombstones that outlive them. After each step the rows, their values, their order and their states are the model's; a
// dry run changes no byte; a step that changes something leaves one event and any other none. Types are the matter of write-laws.

const POOL = ["AACC", "GGTT", "ACCA", "TGGT", "aacc", "CATG", "GATC", "TTTT", "AAAA", "CCAT"];
const canonical = (sequence: string): string => {
  const upper = sequence.toUpperCase();
  const other = [...upper]
    .map((c) => "TGCA"["ACGT".indexOf(c)])
    .reverse()
    .join("");
  return [upper, other].sort()[0]!;
};
const idOf = new Map(idsOf(POOL).map((id, i) => [POOL[i]!, id]));
const ids = (sequences: readonly string[]): readonly string[] => sequences.map((sequence) => idOf.get(sequence)!);

const NAMES = ["mock", "zeta"] as const;
type Name = (typeof NAMES)[number];
const KEY = { mock: "id", zeta: "sequence" } as const;
const COLUMNS = ["n", "t"] as const;
type Column = (typeof COLUMNS)[number];
type Cells = Readonly<Partial<Record<Column, Value>>>;
interface Part {
  readonly columns: readonly Column[];
  readonly cells: ReadonlyMap<string, Cells>;
}
interface State {
  readonly masked?: true;
  readonly qc?: "pass" | "warn";
}

interface Model {
  readonly rows: readonly string[];
  /** Folded columns: name, and values by sequence. */
  readonly stored: ReadonlyMap<string, ReadonlyMap<string, Value>>;
  /** Oldest part first; cells by sequence. */
  readonly overlays: ReadonlyMap<Name, readonly Part[]>;
  readonly deleted: ReadonlySet<string>;
  readonly states: ReadonlyMap<string, State>;
  readonly snapshots: readonly {
    readonly name: string;
    readonly rows: readonly string[];
    readonly stored: Model["stored"];
  }[];
}

const rows = fc.uniqueArray(fc.constantFrom(...POOL), { minLength: 1, maxLength: 4 });
const name = fc.constantFrom(...NAMES);
const cell = fc.option(fc.integer({ min: 0, max: 9 }), { freq: 3 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("import" as const), rows }) },
  {
    weight: 5,
    arbitrary: fc.record({
      verb: fc.constant("attach" as const),
      name,
      rows,
      columns: fc.constantFrom<readonly Column[]>(["n"], ["t"], ["n", "t"]),
      cells: fc.array(fc.tuple(cell, cell), { minLength: 4, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant("compact" as const), name, form: fc.constantFrom("parts", "file") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("fold" as const),
      names: fc.subarray([...NAMES], { minLength: 1 }),
      overlays: fc.constantFrom("archive", "drop", "keep"),
      dropDeleted: fc.boolean(),
      prune: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ verb: fc.constantFrom("delete", "restore"), rows }) },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant("set" as const),
      rows,
      masked: fc.boolean(),
      qc: fc.constantFrom(undefined, "pass", "warn"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("clear" as const), rows }) },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant("dedupe" as const),
      keep: fc.constantFrom("first", "last"),
      prune: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant("remove" as const), name, how: fc.constantFrom("archive", "delete") }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("snapshot" as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("back" as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constantFrom("register", "freeze", "refresh", "doctor", "garden") }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const without = <V>(map: ReadonlyMap<string, V>, gone: ReadonlySet<string>): ReadonlyMap<string, V> =>
  new Map([...map].filter(([key]) => !gone.has(key)));

const cellOf = (model: Model, ns: Name, column: Column, sequence: string): Value => {
  for (const part of (model.overlays.get(ns) ?? []).toReversed()) {
    const value = part.cells.get(sequence)?.[column] ?? null;
    if (value !== null) return value;
  }
  return model.stored.get(`${ns}__${column}`)?.get(sequence) ?? null;
};

const heldBy = (model: Model, ns: Name, column: Column): boolean =>
  (model.overlays.get(ns) ?? []).some(({ columns }) => columns.includes(column));

/** Rows leave for good: what was said of them stays behind, or is pruned. */
const leave = (model: Model, gone: ReadonlySet<string>, prune: boolean): Model => ({
  ...model,
  rows: model.rows.filter((sequence) => !gone.has(sequence)),
  ...(prune
    ? {
        overlays: new Map(
          [...model.overlays].map(([ns, parts]) => [
            ns,
            parts.map((part) => ({ ...part, cells: without(part.cells, gone) })),
          ]),
        ),
        states: without(model.states, gone),
        deleted: new Set([...model.deleted].filter((sequence) => !gone.has(sequence))),
      }
    : {}),
});

/** What a step makes of the model; the model itself = nothing changes and nothing is logged; `undefined` = it is refused. */
const predict = (model: Model, made: Step): Model | undefined => {
  switch (made.verb) {
    case "import":
      if (made.rows.some((sequence) => model.deleted.has(sequence) || model.rows.includes(sequence))) return undefined;
      return { ...model, rows: [...model.rows, ...made.rows] };
    case "attach": {
      const cells = new Map(
        made.rows.flatMap((sequence, i): [string, Cells][] =>
          model.rows.includes(sequence)
            ? [[sequence, Object.fromEntries(made.columns.map((column, c) => [column, made.cells[i]![c] ?? null]))]]
            : [],
        ),
      );
      if (cells.size === 0) return model;
      const parts = [...(model.overlays.get(made.name) ?? []), { columns: made.columns, cells }];
      return { ...model, overlays: new Map(model.overlays).set(made.name, parts) };
    }
    case "compact": {
      const parts = model.overlays.get(made.name);
      if (parts === undefined) return undefined;
      const cells = new Map<string, Cells>();
      for (const part of parts)
        for (const [sequence, values] of part.cells) {
          const present = Object.entries(values).filter(([, value]) => value !== null);
          cells.set(sequence, { ...cells.get(sequence), ...Object.fromEntries(present) });
        }
      const columns = COLUMNS.filter((column) => heldBy(model, made.name, column));
      return { ...model, overlays: new Map(model.overlays).set(made.name, [{ columns, cells }]) };
    }
    case "fold": {
      if (made.names.some((ns) => !model.overlays.has(ns))) return undefined;
      const stored = new Map(model.stored);
      for (const ns of made.names)
        for (const column of COLUMNS)
          if (heldBy(model, ns, column))
            stored.set(`${ns}__${column}`, new Map(model.rows.map((s) => [s, cellOf(model, ns, column, s)])));
      const overlays = new Map(model.overlays);
      if (made.overlays !== "keep") for (const ns of made.names) overlays.delete(ns);
      const gone = new Set(made.dropDeleted ? model.rows.filter((sequence) => model.deleted.has(sequence)) : []);
      const next = leave({ ...model, stored, overlays }, gone, made.dropDeleted && made.prune);
      return { ...next, deleted: new Set([...next.deleted].filter((sequence) => !gone.has(sequence))) };
    }
    case "delete":
    case "restore": {
      const hide = made.verb === "delete";
      const known = made.rows.filter((s) => model.deleted.has(s) !== hide && (!hide || model.rows.includes(s)));
      if (known.length === 0) return model;
      const deleted = new Set(model.deleted);
      for (const sequence of known)
        if (hide) deleted.add(sequence);
        else deleted.delete(sequence);
      return { ...model, deleted };
    }
    case "set":
    case "clear": {
      const states = new Map(model.states);
      let changed = false;
      // What is taken back may be said of a row that has left.
      const back = made.verb === "clear";
      for (const sequence of made.rows.filter((s) => model.rows.includes(s) || (back && model.states.has(s)))) {
        const before = states.get(sequence) ?? {};
        const said = made.verb === "set" ? stateSaid(made) : {};
        const after = made.verb === "set" ? { ...before, ...said } : {};
        if (JSON.stringify([after.masked, after.qc]) === JSON.stringify([before.masked, before.qc])) continue;
        states.set(sequence, after);
        changed = true;
      }
      return changed ? { ...model, states } : model;
    }
    case "dedupe": {
      const gone = new Set<string>();
      for (const key of new Set(model.rows.map(canonical))) {
        const group = model.rows.filter((sequence) => canonical(sequence) === key);
        const live = group.filter((sequence) => !model.deleted.has(sequence));
        const stays = (live.length > 0 ? live : group).at(made.keep === "first" ? 0 : -1);
        for (const sequence of group) if (sequence !== stays) gone.add(sequence);
      }
      return gone.size === 0 ? model : leave(model, gone, made.prune);
    }
    case "remove": {
      if (!model.overlays.has(made.name)) return undefined;
      const overlays = new Map(model.overlays);
      overlays.delete(made.name);
      return { ...model, overlays };
    }
    case "back": {
      const to = model.snapshots[made.which % Math.max(1, model.snapshots.length)];
      return to === undefined ? undefined : { ...model, rows: to.rows, stored: to.stored };
    }
    default:
      return model;
  }
};

const stateSaid = ({ masked, qc }: Extract<Step, { verb: "set" }>): State => ({
  ...(masked ? { masked: true as const } : {}),
  ...(qc === undefined ? {} : { qc }),
});

/** Whether a step says nothing at all, which is a mistake of the caller. */
const isEmpty = (made: Step): boolean => made.verb === "set" && !made.masked && made.qc === undefined;

let registered = 0;

const perform = async (root: WritableRoot, model: Model, made: Step, dryRun: boolean): Promise<unknown> => {
  switch (made.verb) {
    case "import":
      return importCsv(root, "demo", `sequence\n${made.rows.join("\n")}\n`, { dryRun });
    case "attach": {
      const key = KEY[made.name];
      const cells = Object.fromEntries(
        made.columns.map((column, c) => {
          const values = made.rows.map((_, i) => made.cells[i]![c] ?? null);
          const typed =
            column === "n"
              ? values.map((v) => (v === null ? v : BigInt(v)))
              : values.map((v) => (v === null ? v : `t${v}`));
          return [column, [column === "n" ? "int64" : "string", typed] as const];
        }),
      );
      const keys = key === "id" ? ids(made.rows) : made.rows;
      const table = await typedTable({ [key]: ["string", keys], ...cells });
      return attach(root, "demo", table, {
        path: "in.parquet",
        namespace: made.name,
        key,
        overwrite: true,
        allowMissing: true,
        dryRun,
      });
    }
    case "compact":
      return compactOverlay(root, "demo", { namespace: made.name, form: made.form, dryRun });
    case "fold":
      return materialize(root, "demo", {
        namespaces: made.names,
        overlays: made.overlays,
        dropDeleted: made.dropDeleted,
        pruneOverlays: made.dropDeleted && made.prune,
        dryRun,
      });
    case "delete":
      return deleteRows(root, "demo", { ids: ids(made.rows), allowMissing: true, dryRun });
    case "restore":
      return restoreRows(root, "demo", { ids: ids(made.rows), allowMissing: true, dryRun });
    case "set":
      return setState(root, "demo", {
        ids: ids(made.rows),
        allowMissing: true,
        masked: made.masked ? true : undefined,
        qcStatus: made.qc,
        dryRun,
      });
    case "clear":
      return clearState(root, "demo", { ids: ids(made.rows), allowMissing: true, dryRun });
    case "dedupe":
      return dedupe(root, "demo", { key: "sequence_canonical", keep: made.keep, pruneOverlays: made.prune, dryRun });
    case "remove":
      return removeOverlay(root, "demo", { namespace: made.name, how: made.how, dryRun });
    case "snapshot":
      return createSnapshot(root, "demo", { label: `s${model.snapshots.length}`, dryRun });
    case "back":
      return restoreSnapshot(root, "demo", {
        name: model.snapshots[made.which % Math.max(1, model.snapshots.length)]?.name ?? "records-1.parquet",
        dryRun,
      });
    case "register":
      return dryRun ? undefined : register(root, `late${registered++}`, `late${registered - 1}__n:int8`);
    case "freeze":
      return freezeRegistry(root, "demo", { dryRun });
    case "refresh":
      return refreshOverlayMetadata(root, "demo", { dryRun });
    case "doctor":
      return doctor(root, "demo", { repair: !dryRun });
    case "garden":
      return gardenEventLog(root, "demo", { retainLast: 2, dryRun });
  }
};

/** What a reader sees of the rows in order, as the model says it. */
const compare = async (root: WritableRoot, model: Model): Promise<void> => {
  const names = NAMES.flatMap((ns) =>
    COLUMNS.filter((column) => heldBy(model, ns, column) || model.stored.has(`${ns}__${column}`)).map((column) => ({
      ns,
      column,
    })),
  );
  const found: unknown[][] = [];
  const columns = ["sequence", ...names.map(({ ns, column }) => `${ns}__${column}`)];
  for await (const batch of scan(root, "demo", { columns }))
    for (let row = 0; row < batch.numRows; row++) found.push(batch.columns.map((column) => valueAt(column, row)));
  const shown = (column: Column, value: Value): Value =>
    value === null ? null : column === "n" ? BigInt(Number(value)) : `t${value}`;
  const live = model.rows.filter((sequence) => !model.deleted.has(sequence));
  expect(found).toEqual(
    live.map((sequence) => [
      sequence,
      ...names.map(({ ns, column }) => shown(column, cellOf(model, ns, column, sequence))),
    ]),
  );
  if (model.rows.length === 0) return;
  const stated: unknown[][] = [];
  for await (const batch of readState(root, "demo", { ids: ids(model.rows) }))
    for (let row = 0; row < batch.numRows; row++)
      stated.push([1, 2].map((column) => valueAt(batch.columns[column]!, row)));
  expect(stated).toEqual(
    model.rows.map((sequence) => [model.states.get(sequence)?.masked === true, model.states.get(sequence)?.qc ?? null]),
  );
};

const counts = { refused: 0, changes: 0, nothing: 0 };
/** Verbs whose event does not follow from the view: they tidy, keep or stamp. */
const TIDY = new Set(["compact", "fold", "snapshot", "back", "register", "freeze", "refresh", "doctor", "garden"]);

const play = async (steps: readonly Step[]): Promise<void> => {
  const root = writableRoot();
  for (const ns of NAMES) await register(root, ns, `${ns}__n:int64,${ns}__t:string`);
  await initDataset(root, "demo");
  let model: Model = {
    rows: [],
    stored: new Map(),
    overlays: new Map(),
    deleted: new Set(),
    states: new Map(),
    snapshots: [],
  };
  for (const made of steps) {
    if (isEmpty(made)) continue;
    const before = await bytesUnder(root.storage);
    const log = (await eventsOf(root, "demo")).length;
    const next = predict(model, made);
    await perform(root, model, made, true).catch((error: unknown) => {
      if (next !== undefined) throw error;
    });
    expect([made.verb, changedPaths(before, await bytesUnder(root.storage))]).toEqual([made.verb, []]);
    if (next === undefined) {
      await expect(perform(root, model, made, false)).rejects.toMatchObject({ code: expect.any(String) });
      expect([made.verb, changedPaths(before, await bytesUnder(root.storage))]).toEqual([made.verb, []]);
      counts.refused++;
      continue;
    }
    const result = await perform(root, model, made, false);
    const fresh = (await eventsOf(root, "demo")).slice(log).filter(({ action }) => action !== "registry_freeze");
    if (!TIDY.has(made.verb)) expect([made.verb, fresh.length]).toEqual([made.verb, next === model ? 0 : 1]);
    if (next === model && !TIDY.has(made.verb)) {
      expect([made.verb, changedPaths(before, await bytesUnder(root.storage))]).toEqual([made.verb, []]);
      counts.nothing++;
    } else counts.changes++;
    model = next;
    if (made.verb === "snapshot" && typeof result === "object" && result !== null && "name" in result)
      model = {
        ...model,
        snapshots: [...model.snapshots, { name: String(result.name), rows: model.rows, stored: model.stored }],
      };
    await compare(root, model);
  }
  const { problems } = await validate(root, "demo");
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
};

test("random histories of every verb: rows, values, order and states are the model's", {
  timeout: 600_000,
}, async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), play), { numRuns: testRuns(60) });
  expect(Math.min(counts.refused, counts.changes, counts.nothing)).toBeGreaterThan(10);
});
