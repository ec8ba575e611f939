/// <reference types="node" />
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Format, openTable } from "../src/index.ts";
import { decompress } from "../src/node/index.ts";
import { bytesOf } from "./helpers.ts";
import { refusal } from "./refusal.ts";

// Inputs of a gigabyte that never come to an end of what they began: each is refused soon, in one sentence, and little of it was held.

const GIGABYTE = 2 ** 30;
const LIMIT = 2 ** 21;
const LIMITS = { maxFieldBytes: LIMIT, maxRowBytes: 4 * LIMIT };

interface Endless {
  readonly format: Format;
  readonly of: string;
  readonly start: string;
  /** Repeated up to a gigabyte. */
  readonly unit: string;
  readonly code: "TOO_LARGE" | "CORRUPT";
  readonly line: number | "any";
  readonly rule: string;
}

const LOCUS = "LOCUS       a    4 bp    DNA     linear   SYN 21-NOV-2026\n";
const CELL = `a cell is longer than ${LIMIT} bytes`;
const LINE = `a line is longer than ${LIMIT} bytes`;
const RECORD = `a record is longer than ${LIMIT} bytes`;
const KEPT = `the lines of a record take more than ${4 * LIMIT} bytes of memory`;
const large = (
  format: Format,
  of: string,
  start: string,
  unit: string,
  line: number | "any",
  rule: string,
): Endless => ({
  ...{ format, of, start, unit, line, rule },
  code: "TOO_LARGE",
});

const ENDLESS: readonly Endless[] = [
  ...(["csv", "tsv"] as const).flatMap((format) => {
    const comma = format === "csv" ? "," : "\t";
    return [
      large(format, "a header", "", "x", 1, CELL),
      large(format, "a header of columns", "", `x${comma}`, 1, "a row has more than 65536 cells"),
      large(format, "a cell", `a${comma}b\n1${comma}2\n1${comma}`, "x", 3, CELL),
      large(format, "a quoted cell", `a${comma}b\n1${comma}"`, "x", 2, CELL),
      large(format, "a quoted cell of lines", `a${comma}b\n1${comma}"`, "\n", "any", CELL),
      large(format, "a quoted cell of quotes", `a${comma}b\n1${comma}"`, '""', 2, CELL),
      large(format, "a row of cells", `a${comma}b\n`, comma, 2, "a row has more than 65536 cells"),
    ];
  }),
  large("jsonl", "a blank line", "", " ", 1, LINE),
  large("jsonl", "a string", '{"a":"1"}\n{"a":"', "x", 2, LINE),
  large("jsonl", "a key", '{"', "x", 1, LINE),
  large("jsonl", "a number", '{"a":', "1", 1, LINE),
  large("jsonl", "a nest", '{"a":', "[", 1, LINE),
  large("jsonl", "a list", '{"a":[', "1,", 1, LINE),
  large("jsonl", "an object", "{", '"a":1,', 1, LINE),
  large("fasta", "a header", ">", "x", 1, RECORD),
  large("fasta", "a line", ">a\nAC\n>b\n", "A", 3, RECORD),
  large("fasta", "lines", ">a\n", "A\n", 1, RECORD),
  large("fasta", "blank lines", ">a\n", "\n", 1, RECORD),
  large("genbank", "LOCUS", "LOCUS ", "x", 1, LINE),
  large("genbank", "blank lines before a record", "", "\n", LIMIT + 1, RECORD),
  large("genbank", "blank lines in a header", LOCUS, "\n", "any", RECORD),
  large("genbank", "blank lines in the features", `${LOCUS}FEATURES\n`, "\n", "any", RECORD),
  large("genbank", "blank lines in a sequence", `${LOCUS}ORIGIN\n`, " \n", "any", RECORD),
  large("genbank", "a sequence", `${LOCUS}ORIGIN\n`, "a", 3, LINE),
  large("genbank", "lines of a sequence", `${LOCUS}ORIGIN\n`, "a\n", "any", KEPT),
  large("genbank", "lines of a header", LOCUS, "A\n", "any", KEPT),
  large("genbank", "features", `${LOCUS}FEATURES\n`, "   a  1\n", "any", KEPT),
  large("genbank", "qualifiers", `${LOCUS}FEATURES\n   a  1\n`, "                     /a\n", "any", RECORD),
  large("genbank", "lines of a location", `${LOCUS}FEATURES\n   a  join(1\n`, "                     ,1\n", "any", KEPT),
  large("genbank", "a location", `${LOCUS}FEATURES\n   a  join(1`, ",1", 3, LINE),
  { format: "fasta", of: "text before a record", start: "", unit: "x", code: "CORRUPT", line: 1, rule: "text stands before the first record" }, // biome-ignore format: one line
  { format: "genbank", of: "text before a record", start: "", unit: "x\n", code: "CORRUPT", line: 1, rule: "text stands before the first record" }, // biome-ignore format: one line
  { format: "csv", of: "blank lines for a header", start: "", unit: "\n", code: "CORRUPT", line: 1, rule: "the header line is empty" }, // biome-ignore format: one line
  ...(["csv", "tsv", "fasta", "genbank"] as const).map((format): Endless => {
    const start = { csv: "a,b\n", tsv: "a\tb\n", fasta: ">a\n", genbank: `${LOCUS}ORIGIN\n` }[format];
    const rule = "a NUL byte";
    return { format, of: "NUL", start, unit: "\0\n", code: "CORRUPT", line: format === "genbank" ? 3 : 2, rule };
  }),
];

interface Watched {
  pulled: number;
  /** Bytes of the heap and beside it above those at the start, at most. */
  held: number;
}

/** The same piece over and over: the input itself takes no memory. */
async function* endless({ start, unit }: Endless, watched: Watched): AsyncGenerator<Uint8Array, void, undefined> {
  const memory = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = memory();
  yield bytesOf(start);
  const piece = bytesOf(unit.repeat(Math.ceil(65_536 / unit.length)));
  while (watched.pulled < GIGABYTE) {
    watched.pulled += piece.length;
    watched.held = Math.max(watched.held, memory() - before);
    yield piece;
  }
}

const drained = async (format: Format, stream: AsyncIterable<Uint8Array>): Promise<void> => {
  const table = await openTable({ stream }, { format, name: "in", limits: LIMITS });
  for await (const batch of table.batches((_, type) => type ?? { kind: "string" })) expect(batch.numRows).toBe(-1);
};

describe.each(ENDLESS)("$format: endless $of", (one) => {
  const check = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
    const error = await refusal(drained(one.format, stream));
    expect([error.code, error.details["file"]], error.message).toEqual([one.code, "in"]);
    expect(error.details["rule"]).toContain(one.rule);
    expect(error.message).not.toContain("\n");
    expect(error.message.length).toBeLessThan(300);
    if (one.line === "any") expect(error.details["line"]).toBeGreaterThan(0);
    else expect(error.details["line"]).toBe(one.line);
  };

  test("is refused soon, at bounded memory", async () => {
    const watched: Watched = { pulled: 0, held: 0 };
    await check(endless(one, watched));
    expect(watched.pulled).toBeLessThan(4 * LIMIT);
    expect(watched.held).toBeLessThan(40 * LIMIT);
  });

  test("is refused out of a gz that is far smaller", async () => {
    const text = one.start + one.unit.repeat(Math.ceil((3 * LIMIT) / one.unit.length));
    const packed = gzipSync(text, { level: 1 });
    expect(packed.length).toBeLessThan(LIMIT / 4);
    await check(decompress(once(packed), "gz", { name: "in" }));
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
