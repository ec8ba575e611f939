import fc from "fast-check";
import { text } from "./arbitraries.ts";

/** Values written as YAML by hand: lines for the block style, or one line for the flow style. */
interface Written {
  /** What follows `key:` or `-` in the same line; `undefined` = nothing. */
  readonly head: string | undefined;
  /** Lines below, indented relative to the key. */
  readonly lines: readonly string[];
}

const inline = (head: string): Written => ({ head, lines: [] });

const PLAIN = [
  "word",
  "two words",
  "yes",
  "No",
  "on",
  "OFF",
  "y",
  "~",
  "null",
  "NULL",
  "nUll",
  "0",
  "-0",
  "+12",
  "0755",
  "0o17",
  "08",
  "0x1F",
  "0b101",
  "1_000",
  "_1",
  "190:20:30",
  "1:60",
  "-1:30.5",
  "1.5",
  "1.",
  ".5",
  "-.5",
  "1e3",
  "1.0e3",
  "1.0e+3",
  "6.02e23",
  "1.5E-7",
  ".inf",
  "-.INF",
  "+.Inf",
  ".NaN",
  "2026-02-06",
  "2026-2-6",
  "2026-02-06T01:02:03Z",
  "2026-02-06 1:02:03.25 +5",
  "2026-02-06t01:02:03.1234567-05:30",
  "2026-02-06 01:02:03",
  "0001-01-01",
  "2024-02-29 00:00:00  Z",
  "123456789012345678901234567890",
  "a:b",
  "a#b",
  "it's",
  "x]",
  "a, b",
  "-a",
  "?a",
  ":a",
  "a\\b",
  'a"b',
  "café — 🧬",
  "=a",
  "<<a",
  "a  b",
  "a!",
  "timestamp[us, UTC]",
  "list<float64>",
  "__proto__",
  "constructor",
  "1.0",
  "0.1",
  "100000000000000000000.0",
  "12e03",
  "1.7976931348623157e+308",
  "0.00001",
  "123456789.123456789",
  "9007199254740993",
  "true",
  "False",
  "tRue",
];

const plainText = fc.constantFrom(...PLAIN);
const quote = (value: string): string =>
  `"${JSON.stringify(value)
    .slice(1, -1)
    .replace(/\x7f/g, "\\x7F")
    .replace(/[\u0080-\uffff]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(/[\u{10000}-\u{10ffff}]/gu, (c) => `\\U${(c.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`)}"`;
const printable = text.map((value) =>
  value.replace(/[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/gu, ""),
);
const oneLine = printable.map((value) => value.replace(/\n/g, ""));

const flowScalar: fc.Arbitrary<string> = fc.oneof(
  plainText.filter((value) => !/[,[\]{}?]|^[:-]/.test(value)),
  oneLine.map((value) => `'${value.replaceAll("'", "''")}'`),
  text.filter((value) => !/\p{Cs}/u.test(value)).map(quote),
);

const flowNode: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    flowScalar,
    fc.array(tie("node"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(
        fc.tuple(
          flowScalar.filter((key) => key !== ".NaN"),
          tie("node"),
        ),
        { maxLength: 3 },
      )
      .map((pairs) => `{${pairs.map(([key, value]) => `${key}: ${value}`).join(", ")}}`),
  ),
})).node;

const blockScalar: fc.Arbitrary<Written> = fc
  .tuple(
    fc.constantFrom("|", ">"),
    fc.constantFrom("", "-", "+"),
    fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.constantFrom("a line", "another one of more words", "", "", "# no comment", "x: y", "- z"),
        },
        { weight: 1, arbitrary: fc.constantFrom("  deeper", " deep", "trailing ") },
      ),
      { minLength: 1, maxLength: 7 },
    ),
  )
  .filter(([, , lines]) => /^\S/.test(lines.find((line) => line !== "") ?? ""))
  .map(([style, chomp, lines]) => ({
    head: `${style}${chomp}`,
    lines: lines.map((line) => (line === "" ? "" : `  ${line}`)),
  }));

const folded: fc.Arbitrary<Written> = fc
  .tuple(
    fc.constantFrom("", "'", '"'),
    fc.array(fc.constantFrom("one", "two three", "it is", "", "end"), { minLength: 2, maxLength: 5 }),
  )
  .filter(([, lines]) => lines[0] !== "" && lines.at(-1) !== "")
  .map(([mark, lines]) => ({
    head: `${mark}${lines[0]}`,
    lines: lines.slice(1).map((line, at) => (line === "" ? "" : `    ${line}${at === lines.length - 2 ? mark : ""}`)),
  }));

const comment = fc.constantFrom("", "", "", " # why", "  #");

