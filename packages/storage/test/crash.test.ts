/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type ObjectMeta, readAll } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { freshFolder } from "./folder.ts";

const SIZE = 400_000;

/** Replaces one object over and over, each time with another byte repeated, in chunks; and creates new ones. */
const writer = (root: string): string => `
const { diskStorage } = await import(${JSON.stringify(fileURLToPath(new URL("../src/node/index.ts", import.meta.url)))});
const storage = diskStorage(${JSON.stringify(root)});
async function* body(byte) { for (let n = 0; n < 40; n++) yield new Uint8Array(${SIZE / 40}).fill(byte); }
for (let round = 0; ; round++) {
  await storage.put("d/same", body(round % 251));
  await storage.put("d/new-" + round, body(round % 251), { mode: "create" });
  if (round === 0) process.stdout.write("running");
}`;

test("a writer killed at any moment leaves whole objects, and debris that can be found", async () => {
  let debris = 0;
  // Until at least one kill has hit a write in flight: else the test would have proved nothing.
  for (let n = 0; n < 6 || (debris === 0 && n < 40); n++) {
    await using round = await freshFolder();
    const own = diskStorage(round.path);
    const child = spawn(
      process.execPath,
      ["--input-type=module", "--conditions=@usr/source", "-e", writer(round.path)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    await sleep((n * 7) % 20);
    child.kill("SIGKILL");
    await ended;
    const listed: ObjectMeta[] = [];
    for await (const meta of own.list("")) listed.push(meta);
    expect(listed.length).toBeGreaterThan(1);
    for (const { path, size } of listed) {
      await using handle = await own.open(path);
      const bytes = handle && (await readAll(handle));
      expect([path, size, bytes?.every((byte) => byte === bytes[0])]).toEqual([path, SIZE, true]);
    }
    for await (const meta of own.debris("")) {
      debris++;
      await own.delete(meta.path);
    }
    for await (const meta of own.debris("")) expect.unreachable(`${meta.path} is still there`);
  }
  expect(debris).toBeGreaterThan(0);
});
