import { expect, it, test } from "vitest";
import { COMMANDS } from "../src/table.ts";
import { openWorkspace, type Ran } from "./support.ts";

const usr = async (...args: readonly string[]): Promise<Ran> => {
  await using w = await openWorkspace();
  return w.usr(args, { json: false, root: false });
};

const GLOBALS = /^Global options:\n(?: .*\n)+\n?/m;

it.each(["", ...new Set(COMMANDS.map(({ name }) => name.split(" ")[0] ?? "")), ...COMMANDS.map(({ name }) => name)])(
  "help of usr %s",
  async (name) => {
    const words = name === "" ? [] : name.split(" ");
    const ran = await usr(...words, "--help");
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect((await usr(...words, "-h")).stdout).toBe(ran.stdout);
    expect((await usr("--json", "--root", "x", ...words, "--help")).stdout).toBe(ran.stdout);
    expect(ran.stdout).toMatch(GLOBALS);
    for (const line of ran.stdout.split("\n").filter((l) => !l.startsWith("  usr ")))
      expect(line.length).toBeLessThanOrEqual(100);
    // The globals are the same everywhere: they stand once, with the program's own help.
    expect(name === "" ? ran.stdout : ran.stdout.replace(GLOBALS, "")).toMatchSnapshot();
  },
);

test("the version is said before and after the command", async () => {
  for (const args of [
    ["--version"],
    ["ls", "--version"],
    ["namespace", "--version"],
    ["namespace", "list", "--version"],
  ])
    expect((await usr(...args)).stdout).toBe("0.0.0-test\n");
});

test("a missing command shows the help on stderr as a usage error", async () => {
  for (const [args, text] of [
    [[], "Usage: usr "],
    [["namespace"], "Usage: usr namespace "],
  ] as const) {
    const ran = await usr(...args);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr.startsWith(text)).toBe(true);
  }
  expect((await usr("help", "head")).stdout).toContain("Usage: usr head ");
});

test("every example of the help is a line the program understands", async () => {
  const { parseCommandLine } = await import("../src/parse.ts");
  for (const { name, examples } of COMMANDS) {
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const line = /(?:^|\| )usr (.*?)(?: >.*)?$/.exec(example)?.[1] ?? "";
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
      const parsed = parseCommandLine(words, "0");
      expect(parsed).toMatchObject({ kind: "run", spec: { name } });
    }
  }
});
