import { openTable } from "@usr/formats";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLocation } from "../src/read/genbank-location.ts";

const read = async (text: string, chunk = 7): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const bytes = new TextEncoder().encode(text);
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  const table = await openTable({ stream: stream() }, { format: "genbank", name: "x.gb", limits: { batchRows: 2 } });
  const rows: Record<string, unknown>[] = [];
  for await (const batch of table.batches((_, type) => type)) {
    expect(batch.firstRow).toBe(rows.length + 1);
    for (let row = 0; row < batch.numRows; row++)
      rows.push(Object.fromEntries([...batch.columns].map(([name, column]) => [name, valueAt(column, row)])));
  }
  return rows;
};

const CIRCULAR = `LOCUS       pDEMO                     20 bp    DNA     circular SYN 21-NOV-2026
DEFINITION  A plasmid that was made
            by hand.
ACCESSION   DEMO1 DEMO2
VERSION     DEMO1.3  GI:7
KEYWORDS    .
FEATURES             Location/Qualifiers
     source          1..20
                     /organism="synthetic
                     construct"
                     /note="says ""hello"" /loud"
     CDS             complement(join(<1..4,
                     8..>12))
                     /codon_start=1
                     /note="first"
                     /note="second"
                     /pseudo
                     /translation="MKV
                     LIS"
                     /transl_except=(pos:1..3,
                     aa:OTHER)
     rep_origin      join(18..20,1..2)
                     /label=  ori
     gap             18..2
     misc_feature    20^1
ORIGIN
        1 gatcctccat atacaacggt
//
`;

const LINEAR = `
LOCUS       prot                       5 aa            linear   PRI 01-JAN-2000
ORIGIN
        1 mkvli
//
`;

describe("records", () => {
  test("blank lines within a record say nothing, whatever stands around them", async () => {
    expect(await read(CIRCULAR.replaceAll("\n", "\n\n  \r\n"))).toEqual(await read(CIRCULAR));
  });

  test("a circular plasmid: every part of the header, locations, qualifiers in order", async () => {
    const [row, ...others] = await read(CIRCULAR);
    expect(others).toEqual([]);
    const { features, ...header } = row!;
    expect(header).toEqual({
      ...{ sequence: "GATCCTCCATATACAACGGT", format: "genbank", parser: "usr", record_id: "DEMO1.3" },
      ...{ record_name: "pDEMO", description: "A plasmid that was made by hand" },
      ...{ topology: "circular", molecule_type: "DNA", sequence_region_start_0: 0n, sequence_region_end_0: 20n },
    });
    const interval = (start: bigint, end: bigint, strand: bigint, partial = false): unknown => ({
      ...{ start_0: start, end_0: end, strand, partial },
    });
    expect(features).toMatchObject([
      {
        ...{ feature_id: "gbf_DEMO1.3_0", feature_order: 0n, feature_type: "source", location_raw: "1..20" },
        ...{ location_kind: "interval", start_0: 0n, end_0: 20n, strand: 1n, is_fuzzy: false, confidence: "high" },
        label: 'says "hello" /loud',
        qualifiers: [
          { key: "organism", value: "synthetic construct" },
          { key: "note", value: 'says "hello" /loud' },
        ],
      },
      {
        ...{ feature_type: "CDS", location_raw: "complement(join(<1..4,8..>12))", location_kind: "compound_join" },
        ...{
          start_0: 0n,
          end_0: 12n,
          strand: -1n,
          is_fuzzy: true,
          is_compound: true,
          confidence: "low",
          label: "first",
        },
        intervals_0: [interval(7n, 12n, -1n, true), interval(0n, 4n, -1n, true)],
        qualifiers: [
          { key: "codon_start", value: "1" },
          { key: "note", value: "first" },
          { key: "note", value: "second" },
          { key: "pseudo", value: "" },
          { key: "translation", value: "MKVLIS" },
          { key: "transl_except", value: "(pos:1..3,aa:OTHER)" },
        ],
      },
      {
        location_raw: "join(18..20,1..2)",
        intervals_0: [interval(17n, 20n, 1n), interval(0n, 2n, 1n)],
        is_compound: true,
      },
      { location_raw: "18..2", intervals_0: [interval(17n, 20n, 1n), interval(0n, 2n, 1n)], is_compound: true },
      { location_raw: "20^1", start_0: 20n, end_0: 20n, is_compound: false, qualifiers: [] },
    ]);
  });

  test("several records, CRLF, any chunks; a protein has no strands and no features an empty list", async () => {
    const text = CIRCULAR + LINEAR + CIRCULAR.replaceAll("pDEMO", "other");
    const rows = await read(text);
    expect(rows.map((row) => row["record_name"])).toEqual(["pDEMO", "prot", "other"]);
    expect(rows[1]).toMatchObject({ sequence: "MKVLI", molecule_type: "protein", record_id: "prot", features: [] });
    expect(await read(text.replaceAll("\n", "\r\n"), 3)).toEqual(rows);
    expect(await read("")).toEqual([]);
  });

  test.each([
    ["text first", "hello\n", 1, "text stands before"],
    ["no end", CIRCULAR.replace("//\n", ""), 27, "// is missing"],
    ["no end before the next", CIRCULAR.replace("//\n", "") + CIRCULAR, 28, "ends with //"],
    ["wrong length", CIRCULAR.replace("20 bp", "21 bp"), 1, "21 symbols"],
    ["no sequence", CIRCULAR.replace(/ORIGIN\n.*\n/, "CONTIG      join(X:1..2)\n"), 1, "no sequence"],
    ["no LOCUS fields", CIRCULAR.replace("20 bp", "bp"), 1, "LOCUS says"],
    ["a digit in a word", CIRCULAR.replace("gatcc", "ga!cc"), 27, "letters"],
    ["a location", CIRCULAR.replace("18..2\n", "18...2\n"), 24, "position"],
    ["beyond the end", CIRCULAR.replace("18..2\n", "18..21\n"), 24, "beyond"],
    ["a circle in a line", CIRCULAR.replace("circular", "linear"), 24, "not circular|beyond|ends before"],
    ["an open quotation", CIRCULAR.replace('"second"', '"second'), 16, "quotation"],
    ["text after a quotation", CIRCULAR.replace('"second"', '"second" x'), 16, "closing"],
    ["half a feature", CIRCULAR.replace("     gap ", " gap "), 24, "column 6"],
    ["NUL", CIRCULAR.replace("hand", "ha\0d"), 3, "NUL"],
  ])("%s: an error with its line", async (_, text, line, rule) => {
    const failed: unknown = await read(text).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "CORRUPT", details: { file: "x.gb", line } });
    expect(failed).toHaveProperty("message", expect.stringMatching(rule));
  });
});

