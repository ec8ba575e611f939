/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { readBatches } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import { describe, expect, it } from "vitest";
import { deleteRows } from "../src/records/index.ts";
import { importRows, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, type Cells, idsOf } from "./make.ts";
import { column, emptyRoot, lines, random, sequencesOf } from "./write-import-support.ts";
import { attachCsv, chunkBytes, demoRoot, importCsv, parquetAt, rowsOf, typedTable } from "./write-support.ts";

describe("a few rows beside many", () => {
  it.each(["error", "ignore"] as const)(
    "are held against all that are stored and deleted, on conflict %s",
    async (onConflict) => {
      const root = await emptyRoot();
      const sequences = random(3_000, 4);
      await importCsv(root, "demo", lines(sequences));
      await deleteRows(root, "demo", { ids: idsOf([sequences[7]!]) });
      const one = (sequence: string): ReturnType<typeof importCsv> =>
        importCsv(root, "demo", lines(["AC", sequence]), { onConflict, dryRun: true });
      await expect(one(sequences[7]!)).rejects.toMatchObject({ code: "DELETED_ID" });
      for (const row of [0, 1_500, 2_999]) {
        const stored = one(sequences[row]!);
        if (onConflict === "ignore") expect(await stored).toMatchObject({ rows_added: 1, rows_skipped: 1 });
        else await expect(stored).rejects.toMatchObject({ code: "DUPLICATE_ID", details: { samples: [{ row: 2 }] } });
      }
      expect(await one("GT")).toMatchObject({ rows_added: 2 });
    },
  );
});

