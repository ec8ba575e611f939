/// <reference types="node" />
import { readAll } from "@usr/storage";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type MergeOptions, mergeDatasets } from "../src/curate/index.ts";
import { validate } from "../src/index.ts";
import { listSnapshots } from "../src/maintain/index.ts";
import { deleteRows } from "../src/records/index.ts";
import { initDataset, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, type Cells, idsOf, partBytes } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  chunkBytes,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const CREATED = "2026-01-01T00:00:00.000000Z";

interface Side {
  readonly sequences: readonly string[];
  readonly deleted: readonly number[];
  /** `mock__score` of the base by row; absent = no such column. */
  readonly score: readonly (number | null)[] | undefined;
  /** `mock__tag` of the base by row; absent = no such column. */
  readonly tag: readonly (string | null)[] | undefined;
  /** Values of the overlay `ov`, by sequence. */
  readonly ov: ReadonlyMap<string, number>;
}

const POOL = ["A", "a", "AC", "ac", "Ac", "G", "g", "GT", "gt", "T", "CC", "cc", "TTT"];

const side: fc.Arbitrary<Side> = fc.shuffledSubarray(POOL, { maxLength: 9 }).chain((sequences) =>
  fc.record({
    sequences: fc.constant(sequences),
    deleted: fc.subarray(
      sequences.map((_, i) => i),
      { maxLength: Math.min(2, sequences.length) },
    ),
    score: fc.option(cells(sequences.length, fc.integer({ min: -4, max: 4 })), { nil: undefined }),
    tag: fc.option(cells(sequences.length, fc.constantFrom("x", "y", "")), { nil: undefined }),
    ov: fc.array(fc.tuple(fc.constantFrom(...POOL), fc.nat(9)), { maxLength: 6 }).map((pairs) => new Map(pairs)),
  }),
);

const cells = <T>(length: number, cell: fc.Arbitrary<T>): fc.Arbitrary<(T | null)[]> =>
  fc.array(fc.option(cell, { freq: 2 }), { minLength: length, maxLength: length });

interface Case {
  readonly dest: Side;
  readonly src: Side;
  readonly o: Omit<MergeOptions, "dest" | "src">;
  readonly srcScore: "float64" | "float32";
  readonly srcKey: "id" | "sequence";
  readonly groupRows: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  dest: side,
  src: side,
  o: fc.record({
    columns: fc.constantFrom("union", "union", "union", "same"),
    ifDuplicate: fc.constantFrom("error", "skip", "prefer-src", "prefer-dest", "prefer-src"),
    casefold: fc.constantFrom("keep", "keep", "skip", "error"),
    coerceOverlap: fc.constantFrom("none", "to-dest"),
    carryNamespaces: fc.constantFrom([], ["ov"]),
  }),
  srcScore: fc.constantFrom("float64", "float64", "float32"),
  srcKey: fc.constantFrom("id", "sequence"),
  groupRows: fc.integer({ min: 1, max: 5 }),
});

const put = async (
  root: WritableRoot,
  id: string,
  data: Side,
  o: { readonly score: string; readonly key: string; readonly groupRows: number },
): Promise<void> => {
  const { sequences, score, tag, ov, deleted } = data;
  const extra: Record<string, readonly [string, Cells]> = {};
  if (score !== undefined) extra["mock__score"] = [o.score, score];
  if (tag !== undefined) extra["mock__tag"] = ["string", tag];
  const source: readonly [string, Cells] = ["string", sequences.map(() => id)];
  await root.storage.put(
    `${id}/records.parquet`,
    await baseBytes({ sequences, extra, groupRows: o.groupRows, instead: { source } }),
  );
  const keys = [...ov.keys()];
  // A part for every second key, and both forms.
  const path = o.key === "id" ? "_derived/ov/part-a.parquet" : "_derived/ov.parquet";
  await root.storage.put(
    `${id}/${path}`,
    await partBytes("ov", o.key, CREATED, {
      [o.key]: ["string", o.key === "id" ? idsOf(keys) : keys],
      ov__n: ["int64", [...ov.values()].map(BigInt)],
    }),
  );
  if (deleted.length > 0)
    await putTombstones(root, id, Object.fromEntries(deleted.map((row) => [sequences[row]!, true])));
};

