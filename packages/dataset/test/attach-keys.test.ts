import { buildKeyIndex, matchKeys } from "@usr/overlay";
import { type ByteSource, openParquet, type ParquetFile, readBatches, writeParquet } from "@usr/parquet";
import { filteredAlike, storedAlike } from "@usr/parquet/stored";
import type { Column } from "@usr/schema";
import { columnOf, sliceColumn, valueAt } from "@usr/schema/columns";
import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseKeys } from "../src/write/attach/base-keys.ts";
import { idsInOrder, type WholeIds } from "../src/write/attach/ids-in-order.ts";
import { nextGroup } from "../src/write/attach/part-groups.ts";
import { initDataset } from "../src/write/index.ts";
import { baseBytes, idsOf } from "./make.ts";
import { attachCsv, importCsv, register, writableRoot } from "./write-support.ts";

const textOf = (values: readonly (string | null)[]): Column => columnOf({ kind: "string" }, values);

const fileOf = (bytes: Uint8Array): Promise<ParquetFile> => {
  const source: ByteSource = {
    meta: { size: bytes.length },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
  return openParquet(source);
};

const baseOf = async (
  ids: readonly (string | null)[],
  groupRows: number,
  write: object = { bloomFilters: ["id"] },
): Promise<ParquetFile> =>
  fileOf(await baseBytes({ sequences: ids.map(() => "A"), groupRows, write, instead: { id: ["string", ids] } }));

const digits = (row: number): string => idsOf(["ACGT".repeat(row + 1)])[0]!;
const IDS = Array.from({ length: 40 }, (_, row) => digits(row));

describe("ids in the order of the base", () => {
  const plain = fc.constantFrom(...IDS.slice(0, 30));
  const odd = fc.constantFrom(null, "", "a", ` ${IDS[3]}`, `${IDS[4]?.slice(0, 39)} `, `\u00a0${IDS[5]?.slice(2)}`);

  it("are looked up as in an index of the whole base, wherever they leave it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uniqueArray(plain, { minLength: 1 }),
          fc.array(plain, { minLength: 1, maxLength: 20 }),
          fc.array(fc.oneof({ weight: 12, arbitrary: plain }, odd), { minLength: 1, maxLength: 20 }),
        ),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, odd, plain), { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        async (base, groupRows, changes, step) => {
          const file = await baseOf(base, groupRows);
          const whole = await buildKeyIndex("id", readBatches(file, { columns: ["id"] }));
          // The base itself, but for some rows.
          const asked = textOf(Array.from(base, (id, row) => (changes[row] === undefined ? id : changes[row])));
          const known: WholeIds = {};
          // A second walk finds what the first left behind.
          for (let walk = 0; walk < 2; walk++) {
            const lookup = idsInOrder(file, known);
            for (let at = 0; at < base.length; at += step) {
              const column = sliceColumn(asked, at, Math.min(base.length, at + step));
              const index = await lookup(column);
              const expected = [...matchKeys(whole).match(column)];
              expect([...matchKeys(index).match(column)]).toEqual(expected);
              // Also one by one, as another column of the same ids.
              const copy = textOf(Array.from({ length: column.length }, (_, i) => valueAt(column, i) as string | null));
              expect([...matchKeys(index).match(copy)]).toEqual(expected);
            }
            const keys = base.map((id) => id?.trim());
            const sound = keys.every((id, row) => id === base[row] && id?.length === 40 && keys.indexOf(id) === row);
            expect(known.exact).toBe(sound);
          }
        },
      ),
      { numRuns: testRuns(200) },
    );
  });

  it("are told apart where many begin alike", async () => {
    const alike = Array.from(
      { length: 1000 },
      (_, i) => `${"0".repeat(8)}${idsOf([`${"A".repeat(i)}C`])[0]?.slice(8)}`,
    );
    for (const [ids, twice] of [
      [[...IDS, ...alike.slice(0, 40)], false],
      [[...IDS, ...alike], false],
      [[...IDS, ...alike.slice(0, 40), alike[7]!], true],
      [[...IDS, IDS[0]!], true],
    ] as const) {
      const known: WholeIds = {};
      const index = await idsInOrder(await baseOf(ids, 1000), known)(textOf(ids));
      expect(known.exact ?? known.table === undefined).toBe(!twice);
      expect(matchKeys(index).match(textOf(ids)).at(-1)).toBe(ids.indexOf(ids.at(-1)!));
    }
  });
});

