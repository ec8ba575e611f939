/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { formatType } from "@usr/schema";
import { memoryStorage, type Storage } from "@usr/storage";
import { describe, expect, it } from "vitest";
import { datasetSchema, scan, validate } from "../src/index.ts";
import { attach, type MaterializeOptions, materialize, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, type Cells, partBytes, registryText } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  chunkBytes,
  cloneStorage,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  typedTable,
  writableRoot,
} from "./write-support.ts";

const MODES = ["archive", "drop", "keep"] as const;

/** Values of all columns by name, and their types: what must not change. */
const view = async (root: WritableRoot, id = "demo"): Promise<unknown> => {
  const { fields } = await datasetSchema(root, id);
  return {
    types: Object.fromEntries(fields.map(({ name, type }) => [name, type])),
    rows: await rowsOf(root, id, { includeDeleted: true }),
  };
};

const paths = async (root: WritableRoot, prefix: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list(`demo/${prefix}`)) found.push(path.slice("demo/".length));
  return found;
};

/** Two namespaces, one in two parts, the other a single file keyed otherwise. */
const layered = async (storage?: Storage): Promise<WritableRoot> => {
  const root = await demoRoot(storage);
  await register(root, "zz", "zz__n:int64");
  await attachCsv(root, "demo", 'sequence,score,vec\nAAAA,1,"[1,null]"\nCCCC,NaN,\nTGCA,3,[]\n');
  await attachCsv(root, "demo", "sequence,score,tag\nAAAA,2,x\nTGCA,,\n", { overwrite: true });
  const id = ["CCCC", "GGGG"].map((sequence) => sequenceId("dna", sequence));
  await root.storage.put(
    "demo/_derived/zz.parquet",
    await partBytes("zz", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", id],
      zz__n: ["int64", [9_007_199_254_740_993n, null]],
    }),
  );
  return root;
};

