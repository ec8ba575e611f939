import { formatType, type Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { anyRows, countComparisons, naiveKey, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, describe as suite, test } from "vitest";
import { DistinctCounter } from "../src/inspect/distinct.ts";
import { HistogramCounter } from "../src/inspect/histogram.ts";
import { describe, origins } from "../src/inspect/index.ts";
import { ColumnCounter } from "../src/inspect/summary.ts";
import { gardenEventLog } from "../src/maintain/index.ts";
import { deleteRows } from "../src/records/index.ts";
import { idsOf, rootOf } from "./make.ts";
import { dataset, objectsOf } from "./random-dataset.ts";
import { linesOf } from "./support.ts";
import { attachCsv, demoRoot } from "./write-support.ts";

const lessThan = (a: Value, b: Value): boolean => {
  if (typeof a === "string" && typeof b === "string")
    return [...a].map(code).join() !== [...b].map(code).join() && before(a, b);
  return a !== null && b !== null && a < b;
};
const code = (symbol: string): number => symbol.codePointAt(0) ?? 0;
const before = (a: string, b: string): boolean => {
  const [x, y] = [[...a].map(code), [...b].map(code)];
  const at = x.findIndex((point, i) => point !== y[i]);
  return at === -1 ? x.length < y.length : y[at] === undefined ? false : x[at]! < y[at];
};

suite("describe", () => {
  test("counts, extremes and lengths of any column are those of the naive way", () => {
    fc.assert(
      fc.property(anyRows({ depth: 1 }), fc.integer({ min: 1, max: 5 }), ({ type, rows }, batches) => {
        const counter = new ColumnCounter(type);
        const size = Math.ceil(rows.length / batches) || 1;
        for (let at = 0; at < rows.length; at += size) counter.add(columnOf(type, rows.slice(at, at + size)));
        const found = counter.summary();
        const values = rows.filter((value) => value !== null);
        expect([found.non_null, found.nulls]).toEqual([values.length, rows.length - values.length]);
        const scalar = !/list|struct/.test(formatType(type));
        if (scalar) {
          expect(found.distinct).toBe(new Set(values.map(String)).size);
          expect(found.distinct_exact).toBe(true);
        } else expect(found.distinct).toBeNull();
        if (type.kind === "bool")
          expect([found.true, found.false]).toEqual([values.filter(Boolean).length, values.filter((v) => !v).length]);
        else if (scalar) {
          const ordered = values.filter((value) => !Number.isNaN(value));
          expect(found.nan).toBe(values.length - ordered.length);
          const least = ordered.find((value) => !ordered.some((other) => lessThan(other, value)));
          const one = new ColumnCounter(type);
          if (least !== undefined) one.add(columnOf(type, [least]));
          // What a value looks like in JSON is the rows' own rule; here it is which value.
          expect(found.min === 0 ? 0 : found.min).toEqual(
            least === undefined ? null : one.summary().min === 0 ? 0 : one.summary().min,
          );
        }
        const sized = values.flatMap((value) =>
          typeof value === "string" ? [[...value].length] : Array.isArray(value) ? [value.length] : [],
        );
        if (sized.length === 0) expect(found.lengths).toBeUndefined();
        else {
          expect([found.lengths?.min, found.lengths?.max]).toEqual([Math.min(...sized), Math.max(...sized)]);
          expect(found.lengths?.mean).toBeCloseTo(sized.reduce((a, b) => a + b) / sized.length, 10);
        }
      }),
      { numRuns: testRuns(500) },
    );
  });

  test("the mean of integers is exact and that of floats keeps what a plain sum loses", () => {
    const meanOf = (kind: "int64" | "float64", values: readonly Value[]): unknown => {
      const counter = new ColumnCounter({ kind });
      counter.add(columnOf({ kind }, values));
      return counter.summary().mean;
    };
    expect(meanOf("int64", [2n ** 62n, 2n ** 62n, -(2n ** 62n), -(2n ** 62n), 5n])).toBe(1);
    expect(meanOf("float64", [1e16, 1, -1e16, 1])).toBe(0.5);
    expect(meanOf("float64", [Number.NaN, 3])).toBe(3);
    expect(meanOf("float64", [Number.POSITIVE_INFINITY, 3])).toBe("Infinity");
    expect(meanOf("float64", [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe("NaN");
    expect(meanOf("float64", [1.5e308, 1.5e308, -1.5e308, 1.5e308])).toBe(7.5e307);
    expect(meanOf("float64", [-1.5e308, 1.5e308, 3])).toBe(1);
    expect(meanOf("float64", [])).toBeNull();
  });

  test("a histogram counts every value once, in bins that hold them", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(
          fc.oneof(
            fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
            fc.double({ noNaN: true, min: -1, max: 1 }),
          ),
          { minLength: 1, maxLength: 3000 },
        ),
        (whole, drawn) => {
          const values = whole ? drawn.map((value) => Math.trunc(value % 1e6)) : drawn;
          const counter = new HistogramCounter(whole);
          for (const value of values) counter.add(value);
          const { start, width, counts } = counter.result(24)!;
          expect(counts.reduce((a, b) => a + b)).toBe(values.length);
          expect(counts.length).toBeLessThanOrEqual(24);
          const slack = width * 1e-6;
          expect(start).toBeLessThanOrEqual(Math.min(...values) + slack);
          expect(start + counts.length * width).toBeGreaterThanOrEqual(Math.max(...values) - slack);
          if (whole) expect(Number.isInteger(width)).toBe(true);
        },
      ),
      { numRuns: testRuns(300) },
    );
  });

  test("distinct values are counted to ten thousand and estimated within three standard errors beyond", () => {
    for (const many of [0, 1, 10_000, 10_001, 100_000, 400_000]) {
      const counter = new DistinctCounter();
      for (let i = 0; i < many; i++) {
        counter.add(`value ${i}`);
        if (i % 7 === 0) counter.add(`value ${i >> 1}`);
      }
      expect(counter.exact).toBe(many <= 10_000);
      if (many <= 10_000) expect(counter.count).toBe(many);
      else expect(Math.abs(counter.count / many - 1)).toBeLessThan(0.025);
    }
  });

  test("long texts, which are kept as digests, are told apart from each other and from short ones", () => {
    const counter = new DistinctCounter();
    const genome = "ACGT".repeat(10_000);
    for (let i = 0; i < 300; i++) counter.add(`${genome}${i % 200}`);
    expect([counter.count, counter.exact]).toEqual([200, true]);
    for (const length of [39, 40, 41, 63, 64, 65, 66]) counter.add("A".repeat(length));
    expect(counter.count).toBe(207);
  });

  test("a dataset: columns in the order of the view, deleted rows left out unless asked for", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,NaN,"[3]"\n');
    await deleteRows(root, "demo", { ids: idsOf(["AAAA"]) });
    const all = await describe(root, "demo", { includeDeleted: true });
    expect(all.find(({ column }) => column === "mock__score")).toMatchObject({
      non_null: 2,
      nulls: 4,
      nan: 1,
      min: 1.5,
      mean: 1.5,
      origin: "mock",
      type: "float64",
    });
    const [vec, score] = await describe(root, "demo", { columns: ["mock__vec", "mock__score"] });
    expect(vec).toMatchObject({
      column: "mock__vec",
      non_null: 1,
      lengths: { min: 2, max: 2, mean: 2 },
      items: { min: 1, max: 2, mean: 1.5, non_null: 2 },
      example: [1, 2],
    });
    expect(score).toMatchObject({ non_null: 1, nulls: 4, nan: 0 });
    await expect(describe(root, "demo", { columns: ["nope"] })).rejects.toMatchObject({ code: "UNKNOWN_COLUMN" });
  });
});

