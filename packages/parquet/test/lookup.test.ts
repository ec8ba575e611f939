/// <reference types="node" />
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Schema, Utf8Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { countComparisons, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createHasher } from "../src/bloom/xxhash.ts";
import { META } from "../src/footer/format.ts";
import {
  chunkOf,
  openParquet,
  type ParquetFile,
  type RowGroup,
  type WriteOptions,
  writeParquet,
} from "../src/index.ts";
import {
  type Candidate,
  hasFilter,
  rowGroupFilter,
  rowGroupsWith,
  searchCandidates,
  writtenHere,
} from "../src/lookup.ts";
import { getI32, getSize } from "../src/thrift/fields.ts";
import { bytesSource, collect, openFile, oracle, python, readAll } from "./canon.ts";

const dir = mkdtempSync(join(tmpdir(), "usr-lookup-"));
afterAll(() => rmSync(dir, { recursive: true }));

const TEXT = { kind: "string" } as const;
const SCHEMA: Schema = { fields: [{ name: "id", type: TEXT, nullable: true }], metadata: new Map() };
const utf8 = new TextEncoder();

type Group = readonly (string | null)[];

const textsOf = (values: Group): Utf8Column => {
  const column = columnOf(TEXT, values);
  if (column.layout !== "utf8") throw new TypeError("texts are utf8");
  return column;
};

const groupOf = (values: Group): RowGroup => ({ numRows: values.length, columns: [columnOf(TEXT, values)] });

const bytesOf = (groups: readonly Group[], o: WriteOptions = { bloomFilters: ["id"] }): Promise<Uint8Array> =>
  collect(writeParquet(SCHEMA, groups.map(groupOf), o));

const written = async (groups: readonly Group[], o?: WriteOptions): Promise<ParquetFile> =>
  openParquet(bytesSource(await bytesOf(groups, o)));

const copyOf = (file: ParquetFile, o?: WriteOptions): Promise<Uint8Array> =>
  collect(
    writeParquet(
      SCHEMA,
      file.rowGroups.map(({ numRows }, g) => ({ numRows, columns: [chunkOf(file, g, "id")] })),
      o,
    ),
  );

const candidates = async (file: ParquetFile, values: readonly string[]): Promise<readonly number[]> =>
  (await narrowed(file, values)).map(({ rowGroup }) => rowGroup);

const narrowed = (file: ParquetFile, values: readonly string[]): Promise<readonly Candidate[]> =>
  rowGroupsWith(
    file,
    "id",
    values.map((value) => utf8.encode(value)),
  );

/** Header and bits of the filter of each row group. */
const filtersOf = (file: ParquetFile, bytes: Uint8Array): readonly (Uint8Array | undefined)[] =>
  file.footer.rowGroups.map(({ chunks }) => {
    const range = chunks[0]?.filter;
    return range && bytes.slice(range.offset, range.offset + range.length);
  });

const textArb = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.stringMatching(/^[0-9a-f]{40}$/),
  fc.constantFrom("", "é".repeat(50), "ACGT".repeat(40)),
);
const groupsArb = fc.array(fc.array(fc.option(textArb, { nil: null }), { minLength: 1, maxLength: 60 }), {
  minLength: 1,
  maxLength: 6,
});

