import { memoryStorage, type ReadableStorage, type Storage } from "@usr/storage";
import { expect, test } from "vitest";
import { appendEvent, type EventLine, encodeEvent, hasEvent, tailEvents } from "../src/index.ts";
import { bytesOf, sample, textOf } from "./sample.ts";

const LOG = ".events.log";
const line = (n: number): string => textOf(encodeEvent(sample(n)));
const told = (item: EventLine): unknown => (item.kind === "event" ? item.event.args["n"] : item.problem.kind);
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A storage that tells how it is used. */
const watched = (storage: Storage) => {
  const seen = { opens: 0, bytes: 0, signals: new Set<AbortSignal | undefined>() };
  const reading: ReadableStorage = {
    ...storage,
    async open(path, o) {
      seen.opens++;
      seen.signals.add(o?.signal);
      const handle = await storage.open(path, o);
      return (
        handle && {
          ...handle,
          read: (offset, length, s) => {
            seen.bytes += length;
            seen.signals.add(s?.signal);
            return handle.read(offset, length, s);
          },
        }
      );
    },
  };
  return { seen, reading };
};

/** The first `count` items of a tail that would go on. */
const first = async (items: AsyncGenerator<EventLine, void, void>, count: number): Promise<EventLine[]> => {
  const found: EventLine[] = [];
  while (found.length < count) {
    const { value } = await items.next();
    if (value === undefined) break;
    found.push(value);
  }
  return found;
};

test("who follows looks again after the time asked for, 200 ms if none is, and no more after the end", async () => {
  const storage = memoryStorage();
  await storage.put(LOG, bytesOf(line(1)));
  const stop = new AbortController();
  const opens = [60_000, undefined].map((pollMs) => {
    const { seen, reading } = watched(storage);
    const items = tailEvents(reading, LOG, { follow: true, pollMs, signal: stop.signal });
    return { seen, done: first(items, 2) };
  });
  await later(100);
  expect(opens.map(({ seen }) => seen.opens)).toEqual([1, 1]);
  await later(300);
  expect(opens[0]?.seen.opens).toBe(1);
  const some = opens[1]?.seen.opens;
  expect(some).toBeGreaterThan(1);
  stop.abort();
  expect((await Promise.all(opens.map(({ done }) => done))).map((items) => items.map(told))).toEqual([[1], [1]]);
  expect(opens.map(({ seen }) => seen.opens)).toEqual([1, some]);
});

test("who follows may do so without a signal", async () => {
  const storage = memoryStorage();
  await storage.put(LOG, bytesOf(line(1)));
  const items = tailEvents(storage, LOG, { follow: true, pollMs: 1 });
  expect((await first(items, 1)).map(told)).toEqual([1]);
  setTimeout(() => void appendEvent(storage, LOG, sample(2)), 20);
  expect((await first(items, 1)).map(told)).toEqual([2]);
  await items.return();
});

test("an error of the storage ends it, whether one follows or not", async () => {
  const broken: ReadableStorage = { ...memoryStorage(), open: () => Promise.reject(new Error("unplugged")) };
  for (const follow of [false, true]) {
    await expect(tailEvents(broken, LOG, { follow }).next()).rejects.toThrow("unplugged");
    await expect(tailEvents(broken, LOG, { follow, signal: new AbortController().signal }).next()).rejects.toThrow(
      "unplugged",
    );
  }
});

test("each call to the storage gets the signal of the caller", async () => {
  const storage = memoryStorage();
  await storage.put(LOG, bytesOf(line(1) + line(2) + line(3)));
  const { signal } = new AbortController();
  const uses: readonly ((reading: ReadableStorage) => Promise<unknown>)[] = [
    (reading) => first(tailEvents(reading, LOG, { signal }), 4),
    (reading) => first(tailEvents(reading, LOG, { n: 2, signal }), 3),
    (reading) => hasEvent(reading, LOG, "none", { signal }),
    async (reading) => {
      const items = tailEvents(reading, LOG, { follow: true, pollMs: 1, signal });
      await first(items, 3);
      await storage.put(LOG, bytesOf(line(7) + line(2) + line(3) + line(4)));
      await first(items, 1);
      await items.return();
    },
  ];
  for (const use of uses) {
    const { seen, reading } = watched(storage);
    await use(reading);
    expect([...seen.signals]).toEqual([signal]);
  }
});

test("what is appended is read, and not the log again; lines are counted where they are known", async () => {
  const storage = memoryStorage();
  await storage.put(LOG, bytesOf(Array.from({ length: 200 }, (_, n) => line(n)).join("")));
  const { seen, reading } = watched(storage);
  const all = tailEvents(reading, LOG, { follow: true, pollMs: 1 });
  expect((await first(all, 200)).length).toBe(200);
  const last = tailEvents(storage, LOG, { n: 1, follow: true, pollMs: 1 });
  await first(last, 1);
  seen.bytes = 0;
  await appendEvent(storage, LOG, sample(200));
  const [item] = await first(all, 1);
  expect(seen.bytes).toBeLessThan(3 * line(200).length);
  expect(item).toMatchObject({ kind: "event", line: 201 });
  // Who began at the end does not know how many lines there are.
  const [unknown] = await first(last, 1);
  expect(unknown).toMatchObject({ kind: "event", event: { args: { n: 200 } } });
  expect(unknown?.kind === "event" && unknown.line).toBe(undefined);
  // Another log with the last line in it: lines are those of the new one.
  await storage.put("new", bytesOf(line(7) + line(200) + line(8)));
  await storage.rename("new", LOG);
  for (const tail of [all, last]) {
    const [next] = await first(tail, 1);
    expect(next).toMatchObject({ kind: "event", line: 3, event: { args: { n: 8 } } });
    await tail.return();
  }
});