const PYARROW = `
import pyarrow as pa, pyarrow.compute as pc
def main(ask):
    column = pa.array([float(v) if isinstance(v, str) else v for v in ask], pa.float64())
    numbers = column.filter(pc.invert(pc.is_nan(column)))
    low = pc.min_max(numbers)
    return [column.null_count, low["min"].as_py(), low["max"].as_py(), pc.mean(numbers).as_py()]
`;

const python = oracle();
test.skipIf(python === undefined)("oracle: pyarrow counts the same", async () => {
  await using worker = python!.worker(PYARROW);
  let compared = 0;
  const number = fc.option(fc.double({ noDefaultInfinity: true, min: -1e9, max: 1e9 }), { freq: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(number, { maxLength: 50 }), async (values) => {
      const counter = new ColumnCounter({ kind: "float64" });
      counter.add(columnOf({ kind: "float64" }, values));
      const { nulls, min, max, mean } = counter.summary();
      const asked = values.map((value) => (Number.isNaN(value) ? "nan" : value));
      const answer: unknown = await worker.ask(asked);
      if (!Array.isArray(answer)) throw new Error("no answer");
      expect([nulls, min, max]).toEqual(
        answer
          .slice(0, 3)
          .map((v) => (v === 0 ? 0 : v))
          .map((v, i) => (v === 0 ? [nulls, min, max][i] : v)),
      );
      if (typeof mean === "number")
        expect(Math.abs(mean - Number(answer[3]))).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(mean)));
      else expect(answer[3]).toBeNull();
      compared++;
    }),
    { numRuns: testRuns(200) },
  );
  countComparisons("describe", compared);
});