/** What the rule says: the rows afterwards, or the code of the refusal. */
const expected = ({ dest, src, o, srcScore }: Case): string | readonly Readonly<Record<string, unknown>>[] => {
  const columnsOf = (data: Side): readonly string[] => [
    ...(data.score === undefined ? [] : ["mock__score"]),
    ...(data.tag === undefined ? [] : ["mock__tag"]),
  ];
  if (o.columns === "same" && columnsOf(dest).join() !== columnsOf(src).join()) return "MISSING_COLUMN";
  // The column is registered as float64, and the destination holds it so.
  if (src.score !== undefined && srcScore === "float32" && o.coerceOverlap === "none") return "TYPE_MISMATCH";
  const gone = new Set(dest.deleted.map((row) => dest.sequences[row]!));
  const live = dest.sequences.filter((sequence) => !gone.has(sequence));
  const folded = new Set(live.map((sequence) => sequence.toUpperCase()));
  const added: number[] = [];
  const replaced = new Map<string, number>();
  const refused = new Set<string>();
  for (const [row, sequence] of src.sequences.entries()) {
    if (src.deleted.includes(row)) continue;
    if (gone.has(sequence)) refused.add("DELETED_ID");
    else if (dest.sequences.includes(sequence)) {
      if (o.ifDuplicate === "error") refused.add("DUPLICATE_ID");
      if (o.ifDuplicate === "prefer-src") replaced.set(sequence, row);
    } else {
      const twin = folded.has(sequence.toUpperCase());
      folded.add(sequence.toUpperCase());
      if (twin && o.casefold === "error") refused.add("DUPLICATE_KEY");
      if (!twin || o.casefold === "keep") added.push(row);
    }
  }
  for (const code of ["DELETED_ID", "DUPLICATE_ID", "DUPLICATE_KEY"]) if (refused.has(code)) return code;
  const written = added.length + replaced.size > 0;
  const both = new Set([...columnsOf(dest), ...(written ? columnsOf(src) : [])]);
  const carries = o.carryNamespaces?.includes("ov") === true;
  const value = (data: Side, row: number | undefined, name: string): number | string | null | undefined => {
    if (row === undefined) return undefined;
    return name === "mock__score" ? data.score?.[row] : data.tag?.[row];
  };
  const rowOf = (sequence: string, own: number | undefined, other: number | undefined): Record<string, unknown> => {
    const view: Record<string, unknown> = { sequence, source: other === undefined ? "demo" : "other" };
    for (const name of both) view[name] = value(src, other, name) ?? value(dest, own, name) ?? null;
    const carried = carries && other !== undefined ? src.ov.get(sequence) : undefined;
    view["ov__n"] = dest.ov.get(sequence) ?? carried ?? null;
    return view;
  };
  return [
    ...dest.sequences.map((sequence, row) => rowOf(sequence, row, replaced.get(sequence))),
    ...added.map((row) => rowOf(src.sequences[row]!, undefined, row)),
  ];
};

const SHOWN = ["sequence", "source", "mock__score", "mock__tag", "ov__n"];

const shown = async (root: WritableRoot): Promise<readonly Record<string, unknown>[]> =>
  (await rowsOf(root, "demo", { includeDeleted: true })).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => SHOWN.includes(name))),
  );

