import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandsPage } from "../scripts/commands-page.ts";
import { GLOBAL_OPTIONS } from "../src/globals.ts";
import { COMMANDS } from "../src/table.ts";

const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
const section = (title: string, end: string): string => page.slice(page.indexOf(title), page.indexOf(end));

/** First two cells of each table row under a heading: the command as it is typed, and its options. */
const rowsOf = (text: string): readonly { readonly command: string; readonly options: string }[] =>
  [...text.matchAll(/^\| (`.*?) \| (.*?) \|/gm)].map(([, command = "", options = ""]) => ({ command, options }));

/** `--path` of `--path <file>`; both of `-n, --rows <rows>`. */
const spelled = (flags: string): readonly string[] => flags.match(/--?[a-z][a-z-]*/g) ?? [];

const inPage = (options: string): readonly string[] =>
  [...options.matchAll(/`(--?[a-z][a-z-]*)[^`]*`/g)].map(([, name = ""]) => name);

const here = rowsOf(section("## Commands", "## JSON"));

test("the reference page names the commands of the program, each with all of its options", () => {
  const documented = here.map(({ command, options }) => {
    const typed = command.slice(1, command.indexOf("`", 1));
    const name = COMMANDS.map((spec) => spec.name).find((n) => typed === n || typed.startsWith(`${n} `));
    return { name: name ?? typed, options: [...inPage(options)].sort() };
  });
  const inProgram = COMMANDS.map(({ name, options }) => ({
    name,
    options: options.flatMap(({ flags }) => spelled(flags)).sort(),
  }));
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  expect(documented.toSorted(byName)).toEqual(inProgram.toSorted(byName));
});

test("the reference page names the global options", () => {
  const documented = rowsOf(section("## Global options", "## Arguments")).flatMap(({ command }) => inPage(command));
  expect(documented.toSorted()).toEqual(
    [...GLOBAL_OPTIONS.flatMap(({ flags }) => spelled(flags)), "--version", "-h", "--help"].sort(),
  );
});

test("the generated page is up to date: npm run docs", () => {
  expect(readFileSync(new URL("../../../docs/commands.md", import.meta.url), "utf8")).toBe(commandsPage());
});
