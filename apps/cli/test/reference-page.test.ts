import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandsPage } from "../scripts/commands-page.ts";
import { COMMANDS } from "../src/table.ts";

test("the generated page is up to date: npm run docs", () => {
  expect(readFileSync(new URL("../../../docs/commands.md", import.meta.url), "utf8")).toBe(commandsPage());
});

test("every link of the generated page leads to a heading of it, one for each command", () => {
  const page = commandsPage();
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, text = ""]) => text.replaceAll(" ", "-"));
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, target = ""]) => target);
  expect(links).toHaveLength(COMMANDS.length);
  expect(links.toSorted()).toEqual(headings.toSorted());
});