describe("locations", () => {
  const context = { length: 1000, circular: false, stranded: true };
  test.each([
    ["467", [[466, 467, 1, false]], "interval"],
    ["340..565", [[339, 565, 1, false]], "interval"],
    ["<345..500", [[344, 500, 1, true]], "interval"],
    ["<1..888", [[0, 888, 1, true]], "interval"],
    ["1..>888", [[0, 888, 1, true]], "interval"],
    ["102.110", [[101, 110, 1, true]], "interval"],
    ["(23.45)..600", [[22, 600, 1, true]], "interval"],
    ["one-of(3,6)..101", [[2, 101, 1, true]], "interval"],
    ["123^124", [[123, 123, 1, false]], "interval"],
    ["complement(34..126)", [[33, 126, -1, false]], "interval"],
    [
      "join(12..78,134..202)",
      [
        [11, 78, 1, false],
        [133, 202, 1, false],
      ],
      "compound_join",
    ],
    [
      "complement(join(2..9,4..5))",
      [
        [3, 5, -1, false],
        [1, 9, -1, false],
      ],
      "compound_join",
    ],
    [
      "join(complement(4..5),complement(2..9))",
      [
        [3, 5, -1, false],
        [1, 9, -1, false],
      ],
      "compound_join",
    ],
    [
      "join(1..2,complement(5..6))",
      [
        [0, 2, 1, false],
        [4, 6, -1, false],
      ],
      "compound_join",
    ],
    [
      "order(1..2,4)",
      [
        [0, 2, 1, false],
        [3, 4, 1, false],
      ],
      "compound_order",
    ],
    ["J00194.1:100..202", [], "interval"],
    ["join(1..100,J00194.1:100..202,gap(10))", [[0, 100, 1, false]], "compound_join"],
  ])("%s", (text, intervals, kind) => {
    const found = parseLocation(text, context);
    expect(found.kind).toBe(kind);
    expect(found.intervals.map((one) => [one.start, one.end, one.strand, one.partial])).toEqual(intervals);
  });

  test.each([
    "",
    "1..",
    "..5",
    "join(1..2",
    "1..2)",
    "0..5",
    "5..1",
    "1^3",
    "complement()",
    "x",
    "1..2,3",
    "9".repeat(40),
    "complement(".repeat(99),
  ])("%j is none", (text) => {
    expect(() => parseLocation(text, context)).toThrow(RangeError);
  });

  test("parts and choices beyond number are told as such", () => {
    const many = "1,".repeat(200_000);
    for (const text of [`join(${many}1)`, `one-of(${many}1)..5`, `join(${"complement(2),".repeat(40_000)}1)`])
      expect(() => parseLocation(text, context)).toThrow("a location has no more than 32768 parts");
    expect(parseLocation(`join(${"5..4,".repeat(32_767)}1)`, { ...context, circular: true }).intervals).toHaveLength(
      65_535,
    );
  });
});