describe("keys from the base", () => {
  it("are the ids of any rows, by reference where these are a row group", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(39), { minLength: 1 }),
        fc.integer({ min: 1, max: 15 }),
        fc.boolean(),
        async (chosen, groupRows, held) => {
          const rows = Int32Array.from(chosen).sort();
          const file = await baseOf(IDS, groupRows);
          const known: WholeIds = {};
          if (held) await idsInOrder(file, known)(textOf(IDS));
          const keys = baseKeys(file, known)!;
          const key = await keys.of(rows);
          const first = rows[0]!;
          const whole = first % groupRows === 0 && rows.length === Math.min(groupRows, 40 - first);
          expect("rowGroup" in key).toBe(whole && rows.at(-1) === first + rows.length - 1);
          const schema = {
            fields: [{ name: "key", type: { kind: "string" }, nullable: true }],
            metadata: new Map(),
          } as const;
          const pieces: Uint8Array[] = [];
          for await (const piece of writeParquet(schema, [{ numRows: rows.length, columns: [key] }]))
            pieces.push(piece);
          const found: unknown[] = [];
          for await (const { columns } of readBatches(await fileOf(Buffer.concat(pieces))))
            for (let i = 0; i < columns[0]!.length; i++) found.push(valueAt(columns[0]!, i));
          expect(found).toEqual(Array.from(rows, (row) => IDS[row]));
        },
      ),
      { numRuns: testRuns(60) },
    );
  });

  it("are not taken from a base of another program, nor from one without filters", async () => {
    expect(baseKeys(await baseOf(IDS, 10, { createdBy: "somebody", bloomFilters: ["id"] }), {})).toBeUndefined();
    expect(baseKeys(await baseOf(IDS, 10, {}), {})).toBeUndefined();
  });

  it("cut rows into whole groups of the base and others, however they come", async () => {
    const file = await baseOf(IDS, 8);
    const keys = baseKeys(file, {})!;
    const cut = (rows: readonly number[], size: number, fit = size): readonly number[] => {
      const base = Int32Array.from(rows);
      const sizes: number[] = [];
      for (let from = 0; from < base.length; ) {
        const { rows: next } = nextGroup(base, from, { size, fit }, keys);
        sizes.push(next);
        from += next;
      }
      return sizes;
    };
    const all = IDS.map((_, row) => row);
    expect(cut(all, 100)).toEqual([8, 8, 8, 8, 8]);
    expect(cut(all, 100, 7)).toEqual([40]);
    expect(cut(all.slice(3), 100)).toEqual([5, 8, 8, 8, 8]);
    expect(
      cut(
        all.filter((row) => row !== 20),
        100,
      ),
    ).toEqual([8, 8, 7, 8, 8]);
    expect(
      cut(
        all.filter((row) => row % 2 === 0),
        9,
      ),
    ).toEqual([9, 9, 2]);
    await fc.assert(
      fc.property(fc.uniqueArray(fc.nat(39), { minLength: 1 }), fc.integer({ min: 8, max: 20 }), (rows, size) => {
        rows.sort((a, b) => a - b);
        const sizes = cut(rows, size);
        expect(sizes.reduce((sum, rows) => sum + rows, 0)).toBe(rows.length);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(size);
        // What is settled stays so when more rows come.
        const base = Int32Array.from(rows);
        const { rows: first, settled } = nextGroup(
          base.subarray(0, Math.ceil(rows.length / 2)),
          0,
          { size, fit: size },
          keys,
        );
        if (settled) expect(first).toBe(sizes[0]);
      }),
      { numRuns: testRuns(200) },
    );
  });
});

describe("a part with every row of the base", () => {
  const sequences = Array.from({ length: 9000 }, (_, i) =>
    i.toString(4).replace(/\d/g, (digit) => "ACGT"[Number(digit)]!),
  );
  const ids = idsOf(sequences);

  it("has its ids in the bytes of the base, with their filters, in whatever order the rows came", async () => {
    const root = writableRoot(memoryStorage());
    await register(root, "mock", "mock__score:float64");
    await initDataset(root, "demo");
    await importCsv(root, "demo", `sequence\n${sequences.join("\n")}\n`);
    const rows = ids.map((id, row) => `${id},${row / 8}\n`);
    const around = rows.with(8000, ` ${rows[8000]}`);
    const shuffled = rows.map((_, i) => rows[(i * 7919) % rows.length]!);
    const base = await openParquet((await root.storage.open("demo/records.parquet"))!);
    for (const [lines, same] of [
      [rows, true],
      [rows, true],
      [around, true],
      [shuffled, true],
      [rows, true],
      [rows.slice(1), false],
      [rows.slice(0, -1), false],
    ] as const) {
      const text = `id,score\n${lines.join("")}`;
      const { part } = await attachCsv(root, "demo", text, { key: "id", overwrite: true });
      const file = await openParquet((await root.storage.open(`demo/${part}`))!);
      expect([await storedAlike(file, base, "id"), await filteredAlike(file, base, "id")]).toEqual([same, same]);
      const found: unknown[] = [];
      for await (const { columns, numRows } of readBatches(file))
        for (let i = 0; i < numRows; i++) found.push(`${valueAt(columns[0]!, i)},${valueAt(columns[1]!, i)}\n`);
      const kept = new Set(lines.map((line) => line.trimStart()));
      expect(found).toEqual(rows.filter((row) => kept.has(row)));
    }
  });

  it("is refused where a base of other hands holds an id twice, before the input leaves its order and after", async () => {
    const root = writableRoot(memoryStorage());
    await register(root, "mock", "mock__score:float64");
    await initDataset(root, "demo");
    await importCsv(root, "demo", `sequence\n${sequences.join("\n")}\n`);
    const twice = ids.with(8999, ids[17]!);
    const write = { bloomFilters: ["id"] };
    await root.storage.put(
      "demo/records.parquet",
      await baseBytes({ sequences, instead: { id: ["string", twice] }, groupRows: 5000, write }),
    );
    for (const asked of [twice, twice.with(8998, "stranger"), twice.toReversed()]) {
      const text = `id,score\n${asked.map((id) => `${id},1\n`).join("")}`;
      const refused = attachCsv(root, "demo", text, { key: "id", allowMissing: true });
      await expect(refused).rejects.toMatchObject({ code: "DUPLICATE_KEY", details: { count: 1 } });
    }
  });
});
