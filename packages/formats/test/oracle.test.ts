import { parseType } from "@usr/schema";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floatText } from "../src/float-text.ts";
import { jsonRows } from "../src/index.ts";
import { chunkSizes, tableOf } from "./arbitraries.ts";
import { batchOf, bytesOf, readRows, writtenText } from "./helpers.ts";

const python = oracle();

/** Reads and writes CSV as Python does; floats and JSON as Python sees them. */
const SCRIPT = `
import csv, io, json
csv.field_size_limit(1 << 30)
def main(q):
    if q["do"] == "read":
        return list(csv.reader(io.StringIO(q["text"], newline=""), delimiter=q["delimiter"], strict=True))
    if q["do"] == "write":
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=q["delimiter"], lineterminator=q["end"], quoting=q["quoting"]).writerows(q["rows"])
        return out.getvalue()
    if q["do"] == "repr":
        return [repr(json.loads(x)) for x in q["numbers"]]
    if q["do"] == "json":
        return [json.dumps(json.loads(x), ensure_ascii=True, separators=(",", ":")) for x in q["lines"]]
`;

const cell = fc.oneof(
  fc.constantFrom("", '"', '""', "\n", "\r\n", "\r", ",", "\t", " ", "a", "=1"),
  fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => text.replaceAll("\0", "")),
);
const delimiters = fc.constantFrom(["csv", ","] as const, ["tsv", "\t"] as const);

describe.skipIf(python === undefined)("Python as the judge", () => {
  test("csv and tsv that Python writes are read to the same cells", async () => {
    if (python === undefined) return;
    await using worker = python.worker(SCRIPT);
    let compared = 0;
    const rows = fc
      .integer({ min: 2, max: 5 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
      );
    await fc.assert(
      fc.asyncProperty(
        rows,
        delimiters,
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 0, max: 1 }),
        chunkSizes,
        async (table, [format, delimiter], end, quoting, sizes) => {
          const names = table[0]!.map((_, i) => `c${i}`);
          // Python before 3.13 forgets to quote a carriage return, and could not read it back itself
          const all = table.flat().some((text) => text.includes("\r"));
          const text = String(
            await worker.ask({ do: "write", rows: [names, ...table], delimiter, end, quoting: all ? 1 : quoting }),
          );
          const read = await readRows(text, { format }, undefined, sizes);
          // Python has no missing cells
          expect(read.rows.map((row) => row.map((value) => value ?? ""))).toEqual(table);
          compared += table.length * names.length;
        },
      ),
      { numRuns: testRuns(400) },
    );
    countComparisons("formats: csv written by Python", compared);
  });

  test("csv and tsv that we write are read by Python to the same cells", async () => {
    if (python === undefined) return;
    await using worker = python.worker(SCRIPT);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(tableOf(4, 6), delimiters, async ({ types, rows }, [format, delimiter]) => {
        const text = await writtenText(types, rows, { format });
        const theirs = await worker.ask({ do: "read", text, delimiter });
        const names = Object.keys(types);
        const ours = await readRows(text, { format });
        const single = names.length === 1;
        const mine = ours.rows.map((row) => row.map((value) => value ?? ""));
        // a blank line is no row to Python
        expect(theirs).toEqual([names, ...mine.map((row, i) => (single && ours.rows[i]![0] === null ? [] : row))]);
        compared += rows.length * names.length;
      }),
      { numRuns: testRuns(300) },
    );
    countComparisons("formats: csv read by Python", compared);
  });

  test("floats are spelled as Python spells them", async () => {
    if (python === undefined) return;
    await using worker = python.worker(SCRIPT);
    const numbers = fc.sample(
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.double({ min: 1e-7, max: 1e-3, noNaN: true }),
        fc.double({ min: 1e14, max: 1e18, noNaN: true }),
      ),
      testRuns(20_000),
    );
    const texts = numbers.map(floatText);
    expect(await worker.ask({ do: "repr", numbers: texts })).toEqual(texts);
    countComparisons("formats: float text", texts.length);
  });

  test("rows as JSON are read by Python, which writes the very same lines", async () => {
    if (python === undefined) return;
    await using worker = python.worker(SCRIPT);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(tableOf(4, 6), async ({ types, rows }) => {
        const lines = [...jsonRows(batchOf(types, rows))];
        const theirs = await worker.ask({ do: "json", lines });
        expect(theirs).toEqual(lines.map(asciiOnly));
        compared += lines.length;
      }),
      { numRuns: testRuns(300) },
    );
    countComparisons("formats: json rows", compared);
  });

  test("a list of doubles in a csv cell is what Python dumped", async () => {
    if (python === undefined) return;
    await using worker = python.worker(SCRIPT);
    const lists = fc.sample(fc.array(fc.oneof(fc.double(), fc.integer()), { maxLength: 6 }), testRuns(300));
    const dumped = lists.map(
      (list) => `[${list.map((x) => (Number.isFinite(x) ? floatText(x) : String(x))).join(",")}]`,
    );
    const theirs = await worker.ask({ do: "json", lines: dumped });
    if (!Array.isArray(theirs)) throw new Error("Python gave no list");
    const text = `x,l\n${theirs.map((line) => `1,"${line}"\n`).join("")}`;
    const { rows } = await readRows(bytesOf(text), { format: "csv" }, { l: parseType("list<float64>") });
    expect(rows).toEqual(lists.map((list) => [list]));
    countComparisons("formats: lists in cells", lists.length);
  });
});

function asciiOnly(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