suite("origins", () => {
  test("of every value: the newest part that has one, else the base", { timeout: 120_000 }, async () => {
    let parts = 0;
    await fc.assert(
      fc.asyncProperty(dataset, async (random) => {
        const root = await rootOf(await objectsOf(random));
        const ids = idsOf(random.sequences);
        const query = { ids, includeDeleted: true };
        const found = await origins(root, "demo", query);
        const rows = (await linesOf(root, "demo", query)).map((line): Record<string, unknown> => JSON.parse(line));
        for (const [i, id] of ids.entries()) {
          for (const { name, key, columns, parts: written } of random.namespaces) {
            for (const column of Object.keys(columns)) {
              const own = naiveKey(key, key === "id" ? id : random.sequences[i]!);
              const newest = written
                .toSorted((a, b) =>
                  a.createdAt === b.createdAt ? (a.name < b.name ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1,
                )
                .find(({ rows: held }) =>
                  held.some((row) => naiveKey(key, row.key) === own && (row.values[column] ?? null) !== null),
                );
              const origin = found.get(id)?.get(column);
              if (newest !== undefined) {
                expect(origin).toMatchObject({
                  from: "part",
                  namespace: name,
                  path: `_derived/${name}/${newest.name}`,
                  actor: null,
                });
                parts++;
              } else if ((rows[i]?.[column] ?? null) !== null) expect(origin).toEqual({ from: "base" });
            }
          }
          expect(found.get(id)?.get("sequence")).toEqual({ from: "base" });
        }
      }),
      { numRuns: testRuns(300) },
    );
    expect(parts).toBeGreaterThan(100);
  });

  test("name who wrote the part", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nGGGG,1.5\n");
    const [id] = idsOf(["GGGG"]);
    const cells = await origins(root, "demo", { ids: [id!] });
    expect(cells.get(id!)?.get("mock__score")).toMatchObject({
      from: "part",
      namespace: "mock",
      actor: { tool: "test", run_id: "run-1" },
    });
    expect(cells.get(id!)?.get("id")).toEqual({ from: "base" });
    expect((await origins(root, "demo", { ids: ["0".repeat(40)] })).size).toBe(0);
    await deleteRows(root, "demo", { ids: idsOf(["AAAA"]) });
    expect((await gardenEventLog(root, "demo", { retainLast: 1 })).archived_lines).toBeGreaterThan(2);
    expect((await origins(root, "demo", { ids: [id!] })).get(id!)).toEqual(cells.get(id!));
  });
});