describe("appending", () => {
  const groups = async (root: WritableRoot): Promise<readonly number[]> =>
    (await parquetAt(root.storage, "demo/records.parquet")).rowGroups.map(({ numRows }) => numRows);

  it("copies large row groups byte for byte and joins a short tail with the new rows", async () => {
    const root = await emptyRoot();
    const sequences = random(21_000, 3);
    expect((await groups(root)).reduce((sum, rows) => sum + rows, 0)).toBe(0);
    await importCsv(root, "demo", lines(sequences.slice(0, 17_000)));
    expect(await groups(root)).toEqual([17_000]);
    const first = await chunkBytes(await parquetAt(root.storage, "demo/records.parquet"), 0);
    await importCsv(root, "demo", lines(sequences.slice(17_000, 19_000)));
    await importCsv(root, "demo", lines(sequences.slice(19_000, 20_000)));
    await importCsv(root, "demo", lines(sequences.slice(20_000)));
    expect(await groups(root)).toEqual([17_000, 3_000, 1_000]);
    expect(await chunkBytes(await parquetAt(root.storage, "demo/records.parquet"), 0)).toEqual(first);
    expect(await sequencesOf(root)).toEqual(sequences);
  });

  it("absorbs a tail of many small groups, but none before a large one", async () => {
    const root = await emptyRoot();
    const sequences = random(300, 5);
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences, groupRows: 3 }));
    expect(await groups(root)).toHaveLength(100);
    await importCsv(root, "demo", "sequence\nAC\n");
    expect(await groups(root)).toEqual([301]);
    expect(await sequencesOf(root)).toEqual([...sequences, "AC"]);
  });

  it("keeps unknown metadata and the creation time, and says the rest anew", async () => {
    const root = await emptyRoot();
    const made = "2026-01-01T00:00:00.000000Z";
    await root.storage.put(
      "demo/records.parquet",
      await baseBytes({
        sequences: ["AC"],
        metadata: { "usr:dataset_created_at": made, "my:note": "kept", "usr:registry_hash": "0".repeat(64) },
      }),
    );
    const { registry_hash: hash } = await importCsv(root, "demo", "sequence\nGT\n");
    const { metadata } = (await parquetAt(root.storage, "demo/records.parquet")).schema;
    expect(Object.fromEntries(metadata)).toEqual({
      "usr:schema_version": "1",
      "usr:id_hash": "sha1_utf8_pipe",
      "usr:dataset_created_at": made,
      "usr:registry_hash": hash,
      "my:note": "kept",
    });
  });

  it("fills materialized columns with NULL, wherever a base has them", async () => {
    const root = await emptyRoot();
    const cells: readonly (readonly [string, string, Cells])[] = [
      ["mock__score", "float64", [0.5, null]],
      [
        "mock__vec",
        "fixed_size_list<float32>[2]",
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ["mock__big", "int64", [9_007_199_254_740_993n, null]],
    ];
    await root.storage.put(
      "demo/records.parquet",
      await baseBytes({
        sequences: ["AC", "GT"],
        extra: Object.fromEntries(cells.map(([name, type, values]) => [name, [type, values]])),
      }),
    );
    await importCsv(root, "demo", "sequence\nCC\n");
    const rows = await rowsOf(root, "demo");
    expect(rows.map((row) => [row["sequence"], row["mock__score"], row["mock__vec"], row["mock__big"]])).toEqual([
      ["AC", 0.5, [1, 2], "9007199254740993"],
      ["GT", null, [3, 4], null],
      ["CC", null, null, null],
    ]);
    expect(Object.keys(rows[0]!).slice(7)).toEqual(cells.map(([name]) => name));
  });

  it("after materialize, then attaches to old and new rows", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const { materialize } = await import("../src/write/index.ts");
    await materialize(root, "demo");
    await importCsv(root, "demo", "sequence\nAC\n");
    await attachCsv(root, "demo", "sequence,score\nAC,2\nCCCC,3\n", { overwrite: true });
    expect(await column(root, "mock__score")).toEqual([1, 3, null, null, null, null, 2]);
  });

  it("a base whose columns stand in another order keeps that order", async () => {
    const root = await emptyRoot();
    const first = await parquetAt((await demoRoot()).storage, "demo/records.parquet");
    const names = first.schema.fields.map(({ name }) => name).toReversed();
    const columns: Record<string, readonly [string, Cells]> = {};
    const types: Readonly<Record<string, string>> = { length: "int32", created_at: "timestamp[us, UTC]" };
    for await (const batch of readBatches(first, { columns: names })) {
      for (const [i, name] of names.entries())
        columns[name] = [
          types[name] ?? "string",
          Array.from({ length: batch.numRows }, (_, row) => valueAt(batch.columns[i]!, row)),
        ];
    }
    const { parquetBytes } = await import("./make.ts");
    await root.storage.put("demo/records.parquet", await parquetBytes(columns, {}));
    await importCsv(root, "demo", "sequence\nAC\n");
    const after = await parquetAt(root.storage, "demo/records.parquet");
    expect(after.schema.fields.map(({ name }) => name)).toEqual(names);
    expect(after.schema.metadata.get("usr:schema_version")).toBe("1");
    expect(await sequencesOf(root)).toEqual(["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA", "AC"]);
  });

  it("typed input: what a scan of another dataset holds comes in whole", async () => {
    const root = await emptyRoot();
    const table = await typedTable({
      id: ["string", [sequenceId("rna", "ACGU"), null]],
      bio_type: ["string", ["rna", null]],
      sequence: ["string", [" ACGU", "AC"]],
      alphabet: ["string", ["rna_4", null]],
      length: ["int64", [4n, null]],
      source: ["string", ["there", null]],
      created_at: ["timestamp[ms, UTC]", [1_600_000_000_123n, null]],
      mock__score: ["float64", [1, 2]],
    });
    const found = await importRows(root, "demo", table, { path: "a.parquet", bioType: "dna", alphabet: "dna_4" });
    expect(found).toMatchObject({ rows_read: 2, rows_added: 2, ignored_columns: ["mock__score"] });
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({
      id: sequenceId("rna", "ACGU"),
      source: "there",
      created_at: "2020-09-13T12:26:40.123000Z",
    });
  });
});
