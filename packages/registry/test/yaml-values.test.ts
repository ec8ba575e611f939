import { parseRegistry } from "@usr/registry";
import { describe, expect, it } from "vitest";
import { emitYaml } from "../src/emit.ts";
import { loadYaml } from "../src/load.ts";
import { pythonText } from "../src/values.ts";
import { refusal, withState } from "./support.ts";

const read = (text: string): Promise<unknown> =>
  parseRegistry(withState(`  a: {owner: ${text}, columns: [{name: a__x, type: bool}]}\n`));

/** A text of YAML, and what PyYAML 6 writes of the value it reads in it: `safe_dump(safe_load(text))`. */
const VALUES: readonly (readonly [string, string])[] = [
  ["1:30:15", "5415\n...\n"],
  ["-1:30", "-90\n...\n"],
  ["+12:05:07", "43507\n...\n"],
  ["1:30.5", "90.5\n...\n"],
  ["-1:02:03.25", "-3723.25\n...\n"],
  ["190:20:30.15", "685230.15\n...\n"],
  ["1_000", "1000\n...\n"],
  ["0b1010", "10\n...\n"],
  ["-0b11", "-3\n...\n"],
  ["0x1F", "31\n...\n"],
  ["-0x_ff", "-255\n...\n"],
  ["017", "15\n...\n"],
  ["0o17", "0o17\n...\n"],
  ["1e3", "1e3\n...\n"],
  ["1.0e+3", "1000.0\n...\n"],
  ["1.5e-7", "1.5e-07\n...\n"],
  ["-1.5E+300", "-1.5e+300\n...\n"],
  [".5", "0.5\n...\n"],
  ["-.5", "-.5\n...\n"],
  ["5.", "5.0\n...\n"],
  ["1_0.2_5", "10.25\n...\n"],
  [".inf", ".inf\n...\n"],
  ["-.INF", "-.inf\n...\n"],
  ["+.Inf", ".inf\n...\n"],
  [".NaN", ".nan\n...\n"],
  ["-0.0", "-0.0\n...\n"],
  ["0.0", "0.0\n...\n"],
  ["1.0e+16", "1.0e+16\n...\n"],
  ["1.0e+15", "1000000000000000.0\n...\n"],
  ["0.0001", "0.0001\n...\n"],
  ["0.00001", "1.0e-05\n...\n"],
  ["123456789012345678901234567890", "123456789012345678901234567890\n...\n"],
  ["2026-02-03", "2026-02-03\n...\n"],
  ["2026-2-3", "2026-2-3\n...\n"],
  ["2026-02-03 4:05:06", "2026-02-03 04:05:06\n...\n"],
  ["2026-02-03T04:05:06Z", "2026-02-03 04:05:06+00:00\n...\n"],
  ["2026-02-03 04:05:06.5", "2026-02-03 04:05:06.500000\n...\n"],
  ["2026-02-03 04:05:06.1234567", "2026-02-03 04:05:06.123456\n...\n"],
  ["2026-02-03 04:05:06.000000", "2026-02-03 04:05:06\n...\n"],
  ["2026-02-03 04:05:06 +1", "2026-02-03 04:05:06+01:00\n...\n"],
  ["2026-02-03 04:05:06 -01:30", "2026-02-03 04:05:06-01:30\n...\n"],
  ["2026-02-03 04:05:06.25 +00:00", "2026-02-03 04:05:06.250000+00:00\n...\n"],
  ["2026-2-3 4:05:06", "2026-02-03 04:05:06\n...\n"],
  ["2026-02-03 23:59:59", "2026-02-03 23:59:59\n...\n"],
  ["2026-02-03 04:05:06 -00:00", "2026-02-03 04:05:06+00:00\n...\n"],
  ["2026-02-03 04:05:06 -00:30", "2026-02-03 04:05:06-00:30\n...\n"],
  ["12.5e+20", "1.25e+21\n...\n"],
  ["-12.0e+20", "-1.2e+21\n...\n"],
  ["-0", "0\n...\n"],
  ["0", "0\n...\n"],
  ["9".repeat(4300), `${"9".repeat(4300)}\n...\n`],
  [".5_0e+12", "500000000000.0\n...\n"],
  ["1:3.5", "63.5\n...\n"],
  ["1:3", "63\n...\n"],
  ["-017", "-15\n...\n"],
  ["+0x1F", "31\n...\n"],
  ["2026-2-3  4:05:06", "2026-02-03 04:05:06\n...\n"],
  ["x2026-02-03 04:05:06", "x2026-02-03 04:05:06\n...\n"],
  ["2026-02-03 04:05:06x", "2026-02-03 04:05:06x\n...\n"],
  ["2026-2-03 4:05:06  -1:30", "2026-02-03 04:05:06-01:30\n...\n"],
  ["0b1x", "0b1x\n...\n"],
  ["x0b1", "x0b1\n...\n"],
  ["yesx", "yesx\n...\n"],
  ["nullx", "nullx\n...\n"],
  ["1.5e+30x", "1.5e+30x\n...\n"],
  ["TRUE", "true\n...\n"],
  ["On", "true\n...\n"],
  ["yes", "true\n...\n"],
  ["Off", "false\n...\n"],
  ["~", "null\n...\n"],
  ["{b: 1, a: 2}", "a: 2\nb: 1\n"],
  ["{2: b, 10: a, -1: c}", "-1: c\n2: b\n10: a\n"],
  ["{1: b, 0.5: a, .inf: c, -.inf: d, true: e}", "-.inf: d\n0.5: a\n1: e\n.inf: c\n"],
  ["{true: 1, false: 0}", "false: 0\ntrue: 1\n"],
  ["{2026-02-03: a, 2025-12-31: b}", "2025-12-31: b\n2026-02-03: a\n"],
  ["{2026-02-03 04:05:06: a, 2026-02-03 04:05:05: b}", "2026-02-03 04:05:05: b\n2026-02-03 04:05:06: a\n"],
  [
    "{2026-02-03 04:05:06 +02:00: a, 2026-02-03 03:05:06 +00:00: b, 2026-02-03 03:05:06.5 +01:00: c}",
    "2026-02-03 04:05:06+02:00: a\n2026-02-03 03:05:06.500000+01:00: c\n2026-02-03 03:05:06+00:00: b\n",
  ],
  ["{a: 1, 2: b}", "a: 1\n2: b\n"],
  ["{~: 1}", "null: 1\n"],
  [
    '{"\\U0001F9EC": 1, "\\uFF5E": 2, "\\uD7FF": 3, "\\uE000": 4, a: 5}',
    'a: 5\n"\\uD7FF": 3\n"\\uE000": 4\n"\\uFF5E": 2\n"\\U0001F9EC": 1\n',
  ],
  ['{ab: 1, a: 2, "": 3, abc: 4}', "? ''\n: 3\na: 2\nab: 1\nabc: 4\n"],
  [
    '[[], {}, "", " x", "x ", "- a", "a: b", "#c", "a #b", "yes", "1", "null"]',
    "- []\n- {}\n- ''\n- ' x'\n- 'x '\n- '- a'\n- 'a: b'\n- '#c'\n- 'a #b'\n- 'yes'\n- '1'\n- 'null'\n",
  ],
];