describe.each(MODES)("overlays: %s", (overlays) => {
  it("leaves the merged view as it was and the overlays where they belong", async () => {
    const root = await layered();
    const before = await view(root);
    const files = await bytesUnder(root.storage);
    const mock = await paths(root, "_derived/mock/");
    const found = await materialize(root, "demo", { overlays });
    expect(found).toEqual({
      dataset: "demo",
      namespaces: ["mock", "zz"],
      columns: ["mock__score", "mock__tag", "mock__vec", "zz__n"],
      rows: 6,
      rows_dropped: 0,
      overlays: { archive: "archived", drop: "dropped", keep: "kept" }[overlays],
    });
    expect(await view(root)).toEqual(before);
    const left = await paths(root, "_derived/");
    if (overlays === "keep") expect(left).toEqual([...mock, "_derived/zz.parquet"]);
    if (overlays === "drop") expect(left).toEqual([]);
    if (overlays === "archive") {
      expect(left).toHaveLength(3);
      for (const [i, path] of mock.entries()) {
        expect(left[i]).toMatch(
          new RegExp(`^_derived/_archived/mock-\\d{8}T\\d{12}Z/${path.slice(path.lastIndexOf("/") + 1)}$`),
        );
        expect((await bytesUnder(root.storage)).get(`demo/${left[i]}`)).toBe(files.get(`demo/${path}`));
      }
      expect(left[2]).toMatch(/^_derived\/_archived\/zz-\d{8}T\d{12}Z\.parquet$/);
    }
    const stored = await parquetAt(root.storage, "demo/records.parquet");
    expect(stored.schema.fields.map(({ name, type }) => [name, formatType(type)]).slice(7)).toEqual([
      ["mock__score", "float64"],
      ["mock__tag", "string"],
      ["mock__vec", "list<float64>"],
      ["zz__n", "int64"],
    ]);
    expect((await validate(root, "demo")).problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  it("one own event with the numbers of the call", async () => {
    const root = await layered();
    const before = (await eventsOf(root, "demo")).length;
    const folded = await paths(root, "_derived/");
    const sizes = await Promise.all(
      folded.map(async (path) => (await parquetAt(root.storage, `demo/${path}`)).source.meta.size),
    );
    await materialize(root, "demo", { overlays });
    const log = (await eventsOf(root, "demo")).slice(before);
    expect(log.map(({ action }) => action)).toEqual(["materialize"]);
    const entries = [
      { namespace: "mock", key: "sequence", fingerprint: { rows: 5, cols: 4, size_bytes: sizes[0]! + sizes[1]! } },
      { namespace: "zz", key: "id", fingerprint: { rows: 2, cols: 2, size_bytes: sizes[2] } },
    ];
    expect(log[0]).toMatchObject({
      args: {
        namespaces: null,
        drop_overlays: overlays !== "keep",
        archive_overlays: overlays === "archive",
        drop_deleted: false,
        overlays: entries,
        tombstone: null,
        maintenance_reason: "materialize",
      },
      metrics: { overlays: 2, rows: 6, rows_dropped: 0 },
      maintenance: { reason: "materialize" },
      fingerprint: { rows: 6, cols: 11 },
    });
  });

  it("of one namespace leaves the others alone", async () => {
    const root = await layered();
    const before = await view(root);
    const mock = await paths(root, "_derived/mock/");
    expect(await materialize(root, "demo", { overlays, namespaces: ["zz"] })).toMatchObject({ namespaces: ["zz"] });
    expect(await paths(root, "_derived/mock/")).toEqual(mock);
    expect(await view(root)).toEqual(before);
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({ args: { namespaces: ["zz"] } });
  });

  it("again and again: the base takes up newer values and never loses older ones", async () => {
    const root = await layered();
    await materialize(root, "demo", { overlays });
    await attachCsv(root, "demo", "sequence,score\nAAAA,7\nCCCC,\nGGGG,8\n", { overwrite: true });
    await importCsv(root, "demo", "sequence\nACAC\n");
    await attachCsv(root, "demo", "sequence,tag\nACAC,new\n", { overwrite: true });
    const before = await view(root);
    await materialize(root, "demo", { overlays });
    expect(await view(root)).toEqual(before);
    expect((await rowsOf(root, "demo")).map((row) => [row["mock__score"], row["mock__tag"], row["zz__n"]])).toEqual([
      [7, "x", null],
      ["NaN", null, "9007199254740993"],
      [8, null, null],
      [null, null, null],
      [null, null, null],
      [3, null, null],
      [null, "new", null],
    ]);
  });
});

describe("--drop-deleted", () => {
  it.each(MODES)("leaves deleted rows out, and their tombstones (%s)", async (overlays) => {
    const root = await layered();
    await putTombstones(root, "demo", { AAAA: true, GGGG: false, TGCA: true, ACACAC: true });
    const visible = await rowsOf(root, "demo");
    const found = await materialize(root, "demo", { overlays, dropDeleted: true });
    expect(found).toMatchObject({ rows: 4, rows_dropped: 2 });
    expect(await rowsOf(root, "demo")).toEqual(visible);
    const all = await rowsOf(root, "demo", { includeDeleted: true });
    expect(all.map((row) => [row["sequence"], row["usr__deleted"], row["usr__deleted_reason"]])).toEqual([
      ["CCCC", null, null],
      ["GGGG", false, "why"],
      ["TTTT", null, null],
      ["ACGT", null, null],
    ]);
    // What is not stored was not dropped: its tombstone still keeps it out.
    const tombstones = await parquetAt(root.storage, "demo/_derived/usr.parquet");
    expect(tombstones.numRows).toBe(2);
    const event = (await eventsOf(root, "demo")).at(-1)!;
    expect(event).toMatchObject({
      args: { drop_deleted: true, tombstone: { rows: 4 } },
      metrics: { rows: 4, rows_dropped: 2 },
    });
    expect(tombstones.schema.metadata.get("usr:event_id")).toBe(event.event_id);
    expect(await importCsv(root, "demo", "sequence\nAAAA\n")).toMatchObject({ rows_added: 1 });
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).toContain("AAAA");
    expect((await refusal(root, () => importCsv(root, "demo", "sequence\nACACAC\n"))).code).toBe("DELETED_ID");
  });

  it("without overlays, and when every row is deleted", async () => {
    const root = await demoRoot();
    const all = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
    await putTombstones(root, "demo", Object.fromEntries(all.map((sequence) => [sequence, true])));
    const found = await materialize(root, "demo", { dropDeleted: true });
    expect(found).toEqual({
      dataset: "demo",
      namespaces: [],
      columns: [],
      rows: 0,
      rows_dropped: 6,
      overlays: "none",
      orphans: [],
    });
    // The file stays, so that readers find the same columns at every moment.
    expect((await parquetAt(root.storage, "demo/_derived/usr.parquet")).numRows).toBe(0);
    expect(await rowsOf(root, "demo", { includeDeleted: true })).toEqual([]);
    expect(await importCsv(root, "demo", "sequence\nAAAA\n")).toMatchObject({ rows_added: 1 });
  });

  it("nothing deleted is nothing to do", async () => {
    const root = await demoRoot();
    await putTombstones(root, "demo", { AAAA: false });
    const before = await bytesUnder(root.storage);
    expect(await materialize(root, "demo", { dropDeleted: true })).toMatchObject({ rows: 6, rows_dropped: 0 });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });

  it("without it deleted rows stay stored, values folded in, and stay hidden", async () => {
    const root = await layered();
    await putTombstones(root, "demo", { AAAA: true });
    const before = await view(root);
    await materialize(root, "demo");
    expect(await view(root)).toEqual(before);
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).not.toContain("AAAA");
  });
});

describe("the base", () => {
  it("a column that is stored already keeps its place and its type; the overlay wins", async () => {
    const root = await demoRoot();
    const sequences = ["AC", "GT", "CA"];
    await root.storage.put(
      "demo/records.parquet",
      await baseBytes({
        sequences,
        extra: { mock__tag: ["string", ["a", "b", null]], mock__score: ["float64", [0.1, null, null]] },
      }),
    );
    const text = registryText({ mock: { mock__score: "float32", mock__tag: "string", mock__vec: "list<float64>" } });
    await root.storage.put("registry.yaml", new TextEncoder().encode(text));
    await attachCsv(root, "demo", 'sequence,score,vec\nGT,0.25,"[1]"\n', { overwrite: true });
    await attachCsv(root, "demo", "sequence,tag\nGT,B\nAC,\n", { overwrite: true });
    const before = await view(root);
    await materialize(root, "demo");
    expect(await view(root)).toEqual(before);
    const { fields } = (await parquetAt(root.storage, "demo/records.parquet")).schema;
    expect(fields.slice(7).map(({ name, type }) => [name, formatType(type)])).toEqual([
      ["mock__tag", "string"],
      ["mock__score", "float64"],
      ["mock__vec", "list<float64>"],
    ]);
    expect((await rowsOf(root, "demo")).map((row) => [row["mock__tag"], row["mock__score"]])).toEqual([
      ["a", 0.1],
      ["B", 0.25],
      [null, null],
    ]);
  });

  it("values that the stored type cannot hold are not attached: nobody could read them again", async () => {
    const root = await demoRoot();
    await register(root, "when", "when__t:timestamp[ns, UTC]");
    const extra: Readonly<Record<string, readonly [string, Cells]>> = {
      mock__score: ["float32", [0.5]],
      when__t: ["timestamp[us, UTC]", [5n]],
    };
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences: ["AC"], extra }));
    const o = { namespace: "when", overwrite: true };
    for (const [text, options] of [
      ["sequence,score\nAC,0.5\n", { overwrite: true }],
      ["sequence,t\nAC,2020-01-01T00:00:00.000000001Z\n", o],
    ] as const)
      expect((await refusal(root, () => attachCsv(root, "demo", text, options))).code).toBe("TYPE_MISMATCH");
    await attachCsv(root, "demo", "sequence,t\nAC,2020-01-01T00:00:00.000001Z\n", o);
    const before = await view(root);
    await materialize(root, "demo");
    expect(await view(root)).toEqual(before);
  });

  it.each([1, 3, 1000])("copies unchanged chunks byte for byte (row groups of %i)", async (groupRows) => {
    const root = await demoRoot();
    const sequences = Array.from(
      { length: 50 },
      (_, i) =>
        `AC${i
          .toString(4)
          .padStart(9, "0")
          .replace(/./g, (d) => "ACGT"[Number(d)]!)}`,
    );
    const extra: Record<string, readonly [string, Cells]> = { mock__tag: ["string", sequences.map((_, i) => `t${i}`)] };
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences, extra, groupRows }));
    await attachCsv(root, "demo", `sequence,score\n${sequences.map((s, i) => `${s},${i}`).join("\n")}\n`);
    const old = await parquetAt(root.storage, "demo/records.parquet");
    const before = await view(root);
    await materialize(root, "demo");
    expect(await view(root)).toEqual(before);
    const now = await parquetAt(root.storage, "demo/records.parquet");
    expect(now.rowGroups.map(({ numRows }) => numRows)).toEqual(old.rowGroups.map(({ numRows }) => numRows));
    for (let group = 0; group < old.rowGroups.length; group++)
      expect((await chunkBytes(now, group)).slice(0, 8)).toEqual(await chunkBytes(old, group));
    await putTombstones(root, "demo", { [sequences[4]!]: true, [sequences[5]!]: true });
    const visible = await rowsOf(root, "demo");
    await materialize(root, "demo", { dropDeleted: true });
    expect(await rowsOf(root, "demo")).toEqual(visible);
  });

  it("row groups larger than a batch", async () => {
    const root = await demoRoot();
    const count = 70_000;
    const sequences = Array.from({ length: count }, (_, i) =>
      (Math.imul(i, 0x9e3779b1) >>> 0)
        .toString(4)
        .padStart(16, "0")
        .replace(/./g, (d) => "ACGT"[Number(d)]!),
    );
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences, groupRows: count }));
    const table = await typedTable({
      sequence: ["string", sequences.toReversed()],
      mock__score: ["float64", sequences.map((_, i) => i)],
    });
    await attach(root, "demo", table, { path: "a.parquet", namespace: "mock", key: "sequence" });
    await materialize(root, "demo");
    let row = 0;
    for await (const batch of scan(root, "demo", { columns: ["mock__score"] })) {
      const [column] = batch.columns;
      if (column?.layout !== "fixed") throw new Error("no numbers");
      for (let i = 0; i < batch.numRows; i++, row++)
        if (column.values[i] !== count - 1 - row) throw new Error(`row ${row} is ${column.values[i]}`);
    }
    expect(row).toBe(count);
    expect((await parquetAt(root.storage, "demo/records.parquet")).rowGroups.map(({ numRows }) => numRows)).toEqual([
      count,
    ]);
  });

  it("keeps metadata, and takes up today's registry in the same write", async () => {
    const root = await layered();
    await register(root, "late", "late__n:int8");
    const made = (await parquetAt(root.storage, "demo/records.parquet")).schema.metadata.get("usr:dataset_created_at");
    await materialize(root, "demo");
    const { metadata } = (await parquetAt(root.storage, "demo/records.parquet")).schema;
    const [frozen, event] = (await eventsOf(root, "demo")).slice(-2);
    expect([frozen?.action, event?.action]).toEqual(["registry_freeze", "materialize"]);
    expect(metadata.get("usr:registry_hash")).toBe(event?.registry_hash);
    expect(metadata.get("usr:dataset_created_at")).toBe(made);
  });

  it("an empty dataset with an empty overlay", async () => {
    const root = writableRoot();
    await root.storage.put(
      "registry.yaml",
      new TextEncoder().encode(registryText({ mock: { mock__score: "float64" } })),
    );
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences: [] }));
    await root.storage.put(
      "demo/_derived/mock.parquet",
      await partBytes("mock", "id", "2026-01-01T00:00:00Z", { id: ["string", []], mock__score: ["float64", []] }),
    );
    const before = await view(root);
    expect(await materialize(root, "demo")).toMatchObject({ namespaces: ["mock"], rows: 0 });
    expect(await view(root)).toEqual(before);
  });
});

