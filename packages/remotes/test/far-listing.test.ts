/// <reference types="node" />
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applied, difference, pack, unpack } from "../src/ssh/listing.ts";
import { openFar, pathWithUsr, TOOLS, toolFolder } from "./support/far.ts";
import { freshFolder } from "./support/folder.ts";

const lines = fc.uniqueArray(
  fc.string({ unit: "binary" }).filter((text) => /^[^\n^!%\p{Cs}][^\n\p{Cs}]*$/u.test(text)),
  { maxLength: 300 },
);

describe("listings", () => {
  it("unpack to what was packed, small or large", async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (list) => {
        const items = (await pack(list)).map((line) => new TextEncoder().encode(line));
        expect(await unpack(items)).toEqual(list);
      }),
      { numRuns: testRuns(50) },
    );
  });

  it("a difference takes one to the other", () => {
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const [before, after] = [new Set(a), new Set(b)];
        expect([...applied(before, difference(before, after))].sort()).toEqual([...after].sort());
      }),
    );
  });
});

describe.each([
  ["the helper", async () => ({})],
  ["a helper without gzip", async (bin: string) => ({ path: await toolFolder(bin, ["sh", "sha256sum", ...TOOLS]) })],
  ["an installed usr", async (bin: string) => ({ server: "auto" as const, path: await pathWithUsr(bin) })],
])("%s", (_name, far) => {
  it("W27: lists a folder again for the price of what changed, and lists what is there", async () => {
    await using bin = await freshFolder();
    await using root = await freshFolder();
    await using site = await openFar(root.path, await far(bin.path));
    const names = Array.from({ length: 300 }, (_, n) => `part-${n}-${"x".repeat(40)}`);
    for (const folder of ["a", "b"]) {
      await mkdir(join(root.path, folder));
      for (const name of names) await writeFile(join(root.path, folder, name), name);
    }
    const seen = async (folder: string): Promise<readonly string[]> =>
      (await site.inventory(folder, { digests: false })).files.map(({ path, size }) => `${path} ${size}`);
    await seen("a");
    await seen("b");
    const before = site.traffic().received;
    for (let round = 0; round < 20; round++) {
      const folder = round % 3 === 0 ? "b" : "a";
      if (round % 4 === 1) await rm(join(root.path, folder, names[round]!));
      if (round % 4 === 2) await writeFile(join(root.path, folder, names[100 + round]!), "changed");
      if (round % 4 === 3) await writeFile(join(root.path, folder, `new-${round}`), "n");
      await using fresh = await openFar(root.path);
      const { files } = await fresh.inventory(folder, { digests: false });
      expect(await seen(folder)).toEqual(files.map(({ path, size }) => `${path} ${size}`));
    }
    expect(site.traffic().received - before).toBeLessThan(20 * 700);
  });
});
