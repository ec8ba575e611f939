import { expect, it } from "vitest";
import { emitYaml } from "../src/emit.ts";
import { loadYaml } from "../src/load.ts";

// What `yaml.safe_dump(yaml.safe_load(text))` of PyYAML writes: anchors, empty and nested collections, keys and their order, where lines end
// in plain and quoted texts, escapes.
it.each([
  [
    "a: &x [1, 2]\nb: *x\nc: *x\nd: &y {k: v}\ne: *y\nf: &e []\ng: *e\nh: &h {}\ni: [*h, *y]\n",
    "a: &id001\n- 1\n- 2\nb: *id001\nc: *id001\nd: &id002\n  k: v\ne: *id002\nf: &id003 []\ng: *id003\nh: &id004 {}\ni:\n- *id004\n- *id002\n",
  ],
  [
    "a: &i 12\nb: *i\nc: &f 1.5\nd: *f\ne: &s text\nf: *s\ng: &t true\nh: *t\ni: &d 2026-01-02\nj: *d\nk: &n ~\nl: *n\n",
    "a: 12\nb: 12\nc: 1.5\nd: 1.5\ne: text\nf: text\ng: true\nh: true\ni: &id001 2026-01-02\nj: *id001\nk: null\nl: null\n",
  ],
  ["- &k 2026-01-02\n- {*k : 1}\n", "- &id001 2026-01-02\n- *id001: 1\n"],
  [
    "- [[a, b], [], {}]\n- {c: [{d: e, f: []}, g], h: {}}\n- - - i\n",
    "- - - a\n    - b\n  - []\n  - {}\n- c:\n  - d: e\n    f: []\n  - g\n  h: {}\n- - - i\n",
  ],
  ["[]\n", "[]\n"],
  ["{}\n", "{}\n"],
  ["''\n", "''\n"],
  ["b: 1\na: 2\n1: 3\n", "b: 1\na: 2\n1: 3\n"],
  ["3: a\n1: b\n2.5: c\ntrue: d\n", "1: d\n2.5: c\n3: a\n"],
  ["2026-03-01: a\n2026-01-01: b\n", "2026-01-01: b\n2026-03-01: a\n"],
  ["~: a\n", "null: a\n"],
  ["1.5: a\n", "1.5: a\n"],
  ["'': a\n", "? ''\n: a\n"],
  ["'1': a\n", "'1': a\n"],
  ["'a: b': c\n", "'a: b': c\n"],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: x\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: x\n",
  ],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: x\n",
    "? aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n: x\n",
  ],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b: x\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b: x\n",
  ],
  [
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999: x\n",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999: x\n",
  ],
  [
    "999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999: x\n",
    "? 999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999\n: x\n",
  ],
  [
    "? 'word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word '\n: x\n",
    "? 'word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word '\n: x\n",
  ],
  ['"a\\nb": x\n', "? 'a\n\n  b'\n: x\n"],
  ['"a\\x85b": x\n', '? "a\\Nb"\n: x\n'],
  ['"\\u2028": x\n', '? "\\L"\n: x\n'],
  ['"\\u2029": x\n', '? "\\P"\n: x\n'],
  ['"\\xe9": x\n', '"\\xE9": x\n'],
  [
    "? \"#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#' z b c\"\n: x\n",
    "'#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#''#'' z b c': x\n",
  ],
  [
    'a: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y z"\n',
    "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y\n  z\n",
  ],
  [
    'a: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y z"\n',
    "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y\n  z\n",
  ],
  [
    'a: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y z"\n',
    "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n  y z\n",
  ],
  [
    'a: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  y z"\n',
    "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  y\n  z\n",
  ],
  [
    "a: '# word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word '\n",
    "a: '# word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word '\n",
  ],
  [
    "a: ' word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word'\n",
    "a: ' word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word'\n",
  ],
  [
    "a: 'word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word '\n",
    "a: 'word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word '\n",
  ],
  [
    "a: '#xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx '\n",
    "a: '#xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx '\n",
  ],
  [
    "a: '  #xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  y z'\n",
    "a: '  #xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  y\n  z'\n",
  ],
  [
    'a: "it\'s: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word"\n',
    "a: 'it''s: word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word word'\n",
  ],
  ['a: "b\\nc"\n', "a: 'b\n\n  c'\n"],
  ['a: "b\\n\\n\\nc d"\n', "a: 'b\n\n\n\n  c d'\n"],
  ['a: "\\nb"\n', "a: '\n\n  b'\n"],
  ['a: "b\\n"\n', "a: 'b\n\n  '\n"],
  ['a: "b \\nc"\n', 'a: "b \\nc"\n'],
  ['a: "b\\n c"\n', 'a: "b\\n c"\n'],
  ['["b\\nc", {"d": "e\\n\\nf"}]\n', "- 'b\n\n  c'\n- d: 'e\n\n\n    f'\n"],
  [
    'a: "\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9\\xe9"\n',
    'a: "\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\\n  \\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9\\xE9"\n',
  ],
  [
    'a: "\\xe9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y z"\n',
    'a: "\\xE9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\\n  \\ y z"\n',
  ],
  [
    'a: "x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y \\xe9"\n',
    'a: "x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x\\\n  \\ y x y x y x y x y x y x y x y x y x y x y \\xE9"\n',
  ],
  [
    'a: "\\xe9 x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y "\n',
    'a: "\\xE9 x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x \\\n  \\ y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y x  y "\n',
  ],
  [
    'a: "\\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac \\u20ac "\n',
    'a: "\\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC\\\n  \\ \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC\\\n  \\ \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC \\u20AC "\n',
  ],
  [
    'a: "\\U0001f600\\t\\x07\\b\\v\\f\\r\\e\\0\\\\\\"\\x7f\\xa0\\ufffd"\n',
    'a: "\\U0001F600\\t\\a\\b\\v\\f\\r\\e\\0\\\\\\"\\x7F\\_\\uFFFD"\n',
  ],
  [
    '? "\\xe9x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y "\n: x\n',
    '"\\xE9x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y ": x\n',
  ],
  [
    'a: "\\xe9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y"\n',
    'a: "\\xE9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y"\n',
  ],
  [
    'a: "\\xe9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n',
    'a: "\\xE9xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n',
  ],
  [
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \\t  y"\n',
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \\t\\\n  \\  y"\n',
  ],
  [
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\t  y"\n',
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\t\\\n  \\  y"\n',
  ],
  [
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\t y"\n',
    'a: "\\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\t\\\n  \\ y"\n',
  ],
  [
    'a: "---"\nb: "...c"\nc: "- d"\nd: "-d"\ne: "? f"\nf: "a #b"\ng: "a#b"\nh: "a:"\ni: "a:b"\nj: "1_0"\nk: "="\nl: "<<"\nm: "@x"\nn: "x@"\no: "%x"\np: "x,"\nq: ",x"\nr: "`x"\n',
    "a: '---'\nb: '...c'\nc: '- d'\nd: -d\ne: '? f'\nf: 'a #b'\ng: a#b\nh: 'a:'\ni: a:b\nj: '1_0'\nk: '='\nl: '<<'\nm: '@x'\nn: x@\no: '%x'\np: x,\nq: ',x'\nr: '`x'\n",
  ],
  ["1: a\n2026-01-01: b\n", "1: a\n2026-01-01: b\n"],
  ["2026-01-01: a\n1: b\n", "2026-01-01: a\n1: b\n"],
  ["2026-01-02: a\n2026-01-01 00:00:00: b\n", "2026-01-02: a\n2026-01-01 00:00:00: b\n"],
  ["2026-01-02 00:00:00: a\n2026-01-01 00:00:00 +00:00: b\n", "2026-01-02 00:00:00: a\n2026-01-01 00:00:00+00:00: b\n"],
  ["2026-01-02 00:00:00 +00:00: a\n2026-01-01 00:00:00: b\n", "2026-01-02 00:00:00+00:00: a\n2026-01-01 00:00:00: b\n"],
  [
    "2026-01-02 00:00:00: a\n2026-01-01 00:00:00: b\n2026-01-03 00:00:00: c\n",
    "2026-01-01 00:00:00: b\n2026-01-02 00:00:00: a\n2026-01-03 00:00:00: c\n",
  ],
  [
    "2026-01-02 00:00:00 +00:00: a\n2026-01-01 00:00:00 +00:00: b\n2026-01-03 00:00:00 +00:00: c\n",
    "2026-01-01 00:00:00+00:00: b\n2026-01-02 00:00:00+00:00: a\n2026-01-03 00:00:00+00:00: c\n",
  ],
  ["2026-01-01 01:00:00 +01:00: a\n2026-01-01 00:00:00 +00:00: b\n", "2026-01-01 01:00:00+01:00: b\n"],
  ["2026-01-02: a\n2026-01-01: b\n2026-01-03: c\n", "2026-01-01: b\n2026-01-02: a\n2026-01-03: c\n"],
  ["2026-01-01: a\n2026-01-01: b\n", "2026-01-01: b\n"],
  ["2026-01-01 00:00:00: a\n2026-01-01 00:00:00: b\n", "2026-01-01 00:00:00: b\n"],
  ["~: a\nx: b\n", "null: a\nx: b\n"],
  ["x: a\n~: b\n", "x: a\nnull: b\n"],
  ["~: a\n1: b\n", "null: a\n1: b\n"],
  ["1: a\n~: b\n", "1: a\nnull: b\n"],
  ["~: a\n~: b\n~: c\n", "null: c\n"],
  ["~: a\n2026-01-01: b\n", "null: a\n2026-01-01: b\n"],
  ["true: a\n2026-01-01: b\n", "true: a\n2026-01-01: b\n"],
  ["2026-01-01: a\ntrue: b\n", "2026-01-01: a\ntrue: b\n"],
  ["1: a\n1.0: b\ntrue: c\n", "1: c\n"],
  ["0: a\nfalse: b\n-0.0: c\n", "0: c\n"],
  ["3: a\n2: b\n1: c\n", "1: c\n2: b\n3: a\n"],
  ["1: a\n3: b\n2: c\n", "1: a\n2: c\n3: b\n"],
  ["2: a\n1: b\n3: c\n", "1: b\n2: a\n3: c\n"],
  ["9007199254740993: a\n9007199254740992.0: b\n", "9007199254740992.0: b\n9007199254740993: a\n"],
  ["2: a\n'1': b\n", "2: a\n'1': b\n"],
  ["'2': a\n1: b\n", "'2': a\n1: b\n"],
  ["1.5: a\n1.5: b\n", "1.5: b\n"],
  ["2.5: a\n'1.5': b\n", "2.5: a\n'1.5': b\n"],
  ["false: a\n'x': b\n", "false: a\nx: b\n"],
  ["'x': a\nfalse: b\n", "x: a\nfalse: b\n"],
  ["'2026-01-01': a\n2026-01-01: b\n", "'2026-01-01': a\n2026-01-01: b\n"],
  ["true: a\nfalse: b\n0.5: c\n", "false: b\n0.5: c\ntrue: a\n"],
  ["1.5: a\n2: b\n1: c\n", "1: c\n1.5: a\n2: b\n"],
  ['"\\U0010FFFF": a\n"\\U0010FFFE": b\n', '"\\U0010FFFE": b\n"\\U0010FFFF": a\n'],
  ['"\\U0010FFFE": a\n"\\U0010FFFF": b\n', '"\\U0010FFFE": a\n"\\U0010FFFF": b\n'],
  ['"\\uFFFD": a\n"\\uE000": b\n"\\uF000": c\n', '"\\uE000": b\n"\\uF000": c\n"\\uFFFD": a\n'],
  [
    '"\\uE000": a\n"\\uFFFD": b\n"\\U00010000": c\n"\\uD7FF": d\n',
    '"\\uD7FF": d\n"\\uE000": a\n"\\uFFFD": b\n"\\U00010000": c\n',
  ],
])("%j is written as PyYAML writes it", async (text, written) => {
  const loaded = await loadYaml(text);
  if (!("value" in loaded)) throw new Error(JSON.stringify(loaded.problems));
  expect(emitYaml(loaded.value)).toBe(written);
});