describe("against the plain words of the rule", () => {
  it("any two datasets, any policy", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (data) => {
        const root = writableRoot();
        await register(root, "mock", "mock__score:float64,mock__tag:string");
        await register(root, "ov", "ov__n:int64");
        await put(root, "demo", data.dest, { score: "float64", key: "id", groupRows: data.groupRows });
        await put(root, "other", data.src, { score: data.srcScore, key: data.srcKey, groupRows: 3 });
        const o: MergeOptions = { ...data.o, dest: "demo", src: "other" };
        const answer = expected(data);
        if (typeof answer === "string") {
          for (const dryRun of [true, false])
            expect((await refusal(root, () => mergeDatasets(root, { ...o, dryRun }))).code).toBe(answer);
          return;
        }
        const before = await bytesUnder(root.storage);
        const old = await rowsOf(root, "demo", { includeDeleted: true });
        const told = await mergeDatasets(root, { ...o, dryRun: true });
        expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
        const result = await mergeDatasets(root, o);
        expect(result).toEqual(told);
        expect(await shown(root)).toEqual(answer);
        expect([result.rows_before, result.rows_after]).toEqual([old.length, answer.length]);
        expect(changedPaths(before, await bytesUnder(root.storage)).filter((path) => path.startsWith("other"))).toEqual(
          [],
        );
        if (result.rows_added + result.duplicates_replaced === 0)
          expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
        // Once is enough.
        if (data.o.casefold === "error" || data.o.ifDuplicate === "error") return;
        const again = await mergeDatasets(root, o);
        expect([again.rows_added, again.duplicates_total]).toEqual([0, result.duplicates_total + result.rows_added]);
        if (data.o.ifDuplicate !== "prefer-src") expect(await shown(root)).toEqual(answer);
      }),
      { numRuns: testRuns(150) },
    );
  });

  it("a dataset merged with itself stays as it is", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: idsOf(["AAAA"]) });
    const before = await bytesUnder(root.storage);
    for (const ifDuplicate of ["error", "skip", "prefer-src", "prefer-dest"] as const) {
      const result = await mergeDatasets(root, { dest: "demo", src: "demo", columns: "same", ifDuplicate });
      expect(result).toMatchObject({ rows_src: 5, duplicates_total: 5, rows_added: 0, rows_after: 6 });
    }
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });
});

/** `demo` of six sequences and `other` of four, of which two are new. */
const pair = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await initDataset(root, "other");
  await importCsv(root, "other", "sequence\nGATTACA\nCCCC\nAAAA\nTATA\n");
  return root;
};