test("whatever is written in the format is read as it was meant", { timeout: 60_000 }, async () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_.é-]{1,8}$/);
  const value = fc.array(fc.stringMatching(/^[A-Za-z0-9"/=(,éß]{1,9}$/), { minLength: 1, maxLength: 6 });
  const feature = fc.record({
    type: fc.constantFrom("CDS", "gene", "misc_feature", "-10_signal", "5'UTR"),
    place: fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.boolean()),
    qualifiers: fc.array(fc.tuple(fc.constantFrom("note", "gene", "db_xref", "translation"), value), { maxLength: 4 }),
  });
  const record = fc.record({
    name: word,
    sequence: fc.stringMatching(/^[acgtn]{30,95}$/),
    circular: fc.boolean(),
    features: fc.array(feature, { maxLength: 4 }),
  });
  const crlf = fc.boolean();
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 5 }),
      crlf,
      fc.integer({ min: 1, max: 200 }),
      async (records, windows, chunk) => {
        let text = "";
        for (const { name, sequence, circular, features } of records) {
          text += `LOCUS       ${name}  ${sequence.length} bp    ds-DNA     ${circular ? "circular" : "linear"} UNK\nFEATURES             Location/Qualifiers\n`;
          for (const { type, place, qualifiers } of features) {
            const [a, b] = [Math.min(place[0], place[1]), Math.max(place[0], place[1])];
            text += `     ${type.padEnd(16)}${place[2] ? `complement(${a}..${b})` : `${a}..${b}`}\n`;
            for (const [key, words] of qualifiers) {
              const lines = `/${key}="${words.join("\n").replaceAll('"', '""')}"`.split("\n");
              text += lines.map((line) => `${" ".repeat(21)}${line}\n`).join("");
            }
          }
          text += "ORIGIN\n";
          for (let at = 0; at < sequence.length; at += 60)
            text += `${String(at + 1).padStart(9)} ${(sequence.slice(at, at + 60).match(/.{1,10}/g) ?? []).join(" ")}\n`;
          text += "//\n";
        }
        const rows = await read(windows ? text.replaceAll("\n", "\r\n") : text, chunk);
        expect(rows.map(({ record_name, sequence, topology }) => ({ record_name, sequence, topology }))).toEqual(
          records.map(({ name, sequence, circular }) => ({
            ...{ record_name: name, sequence: sequence.toUpperCase(), topology: circular ? "circular" : "linear" },
          })),
        );
        expect(rows.map((row) => row["features"])).toMatchObject(
          records.map(({ features }) =>
            features.map(({ type, place, qualifiers }, order) => ({
              feature_order: BigInt(order),
              feature_type: type,
              start_0: BigInt(Math.min(place[0], place[1]) - 1),
              end_0: BigInt(Math.max(place[0], place[1])),
              strand: place[2] ? -1n : 1n,
              qualifiers: qualifiers.map(([key, words]) => ({
                key,
                value: words.join(key === "translation" ? "" : " "),
              })),
            })),
          ),
        );
      },
    ),
    { numRuns: testRuns(200) },
  );
});
