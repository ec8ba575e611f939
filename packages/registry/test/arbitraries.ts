import fc from "fast-check";
import type { NamespaceEntry, YamlValue } from "../src/types.ts";
import { yamlFloat, yamlInt, yamlMapping, yamlTime } from "../src/values.ts";

/** Pieces that YAML cares about, so that their meetings are frequent. */
const PIECES = [
  " ",
  " ",
  "  ",
  "\n",
  "\n\n",
  "\t",
  "\r",
  ":",
  ": ",
  " #",
  "#",
  "-",
  "- ",
  "?",
  "? ",
  ",",
  "[",
  "]",
  "{",
  "}",
  "&",
  "*",
  "!",
  "|",
  ">",
  "'",
  '"',
  "%",
  "@",
  "`",
  "=",
  "<<",
  "~",
  "null",
  "yes",
  "Off",
  "0",
  "1",
  "0x1F",
  "1_000",
  "1.5",
  ".inf",
  "1:30",
  "2026-01-02",
  "---",
  "...",
  "word",
  "word ",
  "words and more words ",
  "a",
  "é",
  "\x85",
  "\xa0",
  "\u2028",
  "\ufeff",
  "\u{1F9EC}",
  "\u{10ffff}",
  "\ufffe",
  "\x00",
  "\x07",
  "\x1b",
  "\x7f",
  "\\",
  "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
];

export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((parts) => parts.join("")) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom("word", "it's", "a", "xé", '"', "longer-than-most"), { maxLength: 60 })
      .map((parts) => parts.join(" ")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 140 }) },
);

const two = (value: number): string => value.toString().padStart(2, "0");

const day = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([year, month, date]) => `${year.toString().padStart(4, "0")}-${two(month)}-${two(date)}`);

const clock = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.oneof(fc.constant(0), fc.nat(999_999)))
  .map(([hour, minute, second, micro]) => {
    const fraction = micro === 0 ? "" : `.${micro.toString().padStart(6, "0")}`;
    return `${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
  });

const offset = fc.oneof(
  fc.constant(""),
  fc.constant("+00:00"),
  fc
    .tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.integer({ min: 1, max: 59 }))
    .map(([sign, h, m]) => `${sign}${two(h)}:${two(m)}`),
);

/** Every kind of scalar that can stand in a mapping as a key. */
const key: fc.Arbitrary<YamlValue> = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 1, arbitrary: fc.string({ minLength: 110, maxLength: 140 }) },
  { weight: 1, arbitrary: fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ max: 2n ** 90n })).map(yamlInt) },
  { weight: 1, arbitrary: fc.oneof(fc.double({ noNaN: true }), fc.integer({ max: 3, min: -3 })).map(yamlFloat) },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
  { weight: 1, arbitrary: day.map((value) => yamlTime("date", value)) },
  { weight: 1, arbitrary: fc.tuple(day, clock, offset).map(([a, b, c]) => yamlTime("datetime", `${a} ${b}${c}`)) },
);

const leaf: fc.Arbitrary<YamlValue> = fc.oneof(
  { weight: 5, arbitrary: key },
  { weight: 1, arbitrary: fc.double().map(yamlFloat) },
);

/** A value; the same object may stand in it more than once. */
export const value: fc.Arbitrary<YamlValue> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: fc.letrec<{ node: YamlValue; shared: YamlValue }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        leaf,
        fc.array(tie("node"), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie("node")), { maxLength: 4 }).map(yamlMapping),
        tie("shared"),
      ),
      shared: tie("node").map((item) => [item, [item], yamlMapping([["again", item]])]),
    })).node,
  },
);

const name = fc.oneof(
  fc.constantFrom("a", "mock", "score", "usr_label", "x9"),
  text.filter((part) => part !== ""),
  fc.string({ minLength: 100, maxLength: 140 }),
);

const columns = (namespace: string): fc.Arbitrary<NamespaceEntry["columns"]> =>
  fc.uniqueArray(
    fc.record({
      name: name.map((part) => `${namespace}__${part}`),
      type: fc.oneof(
        fc.constantFrom("string", "list<float64>", "timestamp[us, UTC]", " list< int8 > "),
        text.filter((part) => part !== ""),
      ),
    }),
    { maxLength: 4, selector: (column) => column.name },
  );

/** Entries as a registry from elsewhere may hold them: names and types are any text. */
export const entries: fc.Arbitrary<readonly NamespaceEntry[]> = fc
  .uniqueArray(
    name
      .filter((namespace) => namespace !== "usr_state")
      .chain((namespace) =>
        fc.record({ namespace: fc.constant(namespace), owner: value, description: value, columns: columns(namespace) }),
      ),
    { maxLength: 3, selector: (entry) => entry.namespace },
  )
  // an object that owner and description share
  .chain((list) =>
    fc.boolean().map((share) => (share ? list.map((entry) => ({ ...entry, description: entry.owner })) : list)),
  );