describe("bloom filters", () => {
  it("hash as XXH64 does", () => {
    const hasher = createHasher();
    const hash = (text: string): string => {
      const bytes = utf8.encode(`..${text}`);
      hasher.hash(bytes, 2, bytes.length);
      return [hasher.high, hasher.low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
    };
    expect(["", "a", "abc", "Nobody inspects the spammish repetition"].map(hash)).toEqual([
      "ef46db3751d8e999",
      "d24ec4f1a98c6e5b",
      "44bc2cf5ad770999",
      "fbcea83c8a378bf1",
    ]);
  });

  it("never rule out a row group that has the value, written or copied", async () => {
    await fc.assert(
      fc.asyncProperty(groupsArb, async (groups) => {
        const file = await written(groups);
        const copy = await openParquet(bytesSource(await copyOf(file)));
        const values = new Set(groups.flat().filter((value) => value !== null));
        for (const value of values) {
          const holders = groups.flatMap((group, g) => (group.includes(value) ? [g] : []));
          const found = await candidates(file, [value]);
          expect(found).toEqual(expect.arrayContaining(holders));
          expect(await candidates(copy, [value])).toEqual(found);
        }
        // Each row group is told which of many values it may hold as it would be of each alone.
        const together = await narrowed(file, [...values]);
        for (const [i, value] of [...values].entries()) {
          const alone = await candidates(file, [value]);
          const among = together.filter(({ values: held }) => held === undefined || held.includes(i));
          expect(among.map(({ rowGroup }) => rowGroup)).toEqual(alone);
        }
        for (const [g, group] of groups.entries()) {
          const filter = await rowGroupFilter(copy, g, "id");
          const [held, more] = [group, [...group, "a stranger of forty bytes ..............."]].map(textsOf);
          expect(filter?.ruledOut(held!) ?? -1).toBe(-1);
          expect([-1, group.length]).toContain(filter?.ruledOut(more!) ?? -1);
        }
        // A row group of NULLs has no filter, and cannot be ruled out.
        if (groups.every((group) => group.some((value) => value !== null)))
          expect(await candidates(file, [...values])).toEqual(groups.map((_, g) => g));
        expect(await candidates(file, [])).toEqual([]);
      }),
      { numRuns: testRuns(100) },
    );
  });

  it("rule out 99 of 100 strangers, for some bytes a value", async () => {
    const groups = Array.from({ length: 4 }, (_, g) => Array.from({ length: 5000 }, (_, i) => `id ${g} ${i}`));
    const file = await written(groups);
    const filters = await Promise.all(groups.map((_, g) => rowGroupFilter(file, g, "id")));
    expect(groups.map((_, g) => hasFilter(file, g, "id"))).toEqual(filters.map((filter) => filter !== undefined));
    let hits = 0;
    for (let i = 0; i < 20_000; i++) {
      const value = utf8.encode(`stranger ${i}`);
      for (const filter of filters) if (filter?.mayHold(value, 0, value.length)) hits++;
    }
    expect(hits / 80_000).toBeLessThan(0.01);
    for (const { chunks } of file.footer.rowGroups) {
      expect(chunks[0]!.filter!.length / 5000).toBeGreaterThan(1.2);
      expect(chunks[0]!.filter!.length / 5000).toBeLessThan(2.5);
    }
  });

  it("are written for text columns that are asked for, and read as absent where there are none", async () => {
    const file = await written([["a"], [null], ["b"]], {});
    expect(await candidates(file, ["x"])).toEqual([0, 1, 2]);
    expect(await rowGroupFilter(file, 0, "id")).toBeUndefined();
    await expect(bytesOf([["a"]], { bloomFilters: ["name"] })).rejects.toMatchObject({ code: "INVALID" });
    await expect(candidates(file, ["x"]).then(() => rowGroupsWith(file, "name", []))).rejects.toMatchObject({
      code: "COLUMN_NOT_FOUND",
    });
  });

  it("are carried along by who wrote them, and left behind by others", async () => {
    const file = await written([["a", "b"], ["c"]]);
    expect(writtenHere(file)).toBe(true);
    const bytes = await copyOf(file);
    const copy = await openParquet(bytesSource(bytes));
    expect(await candidates(copy, ["c"])).toEqual([1]);
    const foreign = await openParquet(bytesSource(await copyOf(file, { createdBy: "somebody" })));
    expect(writtenHere(foreign)).toBe(false);
    expect(await candidates(foreign, ["c"])).toEqual([0, 1]);
    const named = await written([["a"], ["c"]], { bloomFilters: ["id"], createdBy: "somebody" });
    expect(await candidates(named, ["c"])).toEqual([1]);
    expect(await candidates(await openParquet(bytesSource(await copyOf(named))), ["c"])).toEqual([0, 1]);
  });

  it("that are no filters rule nothing out, and are not carried", async () => {
    const bytes = await bytesOf([["a"], ["b"]]);
    const file = await openParquet(bytesSource(bytes));
    const { offset, length } = file.footer.rowGroups[0]!.chunks[0]!.filter!;
    for (let at = 0; at < length - 32; at++) {
      const broken = bytes.slice();
      broken[offset + at]! ^= 0xff;
      const damaged = await openParquet(bytesSource(broken));
      // Most damage to a header makes it unreadable; what is left reads as before.
      const found = await candidates(damaged, ["x"]);
      expect([[], [0]]).toContainEqual(found);
      const copy = await openParquet(bytesSource(await copyOf(damaged)));
      expect(await candidates(copy, ["x"])).toEqual(found);
    }
  });
});

describe("values that are expected nowhere", () => {
  const search = async (file: ParquetFile, texts: readonly string[]): Promise<readonly Candidate[]> => {
    const values = texts.map((text) => utf8.encode(text));
    return searchCandidates(file, "id", values, await rowGroupsWith(file, "id", values));
  };
  const loose: WriteOptions = { bloomFilters: ["id"], falsePositives: 0.9 };
  const hex = fc.stringMatching(/^[0-9a-f]{40}$/);

  it("are ruled out where they are in no page, and never where they are in one", async () => {
    const options = fc.record({
      pageBytes: fc.constantFrom(64, 1000, 2 ** 20),
      codec: fc.constantFrom("zstd" as const, "uncompressed" as const),
    });
    const values = fc.array(fc.oneof(hex, textArb), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(groupsArb, values, options, async (groups, strangers, o) => {
        const file = await written(groups, { ...loose, ...o });
        const asked = [...strangers, ...groups.flatMap((group) => group.filter((value) => value !== null).slice(0, 2))];
        const before = await narrowed(file, asked);
        const after = new Map((await search(file, asked)).map((candidate) => [candidate.rowGroup, candidate.values]));
        for (const { rowGroup, values: held } of before) {
          const left = after.get(rowGroup) ?? (after.has(rowGroup) ? undefined : new Int32Array(0));
          if (held === undefined) expect(left).toBeUndefined();
          else expect([...held]).toEqual(expect.arrayContaining([...left!]));
          for (const i of held ?? []) if (groups[rowGroup]!.includes(asked[i]!)) expect(left).toContain(i);
        }
        expect([...after.keys()]).toEqual(before.map(({ rowGroup }) => rowGroup).filter((group) => after.has(group)));
      }),
      { numRuns: testRuns(200) },
    );
  });

  it("leave only row groups that hold one of them, of ids and filters that let half of them through", async () => {
    const ids = fc.sample(fc.uniqueArray(hex, { minLength: 2400, maxLength: 2400 }), 1)[0]!;
    const groups = [ids.slice(0, 1000), ids.slice(1000, 1500), ids.slice(1500, 2200)];
    const asked = [...ids.slice(2200, 2206), ids[1200]!];
    for (const codec of ["zstd", "uncompressed"] as const) {
      const file = await written(groups, { ...loose, falsePositives: 0.5, pageBytes: 9000, codec });
      expect((await narrowed(file, asked)).length).toBeGreaterThan(1);
      expect(await search(file, asked)).toEqual([{ rowGroup: 1, values: Int32Array.of(6) }]);
    }
  });

  it("are not looked for in dictionaries and in damaged pages, and not when they are many", async () => {
    // Of 200 values in 32 bytes nearly all bits are set.
    const repeated = Array.from({ length: 4000 }, (_, i) => `value ${i % 200}`);
    const file = await written([repeated], { ...loose, falsePositives: 0.999 });
    const strangers = ["none 1", "none 2", "none 3"];
    expect(await narrowed(file, strangers)).not.toEqual([]);
    expect(await search(file, strangers)).toEqual(await narrowed(file, strangers));
    const few = Array.from({ length: 20 }, (_, i) => `id ${i}`);
    const bytes = await bytesOf([few], loose);
    const sound = await openParquet(bytesSource(bytes));
    const held = few.slice(0, 3);
    const { start, length } = sound.footer.rowGroups[0]!.chunks[0]!;
    for (let at = start; at < start + length; at++) {
      const broken = bytes.slice();
      broken[at]! ^= 0xff;
      const damaged = await openParquet(bytesSource(broken));
      expect([[0], []]).toContainEqual((await search(damaged, held)).map(({ rowGroup }) => rowGroup));
    }
    expect(await search(sound, few)).toEqual(await narrowed(sound, few));
  });
});

describe.runIf(python !== undefined)("bloom filters and others", () => {
  it("are bit for bit those of pyarrow", async () => {
    const values = Array.from({ length: 3000 }, (_, i) => `${i}`.padStart(1 + (i % 60), "x"));
    const path = join(dir, "pyarrow.parquet");
    const options = {
      use_dictionary: false,
      row_group_size: 1000,
      bloom_filter_options: { id: { ndv: 1000, fpp: 0.01 } },
    };
    const arrays = [{ name: "id", type: "string", values: values.map((value) => `s:${value}`) }];
    oracle([{ op: "write", path, arrays, options }]);
    const theirs = filtersOf(await openFile(path), new Uint8Array(readFileSync(path)));
    const bytes = await bytesOf([values.slice(0, 1000), values.slice(1000, 2000), values.slice(2000)]);
    const ours = filtersOf(await openParquet(bytesSource(bytes)), bytes);
    expect(theirs).toHaveLength(3);
    for (const [g, filter] of ours.entries()) expect(filter!.subarray(-2048)).toEqual(theirs[g]!.subarray(-2048));
    countComparisons("parquet", 3000);
  });

  it("give DuckDB's answers, on our files and on its own", async () => {
    // DuckDB writes filters where it writes dictionaries.
    const values = Array.from({ length: 6000 }, (_, i) => `value ${Math.floor(i / 2048)} ${i % 100}`);
    const paths = ["ours", "copied", "duckdb"].map((name) => join(dir, `${name}.parquet`));
    const bytes = await bytesOf([values.slice(0, 2048), values.slice(2048, 4096), values.slice(4096)]);
    writeFileSync(paths[0]!, bytes);
    writeFileSync(paths[1]!, await copyOf(await openParquet(bytesSource(bytes))));
    oracle([{ op: "duckdb-copy", from: paths[0], path: paths[2], options: "row_group_size 2048" }]);
    const asked = ["value 0 1", "value 1 99", "value 2 0", ...Array.from({ length: 200 }, (_, i) => `none ${i}`)];
    for (const path of paths) {
      const file = await openFile(path);
      expect(file.footer.rowGroups.map(({ chunks }) => chunks[0]!.filter !== undefined)).toEqual([true, true, true]);
      const [answers] = oracle([{ op: "bloom-probe", path, column: "id", values: asked }]);
      const found = await Promise.all(asked.map((value) => candidates(file, [value])));
      expect(found).toEqual(answers);
      expect(found.slice(0, 3)).toEqual([[0], [1], [2]]);
    }
    countComparisons("parquet", asked.length * 3);
  });

  it("leave files that pyarrow reads as before", async () => {
    const path = join(dir, "plain.parquet");
    const file = await written([["a", null], ["b"]]);
    writeFileSync(path, await copyOf(file));
    const [table] = oracle([{ op: "read", path }]);
    expect(table).toMatchObject({ columns: (await readAll(file)).columns });
    const meta = (await openFile(path)).footer.rowGroups[0]!.chunks[0]!.meta;
    expect(getSize(meta, META.bloomOffset)).toBeGreaterThan(4);
    expect(getI32(meta, META.bloomLength)).toBeGreaterThan(32);
  });
});
