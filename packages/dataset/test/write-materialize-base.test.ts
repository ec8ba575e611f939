import { formatType } from "@usr/schema";
import { memoryStorage } from "@usr/storage";
import { describe, expect, it } from "vitest";
import { scan } from "../src/index.ts";
import { attach, materialize, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, type Cells, partBytes, registryText } from "./make.ts";
import { layered, paths, view } from "./write-materialize-support.ts";
import {
  attachCsv,
  bytesUnder,
  chunkBytes,
  demoRoot,
  eventsOf,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  typedTable,
  writableRoot,
} from "./write-support.ts";

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
