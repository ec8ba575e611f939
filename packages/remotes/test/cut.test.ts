/// <reference types="node" />
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RemoteError } from "../src/index.ts";
import type { Channel } from "../src/ssh/connection.ts";
import { utf8, writable } from "./support/expect.ts";
import { openFar, pathWithUsr } from "./support/far.ts";
import { freshFolder } from "./support/folder.ts";

/** The channel, which dies for both ends after so many bytes of one direction. `seen` counts them. */
function cutting(channel: Channel, direction: "sent" | "received", after: number, seen: { bytes: number }): Channel {
  let dead = false;
  const pass = (bytes: Uint8Array): Uint8Array => {
    const rest = Math.max(0, after - seen.bytes);
    seen.bytes += bytes.length;
    if (bytes.length <= rest) return bytes;
    dead = true;
    return bytes.subarray(0, rest);
  };
  const output = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of channel.output) {
      const passed = direction === "received" ? pass(chunk) : chunk;
      if (passed.length > 0) yield passed;
      if (dead) break;
    }
    await channel.close();
  };
  return {
    output: output(),
    async write(bytes): Promise<void> {
      if (dead) return;
      const passed = direction === "sent" ? pass(bytes) : bytes;
      await channel.write(passed);
      if (dead) await channel.close();
    },
    close: () => channel.close(),
    failure: (answered) => channel.failure(answered),
  };
}

const OLD = new Uint8Array(40_000).fill(1);
const NEW = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 13) & 255);
const PART = Uint8Array.from({ length: 3_000 }, (_, i) => (i * 17) & 255);
const [FIRST, SECOND] = ['{"n":1}\n', '{"n":2}\n'];

async function session(root: string, path: string | undefined, through?: (channel: Channel) => Channel): Promise<void> {
  const far = {
    server: path === undefined ? "sh" : "auto",
    ...(path && { path }),
    ...(through && { through }),
  } as const;
  await using site = await openFar(root, far);
  const storage = writable(site);
  await using lock = await storage.lock?.("d/.usr.lock", { timeoutMs: 0 });
  await Promise.all([
    storage.put("d/_derived/ns/part-1.parquet", PART, { mode: "create" }).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EXISTS")) throw error;
    }),
    storage.put("d/records.parquet", NEW),
  ]);
  const log = (await storage.open("d/.events.log"))?.meta.size ?? 0;
  const held = ["", FIRST, FIRST + SECOND].findIndex((text) => text.length === log);
  for (const line of [FIRST, SECOND].slice(held)) await storage.append?.("d/.events.log", utf8(line));
  expect(lock).toBeDefined();
}

const bytesOf = (file: string): Promise<Uint8Array | undefined> => readFile(file).catch(() => undefined);
const same = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;

async function checkWhole(root: string): Promise<void> {
  const at = (name: string): string => join(root, "d", name);
  const base = await bytesOf(at("records.parquet"));
  expect(same(base, OLD) || same(base, NEW), "the base is the old one or the new one").toBe(true);
  const part = await bytesOf(at("_derived/ns/part-1.parquet"));
  expect(part === undefined || same(part, PART), "a part is there or not").toBe(true);
  const log = (await bytesOf(at(".events.log"))) ?? new Uint8Array();
  expect(["", FIRST, FIRST + SECOND], "the log holds whole lines").toContain(new TextDecoder().decode(log));
  const names = await readdir(at("."), { recursive: true });
  const known = /^(records\.parquet|_derived|_derived\/ns|_derived\/ns\/part-1\.parquet|\.events\.log|\.usr\.lock)$/;
  expect(names.filter((name) => !known.test(name) && !/(^|\/)\.[^/]*\.tmp$/.test(name))).toEqual([]);
}

async function prepared(): Promise<Awaited<ReturnType<typeof freshFolder>>> {
  const root = await freshFolder();
  await mkdir(join(root.path, "d"));
  await writeFile(join(root.path, "d", "records.parquet"), OLD);
  return root;
}

describe.each([
  ["the helper", false],
  ["an installed usr", true],
] as const)("a connection to %s that is cut", (_name, usr) => {
  it.each(["sent", "received"] as const)(
    "at any byte %s leaves whole objects, frees the lock, and the next run ends it",
    async (direction) => {
      await using bin = await freshFolder();
      const path = usr ? await pathWithUsr(bin.path) : undefined;
      const whole = { bytes: 0 };
      await using first = await prepared();
      await session(first.path, path, (channel) => cutting(channel, direction, Number.POSITIVE_INFINITY, whole));
      await checkWhole(first.path);
      const points = Array.from({ length: usr ? 12 : 40 }, (_, n) =>
        Math.floor((whole.bytes * (n + 0.5)) / (usr ? 12 : 40)),
      );
      let failed = 0;
      for (const after of points) {
        await using root = await prepared();
        try {
          await session(root.path, path, (channel) => cutting(channel, direction, after, { bytes: 0 }));
        } catch (error) {
          failed++;
          expect(error, String(error)).toBeInstanceOf(RemoteError);
        }
        await checkWhole(root.path);
        await session(root.path, path);
        expect(same(await bytesOf(join(root.path, "d/records.parquet")), NEW)).toBe(true);
        expect(await readFile(join(root.path, "d/.events.log"), "utf8")).toBe(FIRST + SECOND);
      }
      expect(failed).toBeGreaterThan(points.length / 2);
    },
  );
});
