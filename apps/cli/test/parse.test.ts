import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { parseAmong, parseCommandLine } from "../src/parse.ts";
import { parsePlainLine } from "../src/plain-line.ts";
import { COMMANDS } from "../src/table.ts";

const told = (parse: () => unknown): unknown => {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, code, hint, details } = error;
    return { message, code, hint, details };
  }
};

const flags = COMMANDS.flatMap(({ options }) => options.flatMap((option) => option.flags.split(/[ ,]+/)[0] ?? []));
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...new Set(COMMANDS.flatMap(({ name }) => name.split(" "))), "help", "lss") },
  { weight: 2, arbitrary: fc.constantFrom("demo", "x", "-", "--", "7", "", "-x", "--nonsense", "--root=y", "-yn") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("--root", "--json", "-y", "--no-color", "--help", "-h", "--version", "--lock-timeout"),
  },
  { weight: 2, arbitrary: fc.constantFrom(...new Set(flags)) },
);
/** The name of a command, often, with words around it; or any words. */
const line = fc
  .tuple(
    fc.array(word, { maxLength: 2 }),
    fc.option(fc.constantFrom(...COMMANDS.map(({ name }) => name.split(" "))), { nil: [] }),
    fc.array(word, { maxLength: 5 }),
  )
  .map((parts) => parts.flat());

test("a plain line means what it means to who looks closer", () => {
  fc.assert(
    fc.property(line, (argv) => {
      const plain = told(() => parsePlainLine(argv));
      if (plain !== undefined) expect(plain).toEqual(told(() => parseCommandLine(argv, "0")));
    }),
    { numRuns: testRuns(2000) },
  );
});

test("the lines of most runs are plain", () => {
  for (const { name, args, options } of COMMANDS) {
    const given = args.map(({ choices }) => choices?.[0] ?? "x");
    const typed = options.flatMap(({ flags, choices, integer }) => {
      const [first = ""] = flags.split(/[ ,]+/);
      return flags.includes("<") ? [first, choices?.[0] ?? (integer === true ? "7" : "v")] : [first];
    });
    for (const argv of [
      ["--root", "r", ...name.split(" "), ...given, ...typed],
      [...name.split(" "), ...typed, ...given, "--json", "--root", "r", "--lock-timeout", "5"],
    ]) {
      const plain = parsePlainLine(argv);
      expect(plain, argv.join(" ")).toBeDefined();
      expect(plain).toEqual(parseCommandLine(argv, "0"));
    }
  }
});

test("a line means the same among all commands as among those that it names", () => {
  fc.assert(
    fc.property(line, (argv) => {
      expect(told(() => parseCommandLine(argv, "0"))).toEqual(told(() => parseAmong(COMMANDS, argv, "0")));
    }),
    { numRuns: testRuns(500) },
  );
});

test("every command and example means the same", () => {
  for (const { name, args } of COMMANDS) {
    for (const end of [
      [],
      args.map(() => "x"),
      ["--help"],
      ["--json", "--nonsense"],
      [...args.map(() => "ls"), "ls"],
    ]) {
      const argv = ["--root", "r", ...name.split(" "), ...end];
      expect(told(() => parseCommandLine(argv, "0"))).toEqual(told(() => parseAmong(COMMANDS, argv, "0")));
    }
  }
});

test("a misspelt option is told before the option that is missing for it, with the nearest name", () => {
  for (const { name, args, options } of COMMANDS) {
    for (const { flags } of options.filter(({ required }) => required === true)) {
      const [option = ""] = flags.split(" ");
      const wrong = `${option}x`;
      const given = args.map(({ choices }) => choices?.[0] ?? "x");
      const argv = [...name.split(" "), ...given, wrong, "v"];
      expect(
        told(() => parseCommandLine(argv, "0")),
        argv.join(" "),
      ).toMatchObject({
        message: `unknown option '${wrong}'`,
        hint: `Did you mean ${option}?`,
      });
      expect(told(() => parseCommandLine([...name.split(" "), ...given], "0"))).toMatchObject({ code: "USAGE" });
    }
  }
});

test("an option of one value takes one: another beside it is refused, and the same again is no other", () => {
  const line = ["import", "demo", "--path", "a.csv"];
  expect(told(() => parseCommandLine([...line, "--path", "b.csv"], "0"))).toMatchObject({
    code: "USAGE",
    message: `option '--path <file>' argument 'b.csv' is invalid. It was given before, as "a.csv".`,
  });
  expect(told(() => parseCommandLine(["head", "demo", "-n", "5", "--rows", "6"], "0"))).toMatchObject({
    code: "USAGE",
  });
  expect(parseCommandLine([...line, "--path", "a.csv"], "0")).toMatchObject({ typed: { options: { path: "a.csv" } } });
  const ids = ["delete", "demo", "--id", "a", "--id", "b"];
  expect(parseCommandLine(ids, "0")).toMatchObject({ typed: { options: { id: ["a", "b"] } } });
});
