/// <reference types="node" />
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countComparisons, GOLDEN_PATH } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK, FILE, GROUP, META, STATS } from "../src/footer/format.ts";
import { openParquet, ParquetError, type RowGroup, writeParquet } from "../src/index.ts";
import { getStruct, getStructs } from "../src/thrift/fields.ts";
import { WIRE } from "../src/thrift/read.ts";
import { list } from "../src/thrift/write.ts";
import { bytesSource, type CanonTable, collect, oracle, python, readAll } from "./canon.ts";
import { type Edit, rebuilt, set } from "./rebuild.ts";
import { batchOf, schemaOf, type TableSpec, tableArb } from "./tables.ts";

const golden = GOLDEN_PATH;

/** Seeded and small, so that a failure can be named by its number. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function damage(bytes: Uint8Array, pick: (below: number) => number): Uint8Array {
  const out = bytes.slice();
  // Half of the damage to the footer, where it hurts most.
  const footer = new DataView(out.buffer).getUint32(out.length - 8, true);
  const at = (): number => (pick(2) === 0 ? out.length - 1 - pick(Math.min(footer + 8, out.length)) : pick(out.length));
  switch (pick(6)) {
    case 0:
      return out.slice(0, pick(out.length));
    case 1: {
      const [from, length] = [at(), pick(8)];
      const cut = new Uint8Array(out.length - Math.min(length, out.length - from));
      cut.set(out.subarray(0, from));
      cut.set(out.subarray(out.length - (cut.length - from)), from);
      return cut;
    }
    case 2:
      out.fill(pick(256), at(), at());
      return out;
    case 3:
      out[at()] = [0, 1, 0x7f, 0x80, 0xff][pick(5)]!;
      return out;
    default:
      for (let n = pick(3); n >= 0; n--) out[at()]! ^= 1 << pick(8);
      return out;
  }
}

async function outcome(bytes: Uint8Array): Promise<CanonTable | ParquetError> {
  try {
    return await readAll(await openParquet(bytesSource(bytes)));
  } catch (error) {
    if (error instanceof ParquetError) return error;
    throw error;
  }
}

async function samples(): Promise<readonly Uint8Array[]> {
  const files: Uint8Array[] = globSync(
    "{foreign-physical,types-nested,types-scalar,nulls-nan,foreign-duckdb}/**/*.parquet",
    { cwd: golden },
  )
    .sort()
    .map((path) => new Uint8Array(readFileSync(join(golden, path))))
    .filter((bytes) => bytes.length < 20_000);
  const specs = fc.sample(tableArb({ fixedLists: true, maxRows: 100 }), { numRuns: 20, seed: 20260007 });
  for (const [i, spec] of specs.entries()) {
    const o = { pageBytes: 200, codec: i % 2 === 0 ? ("uncompressed" as const) : ("zstd" as const) };
    files.push(await collect(writeParquet(schemaOf(spec), [batchOf(spec)], o)));
  }
  return files;
}

describe("damaged files", () => {
  it("give a typed error or the declared rows, in 2,000 seeded cases", { timeout: 240_000 }, async () => {
    const files = await samples();
    expect(files.length).toBeGreaterThan(25);
    const rows: number[] = [];
    for (const bytes of files) rows.push((await openParquet(bytesSource(bytes))).numRows);
    let refused = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const pick = generator(seed);
      const which = pick(files.length);
      const bytes = damage(files[which]!, pick);
      const start = performance.now();
      const result = await outcome(bytes).catch((error: unknown) => {
        throw new Error(`seed ${seed}, file ${which}: not a ParquetError`, { cause: error });
      });
      expect(performance.now() - start, `seed ${seed}`).toBeLessThan(10_000);
      if (result instanceof ParquetError) refused++;
      else expect(result.rows, `seed ${seed}`).toBe(rows[which]);
    }
    expect(refused).toBeGreaterThan(800);
  });

  it.skipIf(python === undefined)(
    "are refused where pages carry checksums, or exact",
    { timeout: 120_000 },
    async () => {
      const dir = mkdtempSync(join(tmpdir(), "usr-crc-"));
      const path = join(dir, "crc.parquet");
      const values = Array.from({ length: 300 }, (_, i) => `s:${"ACGT".repeat(i % 9)}${i}`);
      const write = {
        op: "write",
        path,
        arrays: [{ name: "s", type: "string", values }],
        options: { write_page_checksum: true, compression: "none", data_page_size: 500 },
      };
      expect(oracle([write])).toEqual([{ ok: true }]);
      const bytes = new Uint8Array(readFileSync(path));
      rmSync(dir, { recursive: true });
      const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
      let refused = 0;
      for (let seed = 0; seed < 500; seed++) {
        const pick = generator(seed);
        const copy = bytes.slice();
        copy[4 + pick(bytes.length - footer - 12)]! ^= 1 << pick(8);
        const result = await outcome(copy);
        if (result instanceof ParquetError) refused++;
        else expect(result.columns, `seed ${seed}`).toEqual([values]);
      }
      countComparisons("parquet-checksums", 500);
      expect(refused).toBeGreaterThan(400);
    },
  );
});

/** Edits the metadata of the first chunk of the first row group. */
function chunkEdit(edit: Edit): Edit {
  return (footer) => {
    const [group, ...groups] = getStructs(footer, FILE.rowGroups)!;
    const [chunk, ...chunks] = getStructs(group!, GROUP.columns)!;
    const edited = set(chunk!, CHUNK.meta, edit(getStruct(chunk!, CHUNK.meta)!));
    return set(
      footer,
      FILE.rowGroups,
      list(WIRE.struct, [set(group!, GROUP.columns, list(WIRE.struct, [edited, ...chunks])), ...groups]),
    );
  };
}