describe("snapshots", () => {
  const snapshots = (root: WritableRoot): Promise<readonly string[]> => paths(root, "_snapshots/");

  /** A change of the base, then a materialize. */
  const round = async (root: WritableRoot, i: number): Promise<string> => {
    await attachCsv(root, "demo", `sequence,score\nAAAA,${i}\n`, { overwrite: true });
    const base = (await bytesUnder(root.storage)).get("demo/records.parquet")!;
    await materialize(root, "demo");
    return base;
  };

  it.each([true, false])("are the base before, the newest five (hard links: %s)", async (links) => {
    const memory = memoryStorage();
    const { link: _link, ...plain } = memory;
    const root = await demoRoot(links ? memory : plain);
    const bases: string[] = [];
    for (let i = 0; i < 7; i++) {
      bases.push(await round(root, i));
      const found = await snapshots(root);
      expect(found).toHaveLength(Math.min(5, i + 1));
      expect(found.every((path) => /^_snapshots\/records-\d{8}T\d{12}\.parquet$/.test(path))).toBe(true);
      const bytes = await bytesUnder(root.storage);
      expect(found.map((path) => bytes.get(`demo/${path}`))).toEqual(bases.slice(-5));
    }
  });

  it("pinned ones stay and do not count", async () => {
    const root = await demoRoot();
    await round(root, 0);
    await round(root, 1);
    const pinned = (await snapshots(root)).map((path) => path.slice("_snapshots/".length));
    await root.storage.put("demo/_snapshots/pins.json", new TextEncoder().encode(JSON.stringify({ pinned })));
    for (let i = 2; i < 9; i++) await round(root, i);
    const left = (await snapshots(root)).filter((path) => path.endsWith(".parquet"));
    expect(left).toHaveLength(7);
    expect(left.slice(0, 2)).toEqual(pinned.map((name) => `_snapshots/${name}`));
  });

  it("a list of pins that cannot be read stops the verb before anything is pruned", async () => {
    const root = await layered();
    for (const text of ["{", '{"pinned":[1]}', "[]"]) {
      await root.storage.put("demo/_snapshots/pins.json", new TextEncoder().encode(text));
      expect((await refusal(root, () => materialize(root, "demo"))).code).toBe("CORRUPT");
    }
  });

  it("two rewrites in one microsecond have two names", async () => {
    const root: WritableRoot = { ...(await demoRoot()), clock: () => 1_790_000_000_000_000n };
    await round(root, 1);
    await round(root, 2);
    expect(await snapshots(root)).toHaveLength(2);
    expect(await paths(root, "_derived/_archived/")).toHaveLength(2);
  });
});

