/// <reference types="node" />
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { goldenPath } from "@usr/testkit";
import { expect, test, vi } from "vitest";

test("the example of the README runs", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  const data = await mkdtemp(join(tmpdir(), "usr-readme-"));
  // Beside the tests, so that its imports are found.
  const file = fileURLToPath(new URL(`./.readme-${process.pid}.ts`, import.meta.url));
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    await cp(goldenPath("attach-id"), data, { recursive: true });
    await writeFile(file, example!.replaceAll("./data", data));
    await import(file);
    const said = log.mock.calls.map(([first]) => first);
    expect(said[0]).toBe("demo");
    expect(said.at(-1)).toBe(true);
    expect(
      said.some((line) => typeof line === "string" && line.startsWith('{"id":"') && line.includes("mock__score")),
    ).toBe(true);
  } finally {
    log.mockRestore();
    await rm(file, { force: true });
    await rm(data, { recursive: true });
  }
});