describe("merge", () => {
  const union = { dest: "demo", src: "other", columns: "union", ifDuplicate: "skip" } as const;

  it("logs one event, keeps the base before, copies row groups", async () => {
    const root = await pair();
    const old = await parquetAt(root.storage, "demo/records.parquet");
    const result = await mergeDatasets(root, union);
    expect(result).toEqual({
      dest: "demo",
      src: "other",
      rows_src: 4,
      rows_src_deleted: 0,
      duplicates_total: 2,
      duplicates_skipped: 2,
      duplicates_replaced: 0,
      casefold_total: 0,
      casefold_skipped: 0,
      rows_added: 2,
      rows_before: 6,
      rows_after: 8,
      columns_total: 7,
      columns_added: [],
      columns_coerced: [],
      carried: [],
    });
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"]).slice(6)).toEqual(["GATTACA", "TATA"]);
    const now = await parquetAt(root.storage, "demo/records.parquet");
    expect(await chunkBytes(now, 0)).toEqual(await chunkBytes(old, 0));
    const events = await eventsOf(root, "demo");
    expect(events.at(-1)).toMatchObject({
      action: "merge_datasets",
      args: {
        dest: "demo",
        src: "other",
        duplicate_policy: "skip",
        columns_mode: "union",
        overlapping_columns: { length: 7 },
      },
      metrics: { rows_src: 4, rows_added: 2, duplicates_total: 2, duplicates_skipped: 2 },
      fingerprint: { rows: 8 },
    });
    expect(await listSnapshots(root, "demo")).toMatchObject([{ rows: 6, automatic: true }]);
    expect((await eventsOf(root, "other")).map(({ action }) => action)).toEqual([
      "registry_freeze",
      "init",
      "import_rows",
    ]);
    expect((await validate(root, "demo")).problems).toEqual([]);
  });

  it("two datasets merged into each other at once", async () => {
    const root = await pair();
    await Promise.all([mergeDatasets(root, union), mergeDatasets(root, { ...union, dest: "other", src: "demo" })]);
    const sorted = async (id: string): Promise<unknown> =>
      (await rowsOf(root, id)).map((row) => row["sequence"]).sort();
    expect(await sorted("demo")).toEqual(await sorted("other"));
  });

  it("refuses rows deleted in the destination, and says how to have them back", async () => {
    const root = await pair();
    const [id] = idsOf(["CCCC"]);
    await deleteRows(root, "demo", { ids: [id!] });
    const refused = await refusal(root, () => mergeDatasets(root, union));
    expect(refused).toMatchObject({ code: "DELETED_ID", details: { count: 1, samples: [{ id, row: 2 }] } });
    expect(refused.message).toContain("deleted");
    expect(refused.hint).toContain(`usr restore demo --id ${id}`);
  });

  it("new columns must be registered, in the registered type", async () => {
    const root = await pair();
    const base = async (extra: Readonly<Record<string, readonly [string, Cells]>>): Promise<unknown> =>
      root.storage.put("other/records.parquet", await baseBytes({ sequences: ["GA", "GC"], extra }));
    const dry = { ...union, dryRun: true };
    await base({ plain: ["int64", [1n, 2n]] });
    expect((await refusal(root, () => mergeDatasets(root, dry))).code).toBe("COLUMN_NOT_REGISTERED");
    await base({ usr_state__masked: ["bool", [true, false]] });
    expect((await refusal(root, () => mergeDatasets(root, dry))).code).toBe("COLUMN_RESERVED");
    await base({ mock__score: ["int64", [1n, 2n ** 60n + 1n]] });
    expect((await refusal(root, () => mergeDatasets(root, dry))).code).toBe("TYPE_MISMATCH");
    // What does not survive is found in a dry run too, with its place.
    for (const dryRun of [true, false]) {
      const o: MergeOptions = { ...union, coerceOverlap: "to-dest", dryRun };
      expect(await refusal(root, () => mergeDatasets(root, o))).toMatchObject({
        code: "TYPE_MISMATCH",
        details: { dataset: "other", row: 2, column: "mock__score" },
      });
    }
    await base({ mock__score: ["int64", [1n, 2n ** 60n]] });
    const result = await mergeDatasets(root, { ...union, coerceOverlap: "to-dest" });
    expect(result).toMatchObject({
      columns_added: ["mock__score"],
      columns_coerced: ["mock__score"],
      columns_total: 8,
    });
    expect((await rowsOf(root, "demo")).map((row) => row["mock__score"])).toEqual([
      ...Array.from({ length: 6 }, () => null),
      1,
      2 ** 60,
    ]);
  });

  it("refuses sources that are not sound, with the row", async () => {
    const root = await pair();
    const base = async (instead: Parameters<typeof baseBytes>[0]["instead"]): Promise<unknown> =>
      root.storage.put("other/records.parquet", await baseBytes({ sequences: ["GA", "GC"], instead: instead ?? {} }));
    const [GA] = idsOf(["GA"]);
    for (const [instead, code] of [
      [{ id: ["string", [GA!, GA!]] }, "ID_MISMATCH"],
      [{ bio_type: ["string", ["dna", "DNA"]] }, "BAD_BIO_TYPE"],
      [{ alphabet: ["string", ["dna_4", "rna_4"]] }, "BAD_ALPHABET"],
      [{ sequence: ["string", ["GA", null]] }, "EMPTY_SEQUENCE"],
      [{ sequence: ["string", ["GA", "G!"]] }, "BAD_SYMBOL"],
    ] as const) {
      await base(instead);
      expect(await refusal(root, () => mergeDatasets(root, union))).toMatchObject({ code, details: { row: 2 } });
    }
    await root.storage.put("other/records.parquet", await baseBytes({ sequences: ["GA", "GA"] }));
    expect((await refusal(root, () => mergeDatasets(root, union))).code).toBe("DUPLICATE_ID");
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences: ["GA", "GA"] }));
    const o = { ...union, dest: "demo", src: "other" };
    await root.storage.put("other/records.parquet", await baseBytes({ sequences: ["GC"] }));
    expect((await refusal(root, () => mergeDatasets(root, o))).code).toBe("DUPLICATE_ID");
  });

  it("refuses rows that would make an overlay unreadable", async () => {
    const root = await pair();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    await importCsv(root, "other", "sequence\nMKV\n", { bioType: "protein", alphabet: "protein_20" });
    expect((await refusal(root, () => mergeDatasets(root, union))).code).toBe("MULTIPLE_BIO_TYPES");
  });

  it("refuses namespaces that cannot be carried, and datasets that are not there", async () => {
    const root = await pair();
    for (const [o, code] of [
      [{ carryNamespaces: ["mock"] }, "NAMESPACE_NOT_FOUND"],
      [{ carryNamespaces: ["nope"] }, "NAMESPACE_NOT_REGISTERED"],
      [{ carryNamespaces: ["usr_state"] }, "NAMESPACE_RESERVED"],
      [{ carryNamespaces: ["usr"] }, "NAMESPACE_RESERVED"],
      [{ src: "nope" }, "DATASET_NOT_FOUND"],
      [{ dest: "nope" }, "DATASET_NOT_FOUND"],
      [{ src: "../demo" }, "DATASET_ID_INVALID"],
    ] as const)
      for (const dryRun of [true, false])
        expect((await refusal(root, () => mergeDatasets(root, { ...union, ...o, dryRun }))).code).toBe(code);
  });
});