describe("what is refused or nothing", () => {
  it("nothing to fold: no byte, no event, although the registry has changed", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    for (const o of [
      {},
      { overlays: "drop" },
      { dropDeleted: true },
      { dryRun: true },
    ] satisfies MaterializeOptions[]) {
      expect(await materialize(root, "demo", o)).toEqual({
        dataset: "demo",
        namespaces: [],
        columns: [],
        rows: 6,
        rows_dropped: 0,
        overlays: "none",
      });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    }
  });

  it("usr, usr_state and namespaces without overlay", async () => {
    const root = await layered();
    for (const [namespace, code] of [
      ["usr", "NAMESPACE_RESERVED"],
      ["usr_state", "NAMESPACE_RESERVED"],
      ["late", "NAMESPACE_NOT_FOUND"],
      ["../records", "NAMESPACE_NOT_FOUND"],
    ] as const) {
      for (const dryRun of [true, false]) {
        const refused = await refusal(root, () => materialize(root, "demo", { namespaces: [namespace], dryRun }));
        expect(refused.code).toBe(code);
      }
    }
  });

  it("usr_state is never folded, not even with all the others", async () => {
    const root = await layered();
    const id = sequenceId("dna", "AAAA");
    await root.storage.put(
      "demo/_derived/usr_state.parquet",
      await partBytes("usr_state", "id", "2026-01-01T00:00:00Z", {
        id: ["string", [id]],
        usr_state__masked: ["bool", [true]],
      }),
    );
    const before = await view(root);
    expect(await materialize(root, "demo", { overlays: "drop" })).toMatchObject({ namespaces: ["mock", "zz"] });
    expect(await paths(root, "_derived/")).toEqual(["_derived/usr_state.parquet"]);
    expect(await view(root)).toEqual(before);
  });

  it("a dry run says what the run will say and changes nothing", async () => {
    for (const o of [
      {},
      { overlays: "keep" },
      { namespaces: ["zz"] },
      { dropDeleted: true },
    ] satisfies MaterializeOptions[]) {
      const root = await layered();
      await putTombstones(root, "demo", { AAAA: true });
      const before = await bytesUnder(root.storage);
      const dry = await materialize(root, "demo", { ...o, dryRun: true });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
      expect(await materialize(root, "demo", o)).toEqual(dry);
    }
  });

  it("a broken overlay is refused unless it is left out", async () => {
    const root = await layered();
    await root.storage.put("demo/_derived/zz.parquet", new TextEncoder().encode("no parquet"));
    expect((await refusal(root, () => materialize(root, "demo"))).code).toBe("CORRUPT");
    expect(await materialize(root, "demo", { namespaces: ["mock"] })).toMatchObject({ namespaces: ["mock"] });
  });

  it("copies made by cloneStorage agree with their origin", async () => {
    const root = await layered();
    const copy = writableRoot(await cloneStorage(root.storage), 5);
    await materialize(root, "demo");
    await materialize(copy, "demo");
    expect(await view(copy)).toEqual(await view(root));
  });
});