describe("lying footers", () => {
  const spec: TableSpec = batchSpec();
  function batchSpec(): TableSpec {
    const found = fc
      .sample(tableArb({ fixedLists: false, maxRows: 50 }), { numRuns: 200, seed: 20260008 })
      .find((s) => s.rows > 30 && s.fields[0]!.type.kind === "int64");
    if (found === undefined) throw new Error("no table with an int64 column among the samples");
    return found;
  }
  const group: RowGroup = batchOf(spec);
  const rowsTo =
    (numRows: bigint): Edit =>
    (footer) => {
      const groups = getStructs(footer, FILE.rowGroups)!.map((g) => set(g, GROUP.numRows, numRows));
      return set(set(footer, FILE.numRows, numRows), FILE.rowGroups, list(WIRE.struct, groups));
    };
  const cases: Readonly<Record<string, readonly [Edit, readonly string[]]>> = {
    "more rows in the file than in its groups": [(f) => set(f, FILE.numRows, BigInt(spec.rows + 1)), ["CORRUPT"]],
    "a negative row count": [rowsTo(-1n), ["CORRUPT"]],
    "2^62 rows": [rowsTo(2n ** 62n), ["CORRUPT"]],
    "2^40 rows": [rowsTo(2n ** 40n), ["CORRUPT"]],
    "2^40 rows and values": [
      (f) => chunkEdit((m) => set(m, META.numValues, 2n ** 40n))(rowsTo(2n ** 40n)(f)),
      ["CORRUPT"],
    ],
    "one row more everywhere": [
      (f) => chunkEdit((m) => set(m, META.numValues, BigInt(spec.rows + 1)))(rowsTo(BigInt(spec.rows + 1))(f)),
      ["CORRUPT"],
    ],
    "one row fewer everywhere": [
      (f) => chunkEdit((m) => set(m, META.numValues, BigInt(spec.rows - 1)))(rowsTo(BigInt(spec.rows - 1))(f)),
      ["CORRUPT"],
    ],
    "a chunk past the end": [chunkEdit((m) => set(m, META.dataPageOffset, 2n ** 40n)), ["CORRUPT"]],
    "a chunk longer than the file": [chunkEdit((m) => set(m, META.totalCompressed, 2n ** 40n)), ["CORRUPT"]],
    "a chunk cut short": [chunkEdit((m) => set(m, META.totalCompressed, 20n)), ["CORRUPT"]],
    "a chunk of no bytes": [chunkEdit((m) => set(m, META.totalCompressed, 0n)), ["CORRUPT", "TOO_LARGE"]],
    "a terabyte uncompressed": [chunkEdit((m) => set(m, META.totalUncompressed, 2n ** 40n)), ["TOO_LARGE"]],
    "more expansion than allowed": [chunkEdit((m) => set(m, META.totalUncompressed, 2n ** 34n)), ["TOO_LARGE"]],
    "another physical type": [chunkEdit((m) => set(m, META.type, 1)), ["CORRUPT"]],
    "an unknown codec": [chunkEdit((m) => set(m, META.codec, 77)), ["CORRUPT"]],
    "another codec": [chunkEdit((m) => set(m, META.codec, 2)), ["CORRUPT"]],
    "a group with a thousand children": [
      (f) =>
        set(
          f,
          FILE.schema,
          list(
            WIRE.struct,
            getStructs(f, FILE.schema)!.map((e, i) => (i === 0 ? set(e, 5, 1000) : e)),
          ),
        ),
      ["CORRUPT"],
    ],
    "a schema element nobody declares": [
      (f) => set(f, FILE.schema, list(WIRE.struct, [...getStructs(f, FILE.schema)!, getStructs(f, FILE.schema)![1]!])),
      ["CORRUPT"],
    ],
  };

  for (const [name, [edit, codes]] of Object.entries(cases)) {
    it(`with ${name} are refused`, async () => {
      const bytes = await collect(writeParquet(schemaOf(spec), [group]));
      expect((await readAll(await openParquet(bytesSource(bytes)))).rows).toBe(spec.rows);
      const result = await outcome(rebuilt(bytes, edit));
      expect(result).toBeInstanceOf(ParquetError);
      if (result instanceof ParquetError) expect(codes).toContain(result.code);
    });
  }

  it("hold to the limits given", async () => {
    const bytes = await collect(writeParquet(schemaOf(spec), [group, group]));
    const open = (limits: object): Promise<unknown> => openParquet(bytesSource(bytes), { limits });
    await expect(open({ footerBytes: 10 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(open({ footerValues: 10 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(open({ rowGroups: 1 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(open({ columns: 0 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(open({ chunkBytes: 10 })).rejects.toMatchObject({ code: "TOO_LARGE" });
    const file = await openParquet(bytesSource(bytes), { limits: { pageValues: 3 } });
    await expect(readAll(file)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("with a wrong null count are read as they are; statistics are no data", async () => {
    const bytes = await collect(writeParquet(schemaOf(spec), [group]));
    const lied = rebuilt(
      bytes,
      chunkEdit((m) => set(m, META.statistics, new Map([[STATS.nullCount, 1n]]))),
    );
    expect((await readAll(await openParquet(bytesSource(lied)))).columns).toEqual(
      (await readAll(await openParquet(bytesSource(bytes)))).columns,
    );
  });
});
