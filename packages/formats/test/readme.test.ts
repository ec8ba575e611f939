/// <reference types="node" />
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the example of the README prints what it says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const expected = [...code.matchAll(/^\/\/ (.*)$/gm)].map((match) => match[1]);
  const printed: unknown[] = [];
  const body = code
    .replace(
      /^import \{(.*)\} from "(.*)";$/gm,
      (_, names, from) => `const {${names}} = modules[${JSON.stringify(from)}];`,
    )
    .replace("(name: string)", "(name)");
  const modules = { "@usr/formats": await import("../src/index.ts"), "@usr/schema": await import("@usr/schema") };
  const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => {}).constructor;
  await AsyncFunction("modules", "console", body)(modules, { log: (line: unknown) => printed.push(line) });
  expect(expected).toHaveLength(2);
  expect(printed).toEqual(expected);
});