describe("values are read and written as PyYAML does", () => {
  it.each(VALUES)("%j", async (text, written) => {
    const registry = await parseRegistry(withState(`  a: {owner: ${text}, columns: [{name: a__x, type: bool}]}\n`));
    // A value that stands alone ends with the mark of a document's end there.
    expect(emitYaml(registry.namespaces.get("a")?.owner ?? null)).toBe(written.replace(/\.\.\.\n$/, ""));
  });
  it.each([
    ["=", "has no value"],
    ["1".repeat(4301), "more than 4300 digits"],
    ["0b_", "no number"],
    ["2026-13-01", "no day"],
    ["0000-01-01", "no day"],
    ["2026-02-03 04:60:06", "no time"],
    ["2026-02-03 04:05:60", "no time"],
    ["2026-02-03 04:05:06 -24:00", "a day or more"],
  ])("%s is refused", async (text, why) => {
    const { code, details } = await refusal(() => read(text));
    expect(code).toBe("REGISTRY_INVALID");
    expect(JSON.stringify(details["problems"])).toContain(why);
  });
});

// `str` of Python.
it.each([
  ["1.0e+16", "1e+16"],
  ["-1.0e+16", "-1e+16"],
  ["1.25e+16", "1.25e+16"],
  ["1.0e-7", "1e-07"],
  ["10.0", "10.0"],
  [".5", "0.5"],
  ["-.inf", "-inf"],
  [".nan", "nan"],
  ["12", "12"],
  ["2026-02-03", "2026-02-03"],
  ["No", "False"],
  ["~", "None"],
  ["[1]", undefined],
  ["{a: 1}", undefined],
])("%s is spelled as Python spells it", async (text, spelled) => {
  const loaded = await loadYaml(`${text}\n`);
  expect("value" in loaded ? pythonText(loaded.value) : loaded).toBe(spelled);
});