const judge = oracle();

test.skipIf(judge === undefined)("pyarrow reads what was merged with the types of both", async () => {
  const root = writableRoot();
  await register(root, "mock", "mock__at:timestamp[us, UTC],mock__vec:list<float32>,mock__st:struct<a:int64,b:string>,mock__n:int64"); // biome-ignore format: one list
  const big = 2n ** 62n + 1n;
  await root.storage.put(
    "demo/records.parquet",
    await baseBytes({ sequences: ["A", "C"], extra: { mock__n: ["int64", [big, null]] }, groupRows: 1 }),
  );
  await root.storage.put(
    "other/records.parquet",
    await baseBytes({
      sequences: ["C", "G", "T"],
      extra: {
        mock__at: ["timestamp[us, UTC]", [1n, null, -1n]],
        mock__vec: ["list<float32>", [[Number.NaN, null], [], null]],
        mock__st: ["struct<a:int64,b:string>", [{ a: -big, b: "" }, { a: null, b: null }, null]],
        mock__n: ["int64", [-big, 7n, null]],
      },
    }),
  );
  await mergeDatasets(root, { dest: "demo", src: "other", columns: "union", ifDuplicate: "prefer-src" });
  const handle = await root.storage.open("demo/records.parquet");
  if (handle === undefined) throw new Error("no base");
  const script = `
import base64, io
import pyarrow.parquet as pq
def main(text):
    t = pq.read_table(io.BytesIO(base64.b64decode(text)))
    rows = [{k: str(v) for k, v in r.items() if k == "sequence" or "__" in k} for r in t.to_pylist()]
    return {"schema": [[f.name, str(f.type)] for f in t.schema][7:], "rows": rows}
`;
  const found: unknown = await judge?.python(script, Buffer.from(await readAll(handle)).toString("base64"));
  expect(found).toEqual({
    schema: [
      ["mock__n", "int64"],
      ["mock__at", "timestamp[us, tz=UTC]"],
      ["mock__vec", "list<element: float>"],
      ["mock__st", "struct<a: int64, b: string>"],
    ],
    rows: [
      { sequence: "A", mock__n: String(big), mock__at: "None", mock__vec: "None", mock__st: "None" },
      { sequence: "C", mock__n: String(-big), mock__at: "1970-01-01 00:00:00.000001+00:00", mock__vec: "[nan, None]", mock__st: `{'a': ${-big}, 'b': ''}` }, // biome-ignore format: a row
      { sequence: "G", mock__n: "7", mock__at: "None", mock__vec: "[]", mock__st: "{'a': None, 'b': None}" },
      { sequence: "T", mock__n: "None", mock__at: "1969-12-31 23:59:59.999999+00:00", mock__vec: "None", mock__st: "None" }, // biome-ignore format: a row
    ],
  });
  countComparisons("merge", 4);
});
