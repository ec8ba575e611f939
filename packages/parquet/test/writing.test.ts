import type { Column, DataType, Value } from "@usr/schema";
import { columnOf, nullColumn } from "@usr/schema/columns";
import { afterEach, describe, expect, it, vi } from "vitest";
import { META, STATS } from "../src/footer/format.ts";
import { openParquet, type WriteOptions, writeParquet } from "../src/index.ts";
import { getBytes, getStruct } from "../src/thrift/fields.ts";
import { bytesSource, canonValue, collect, readAll } from "./canon.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function one(column: Column, o?: WriteOptions): Promise<Uint8Array> {
  const schema = { fields: [{ name: "a", type: column.type, nullable: true }], metadata: new Map([["k", "v"]]) };
  return collect(writeParquet(schema, [{ numRows: column.length, columns: [column] }], o));
}

async function bounds(type: DataType, values: readonly Value[]): Promise<readonly unknown[]> {
  const file = await openParquet(bytesSource(await one(columnOf(type, values))));
  const statistics = getStruct(file.footer.rowGroups[0]!.chunks[0]!.meta, META.statistics)!;
  const bytes = [getBytes(statistics, STATS.minValue), getBytes(statistics, STATS.maxValue)];
  return [...bytes.map((b) => b?.slice()), statistics.get(STATS.minExact), statistics.get(STATS.maxExact)];
}

const float = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("statistics", () => {
  it("leave NaN out and widen zeros", async () => {
    const type = { kind: "float64" } as const;
    expect(await bounds(type, [1, Number.NaN, -2])).toEqual([float(-2), float(1), true, true]);
    expect(await bounds(type, [Number.NaN])).toEqual([undefined, undefined, undefined, undefined]);
    expect(await bounds(type, [0])).toEqual([float(-0), float(0), true, true]);
    expect(await bounds(type, [-0, 5])).toEqual([float(-0), float(5), true, true]);
    expect(await bounds({ kind: "float16" }, [0, -1.5, Number.NaN])).toEqual([
      Uint8Array.of(0, 0xbe),
      Uint8Array.of(0, 0),
      true,
      true,
    ]);
  });

  it("order unsigned integers as such", async () => {
    expect(await bounds({ kind: "uint32" }, [1, 2 ** 32 - 1])).toEqual([
      Uint8Array.of(1, 0, 0, 0),
      new Uint8Array(4).fill(255),
      true,
      true,
    ]);
    expect(await bounds({ kind: "uint64" }, [2n ** 64n - 1n, 1n])).toEqual([
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      new Uint8Array(8).fill(255),
      true,
      true,
    ]);
    expect(await bounds({ kind: "int64" }, [-1n, 1n])).toEqual([
      new Uint8Array(8).fill(255),
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      true,
      true,
    ]);
  });

  it("cut long texts to bounds", async () => {
    const type = { kind: "string" } as const;
    expect(await bounds(type, ["b", "a", null, ""])).toEqual([utf8(""), utf8("b"), true, true]);
    const [min, max, minExact, maxExact] = await bounds(type, ["ACGT".repeat(100), `${"T".repeat(64)}x`]);
    expect([min, max, minExact, maxExact]).toEqual([utf8("ACGT".repeat(16)), utf8(`${"T".repeat(63)}U`), false, false]);
    const umlauts = "ü".repeat(50);
    expect(await bounds(type, [umlauts])).toEqual([utf8("ü".repeat(32)), undefined, false, undefined]);
    expect((await bounds(type, [`a${umlauts}`]))[1]).toEqual(utf8("b"));
  });
});

