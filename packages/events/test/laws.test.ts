import { memoryStorage } from "@usr/storage";
import { expect, test, vi } from "vitest";
import { appendEvent, encodeEvent, tailEvents } from "../src/index.ts";
import { sample } from "./sample.ts";

const LOG = ".events.log";

test("sync W25: who follows a log gets whole lines, each once, also when the log is replaced or moved away", async () => {
  const storage = memoryStorage();
  const lines = Array.from({ length: 6 }, (_, n) => encodeEvent(sample(n)));
  const joined = (from: number, to: number): Uint8Array => Buffer.concat(lines.slice(from, to));
  await storage.put(LOG, joined(0, 1));
  const stop = new AbortController();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const item of tailEvents(storage, LOG, { follow: true, pollMs: 1, signal: stop.signal }))
      seen.push(item.kind === "event" ? item.event.args["n"] : item.problem.kind);
  })();
  const shown = (count: number): Promise<void> =>
    vi.waitFor(() => expect(seen.length).toBe(count), { interval: 5, timeout: 10_000 });
  await shown(1);
  // Half a line is nobody's, and whole once the other half has come.
  await storage.append(LOG, joined(1, 2).subarray(0, 40));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(seen).toEqual([0]);
  await storage.append(LOG, joined(1, 2).subarray(40));
  await shown(2);
  // A sync puts a longer log in its place.
  await storage.put(LOG, joined(0, 4));
  await shown(4);
  await storage.rename(LOG, `${LOG}.1`);
  await appendEvent(storage, LOG, sample(4));
  await shown(5);
  await storage.append(LOG, joined(5, 6));
  await shown(6);
  stop.abort();
  await reading;
  expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
});
