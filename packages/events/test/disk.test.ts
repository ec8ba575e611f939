/// <reference types="node" />
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scopedStorage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { expect, test } from "vitest";
import { appendEvent, encodeEvent, hasEvent, tailEvents } from "../src/index.ts";
import { sample } from "./sample.ts";

test("a log on disk is followed while other programs append to it, rotate it and replace it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-events-"));
  try {
    const storage = scopedStorage(diskStorage(folder), "lab/demo");
    const file = join(folder, "lab/demo/.events.log");
    await appendEvent(storage, ".events.log", sample(0));

    const stop = new AbortController();
    const seen: unknown[] = [];
    const tail = (async () => {
      for await (const line of tailEvents(storage, ".events.log", { follow: true, pollMs: 2, signal: stop.signal })) {
        seen.push(line.kind === "event" ? line.event.args["n"] : line.problem.kind);
      }
    })();
    const until = async (count: number): Promise<void> => {
      for (let waited = 0; seen.length < count && waited < 10_000; waited += 5) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };

    await until(1);
    for (let n = 1; n < 30; n++) await appendEvent(storage, ".events.log", sample(n));
    await until(30);
    // another program: in pieces
    const line = encodeEvent(sample(30));
    await appendFile(file, line.subarray(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.length).toBe(30);
    await appendFile(file, line.subarray(100));
    await until(31);
    // gardening: the last lines and one more, by rename
    await writeFile(`${file}.tmp`, Buffer.concat([29, 30, 31].map((n) => encodeEvent(sample(n)))));
    await rename(`${file}.tmp`, file);
    await until(32);
    // rotation: away, then made anew
    await rename(file, `${file}.1`);
    await appendEvent(storage, ".events.log", sample(32));
    await until(33);
    stop.abort();
    await tail;
    expect(seen).toEqual(Array.from({ length: 33 }, (_, n) => n));
    expect(await hasEvent(storage, ".events.log", sample(32).event_id)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
