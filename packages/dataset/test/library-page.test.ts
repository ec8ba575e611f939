/// <reference types="node" />
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";

test("the page for programs does and prints what it says", async () => {
  const page = await readFile(new URL("../../../docs/library.md", import.meta.url), "utf8");
  const program = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, part]) => part).join("\n");
  const promised = [...program.matchAll(/^\/\/> (.*)$/gm)].map(([, line]) => line);
  const folder = await mkdtemp(join(tmpdir(), "usr-library-"));
  // Beside the tests, so that its imports are found.
  const file = fileURLToPath(new URL(`./.program-${process.pid}.ts`, import.meta.url));
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    await writeFile(file, program.replaceAll("./library", folder));
    await import(file);
    expect(log.mock.calls.map(([line]) => String(line))).toEqual(promised);
    expect(promised.length).toBeGreaterThan(5);
  } finally {
    log.mockRestore();
    await rm(file, { force: true });
    await rm(folder, { recursive: true });
  }
});