describe("what is chosen", () => {
  const chunk = async (column: Column, o?: WriteOptions) =>
    (await openParquet(bytesSource(await one(column, o)))).footer.rowGroups[0]!.chunks[0]!;
  it("is no compression for noise, zstd for the rest", async () => {
    const noise = new Float64Array(5000);
    let state = 1;
    for (let i = 0; i < noise.length * 2; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      new Uint32Array(noise.buffer)[i] = (state & 0xffff0000) | (Math.imul(state, 0x9e3779b1) >>> 16);
    }
    const type = { kind: "float64" } as const;
    expect(
      (await chunk({ layout: "fixed", type, length: 5000, values: noise.map((v) => (Number.isNaN(v) ? 0 : v)) })).codec,
    ).toBe(0);
    expect(
      (
        await chunk(
          columnOf(
            type,
            Array.from({ length: 5000 }, (_, i) => i),
          ),
        )
      ).codec,
    ).toBe(6);
    expect((await chunk(columnOf({ kind: "string" }, ["a"]))).codec).toBe(6);
    expect((await chunk(columnOf({ kind: "string" }, ["a"]), { codec: "uncompressed" })).codec).toBe(0);
  });

  it("is a dictionary where values repeat", async () => {
    const encodings = async (values: readonly Value[]) =>
      (await chunk(columnOf({ kind: "string" }, values))).meta.get(META.encodings);
    expect(await encodings(Array.from({ length: 100 }, (_, i) => `v${i % 3}`))).toMatchObject({ items: [0, 3, 8] });
    expect(await encodings(Array.from({ length: 100 }, (_, i) => `v${i}`))).toMatchObject({ items: [3, 6] });
  });

  it("is an ARROW:schema where a type needs it, with the same metadata", async () => {
    const text = async (type: DataType, o?: WriteOptions) =>
      (await openParquet(bytesSource(await one(nullColumn(type, 2), o)))).footer.keyValues.get("ARROW:schema");
    expect(await text({ kind: "timestamp", unit: "us", timezone: "UTC" })).toBeUndefined();
    expect(await text({ kind: "timestamp", unit: "us" })).toBeUndefined();
    expect(await text({ kind: "timestamp", unit: "us", timezone: "Europe/Berlin" })).toBeDefined();
    expect(
      await text({ kind: "list", item: { kind: "fixed_size_list", item: { kind: "int8" }, size: 2 } }),
    ).toBeDefined();
    expect(await text({ kind: "int8" }, { arrowSchema: "always" })).toBeDefined();
    const file = await openParquet(bytesSource(await one(nullColumn({ kind: "int8" }, 2), { arrowSchema: "always" })));
    expect([...file.schema.metadata]).toEqual([["k", "v"]]);
  });
});

describe("what is refused", () => {
  const type = { kind: "int32" } as const;
  const field = { name: "a", type, nullable: true };
  const column = columnOf(type, [1, null]);
  const write = (fields: readonly (typeof field)[], columns: readonly Column[], numRows = 2): Promise<Uint8Array> =>
    collect(writeParquet({ fields, metadata: new Map() }, [{ numRows, columns }]));
  it("is what does not fit the schema", async () => {
    await expect(write([field], [])).rejects.toMatchObject({ code: "INVALID" });
    await expect(write([field], [columnOf({ kind: "int64" }, [1n, 2n])])).rejects.toMatchObject({
      code: "INVALID",
      details: { column: "a" },
    });
    await expect(write([field], [column], 3)).rejects.toMatchObject({ code: "INVALID" });
    await expect(write([field, field], [column, column])).rejects.toMatchObject({ code: "INVALID" });
    await expect(write([], [])).rejects.toMatchObject({ code: "INVALID" });
    await expect(write([{ ...field, nullable: false }], [column])).rejects.toMatchObject({
      code: "INVALID",
      details: { column: "a" },
    });
  });

  it("is zstd where the runtime has none; uncompressed must be asked for", async () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    await expect(one(column)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    const file = await openParquet(bytesSource(await one(column, { codec: "uncompressed" })));
    expect((await readAll(file)).columns).toEqual([["i:1", null]]);
  });
});

describe("tables without rows", () => {
  it("keep their columns and metadata", async () => {
    const file = await openParquet(bytesSource(await one(nullColumn({ kind: "string" }, 0))));
    expect(file.numRows).toBe(0);
    expect(file.schema.fields).toEqual([{ name: "a", type: { kind: "string" }, nullable: true }]);
    expect((await readAll(file)).columns).toEqual([[]]);
  });
});

describe("dictionaries", () => {
  it("are made again where values repeat after a row group where they did not", async () => {
    const type = { kind: "string" } as const;
    const all = Array.from({ length: 4000 }, (_, i) => `text ${i}`);
    const few = all.map((_, i) => `text ${i % 3}`);
    const schema = { fields: [{ name: "a", type, nullable: true }], metadata: new Map() };
    const groups = [few, all, all, few].map((values) => ({ numRows: 4000, columns: [columnOf(type, values)] }));
    const file = await openParquet(bytesSource(await collect(writeParquet(schema, groups))));
    const dictionaries = file.footer.rowGroups.map(({ chunks }) => chunks[0]!.meta.has(META.dictionaryPageOffset));
    expect(dictionaries).toEqual([true, false, false, true]);
    expect((await readAll(file)).columns).toEqual([
      [...few, ...all, ...all, ...few].map((text) => canonValue(text, type)),
    ]);
  });
});