const node: fc.Arbitrary<Written> = fc.letrec<{ node: Written }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.tuple(flowNode, comment).map(([value, note]) => inline(`${value}${note}`)),
    fc.tuple(plainText, comment).map(([value, note]) => inline(`${value}${note}`)),
    fc.constant({ head: undefined, lines: [] }),
    blockScalar,
    folded,
    fc
      .array(tie("node"), { minLength: 1, maxLength: 3 })
      .map((items) => ({ head: undefined, lines: items.flatMap((item) => under("-", item, "  ")) })),
    fc
      .array(
        fc.tuple(
          fc.oneof(
            plainText.filter((key) => key !== ".NaN"),
            flowScalar.filter((key) => key.length < 100 && key !== ".NaN"),
          ),
          tie("node"),
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((pairs) => ({
        head: undefined,
        lines: pairs
          .flatMap(([key, value]) => under(`${key}:`, value, "  "))
          .map((line) => (line === "" ? "" : `  ${line}`)),
      })),
  ),
})).node;

const under = (key: string, { head, lines }: Written, indent: string): readonly string[] => [
  head === undefined ? key : `${key} ${head}`,
  ...lines.map((line) => (line === "" ? "" : `${indent}${line}`)),
];

const TYPES = [
  "string",
  "list<float64>",
  "'timestamp[us, UTC]'",
  "timestamp[us, UTC]",
  '"struct<a:int64,b:list<string>>"',
];

const columns = (namespace: string): fc.Arbitrary<Written> =>
  fc
    .array(fc.tuple(fc.constantFrom("a", "b", "c", "d__e"), fc.constantFrom(...TYPES), fc.boolean()), { maxLength: 3 })
    .map((list) => {
      if (list.length === 0) return inline("[]");
      const lines = list.flatMap(([name, type, turned]) => {
        const pair = [`name: ${namespace}__${name}`, `type: ${type}`];
        const [first = "", second = ""] = turned ? pair.toReversed() : pair;
        return [`- ${first}`, `  ${second}`];
      });
      return { head: undefined, lines };
    });

const STATE = [
  "usr_state:",
  "  owner: usr",
  "  columns:",
  "  - {name: usr_state__masked, type: bool}",
  "  - {name: usr_state__qc_status, type: string}",
  "  - {name: usr_state__split, type: string}",
  "  - {name: usr_state__supersedes, type: string}",
  "  - {name: usr_state__lineage, type: list<string>}",
];

const entry: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    fc.constantFrom("a", "mock", "seven", "Bad-NS", "a__b", "__proto__"),
    fc.constantFrom("", " &e", " # entry"),
    fc.boolean(),
  )
  .chain(([namespace, mark, shared]) =>
    fc
      .tuple(
        node,
        node,
        columns(namespace),
        fc.constantFrom([], ["note: 1"], ["owner: again"], ["<<: {owner: merged, extra: 1}"]),
      )
      .map(([owner, description, list, more]) => {
        const anchored = (written: Written): Written =>
          written.head?.startsWith("#")
            ? written
            : { ...written, head: `&o${written.head === undefined ? "" : ` ${written.head}`}` };
        const lines = shared
          ? [...under("owner:", anchored(owner), "  "), "description: *o"]
          : [...under("owner:", owner, "  "), ...under("description:", description, "  ")];
        return [
          `${namespace}:${mark.replace("&e", "")}`,
          ...[...lines, ...under("columns:", list, ""), ...more].map((line) => (line === "" ? "" : `  ${line}`)),
        ];
      }),
  );

/** A registry as a person may write it. Anchors are used once a document. */
export const document: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("", "---\n", "# c\n", "%YAML 1.1\n---\n"),
    fc.array(entry, { maxLength: 2 }),
    fc.constantFrom("", "...\n", "# end"),
  )
  .map(([start, entries, end]) => {
    const body = [...entries.flat(), ...STATE].map((line) => (line === "" ? "" : `  ${line}`));
    return `${start}namespaces:\n${body.join("\n")}\n${end}`;
  });

/** A document with a few characters put in, taken out or doubled. */
export const damaged: fc.Arbitrary<string> = fc
  .tuple(
    document,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom(
          "",
          " ",
          "\n",
          "\t",
          ":",
          "-",
          "[",
          "]",
          "{",
          "}",
          ",",
          "'",
          '"',
          "#",
          "&o ",
          "*o",
          "!",
          "|",
          ">",
          "%",
          "@",
          "?",
          "=",
          "a",
          "1",
        ),
      ),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([value, edits]) =>
    edits.reduce((current, [at, put]) => {
      // not in usr_state, whose every change is a refusal
      const place = at % (current.indexOf("\n  usr_state:") + 1);
      return `${current.slice(0, place)}${put}${current.slice(place + (put === "" || at % 3 === 0 ? 1 : 0))}`;
    }, value),
  );
