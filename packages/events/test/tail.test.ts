import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendEvent, decodeEvents, type EventLine, encodeEvent, tailEvents } from "../src/index.ts";
import { bytesOf, sample, textOf } from "./sample.ts";

const LOG = ".events.log";
const line = (n: number): string => textOf(encodeEvent(sample(n)));
const told = (item: EventLine): unknown => (item.kind === "event" ? item.event.args["n"] : item.problem.kind);

const collect = async (items: AsyncIterable<EventLine>): Promise<EventLine[]> => {
  const all: EventLine[] = [];
  for await (const item of items) all.push(item);
  return all;
};

/** A tail that runs beside the test; `next(n)` waits for n more items. */
const following = (storage: ReturnType<typeof memoryStorage>, n?: number) => {
  const stop = new AbortController();
  const items = tailEvents(storage, LOG, { n, follow: true, pollMs: 1, signal: stop.signal });
  const pull = async (): Promise<EventLine | undefined> => (await items.next()).value ?? undefined;
  let waiting = pull();
  return {
    async next(count: number): Promise<unknown[]> {
      const found: unknown[] = [];
      while (found.length < count) {
        const item = await waiting;
        if (item === undefined) throw new Error("the tail has ended");
        found.push(told(item));
        waiting = pull();
      }
      return found;
    },
    /** Lets some polls pass, then ends: what came in the meantime. */
    async rest(): Promise<unknown[]> {
      await polls();
      stop.abort();
      const found: unknown[] = [];
      for (let item = await waiting; item !== undefined; item = await pull()) found.push(told(item));
      return found;
    },
  };
};

const polls = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe("tailEvents", () => {
  const log = `${line(1)}\nforeign?\n${line(2)}${line(3)}\n\n${line(4).slice(0, 30)}`;
  it("gives all lines, with places, and a torn one as a problem", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(log));
    const items = await collect(tailEvents(storage, LOG));
    expect(items.map(told)).toEqual([1, "malformed", 2, 3, "torn"]);
    expect(items.map((item) => (item.kind === "event" ? item.line : item.problem.line))).toEqual([1, 3, 4, 5, 8]);
    for (const item of items) {
      const { offset, text } = item.kind === "event" ? item : item.problem;
      expect(log.slice(offset, offset + text.length)).toBe(text);
    }
  });
  it("counts events, not lines", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(log));
    const tail = async (n: number): Promise<unknown[]> => (await collect(tailEvents(storage, LOG, { n }))).map(told);
    expect(await tail(0)).toEqual([]);
    expect(await tail(1)).toEqual([3, "torn"]);
    expect(await tail(2)).toEqual([2, 3, "torn"]);
    expect(await tail(3)).toEqual([1, "malformed", 2, 3, "torn"]);
    expect(await tail(99)).toEqual([1, "malformed", 2, 3, "torn"]);
  });
  it("of an absent or empty log is empty", async () => {
    const storage = memoryStorage();
    expect(await collect(tailEvents(storage, LOG))).toEqual([]);
    await storage.put(LOG, new Uint8Array(0));
    expect(await collect(tailEvents(storage, LOG, { n: 3 }))).toEqual([]);
  });
  it("gives what decodeEvents gives, and its end is its end, for any log", async () => {
    const part = fc.oneof(
      fc.constantFrom("\n", "junk", "\r\n", '{"a":1}\n', "é\n", `${line(1)}`, line(2).trimEnd(), line(3)),
      fc.integer({ min: 65_500, max: 65_560 }).map((n) => `${"x".repeat(n)}\n`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 10 }), fc.nat(6), async (parts, n) => {
        const storage = memoryStorage();
        const bytes = bytesOf(parts.join(""));
        await storage.put(LOG, bytes);
        const all = await collect(tailEvents(storage, LOG));
        const { events, problems } = decodeEvents(bytes);
        expect(all.flatMap((item) => (item.kind === "event" ? [item.event] : []))).toEqual(events);
        expect(all.flatMap((item) => (item.kind === "event" ? [] : [item.problem]))).toEqual(problems);
        const last = (await collect(tailEvents(storage, LOG, { n }))).map(told);
        expect(last).toEqual(all.slice(all.length - last.length).map(told));
        expect(last.filter((item) => typeof item === "number").length).toBe(Math.min(n, events.length));
      }),
      { numRuns: testRuns(300) },
    );
  });
  it("keeps numbers as written in the text", async () => {
    const storage = memoryStorage();
    const given = line(1).replace('"n":1', '"n":1.50,"big":9007199254740993,"nan":NaN').trimEnd();
    await storage.put(LOG, bytesOf(`${given}\n`));
    const [item] = await collect(tailEvents(storage, LOG, { n: 1 }));
    expect(item).toMatchObject({ kind: "event", text: given, event: { args: { n: 1.5, nan: Number.NaN } } });
  });
});

describe("tailEvents following", () => {
  it("gives what is appended, each event once", async () => {
    const storage = memoryStorage();
    const tail = following(storage);
    await polls();
    await appendEvent(storage, LOG, sample(1));
    expect(await tail.next(1)).toEqual([1]);
    for (let n = 2; n <= 20; n++) await appendEvent(storage, LOG, sample(n));
    expect(await tail.next(19)).toEqual(Array.from({ length: 19 }, (_, n) => n + 2));
    expect(await tail.rest()).toEqual([]);
  });
  it("starts with the last n, or with none", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1) + line(2) + line(3)));
    const two = following(storage, 2);
    const none = following(storage, 0);
    expect(await two.next(2)).toEqual([2, 3]);
    await polls();
    await appendEvent(storage, LOG, sample(4));
    expect(await two.next(1)).toEqual([4]);
    expect(await none.next(1)).toEqual([4]);
    expect([await two.rest(), await none.rest()]).toEqual([[], []]);
  });
  it("holds a line back until it is whole", async () => {
    const storage = memoryStorage();
    const text = bytesOf(line(2));
    await storage.put(LOG, bytesOf(line(1)));
    await storage.append(LOG, text.slice(0, 50));
    const all = following(storage);
    const last = following(storage, 1);
    expect([await all.next(1), await last.next(1)]).toEqual([[1], [1]]);
    for (let at = 50; at < text.length; at += 100) {
      await polls();
      await storage.append(LOG, text.slice(at, at + 100));
    }
    expect([await all.next(1), await last.next(1)]).toEqual([[2], [2]]);
    expect([await all.rest(), await last.rest()]).toEqual([[], []]);
  });
  it("tells a torn line once another writer has ended it", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1).slice(0, 40)));
    const tail = following(storage);
    await polls();
    await appendEvent(storage, LOG, sample(2));
    expect(await tail.next(2)).toEqual(["malformed", 2]);
    expect(await tail.rest()).toEqual([]);
  });
  it.each([
    ["by its own end and more (gardening)", line(2) + line(3) + line(4), [4]],
    ["by a longer log with the same events among others (pull)", line(9) + line(1) + line(2) + line(3) + line(4), [4]],
    ["by another log that is shorter", line(7), [7]],
    ["by another log that is longer", [5, 6, 7, 8, 9].map(line).join(""), [5, 6, 7, 8, 9]],
    ["by another log of the same length", [4, 5, 6].map(line).join(""), [4, 5, 6]],
    ["by a cut back to two lines", line(1) + line(2), [1, 2]],
  ])("goes on when the log is replaced %s", async (_, log, expected) => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1) + line(2) + line(3)));
    const tail = following(storage);
    expect(await tail.next(3)).toEqual([1, 2, 3]);
    await storage.put("new", bytesOf(log));
    await storage.rename("new", LOG);
    expect(await tail.next(expected.length)).toEqual(expected);
    await appendEvent(storage, LOG, sample(10));
    expect(await tail.next(1)).toEqual([10]);
    expect(await tail.rest()).toEqual([]);
  });
  it("starts anew where the last line goes on behind its end: it is another line", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(`${line(1)}foreign\n`));
    const stop = new AbortController();
    const items = tailEvents(storage, LOG, { follow: true, pollMs: 1, signal: stop.signal });
    const next = async (): Promise<string | undefined> => {
      const item = (await items.next()).value ?? undefined;
      return item?.kind === "event" ? item.text : item?.problem.text;
    };
    const first = line(1).trimEnd();
    expect([await next(), await next()]).toEqual([first, "foreign"]);
    await storage.put("new", bytesOf(`${line(1)}foreigner\n`));
    await storage.rename("new", LOG);
    expect([await next(), await next()]).toEqual([first, "foreigner"]);
    stop.abort();
    expect(await next()).toBeUndefined();
  });
  it("waits while the log is away", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1)));
    const tail = following(storage);
    expect(await tail.next(1)).toEqual([1]);
    await storage.rename(LOG, "old");
    await polls();
    await storage.put(LOG, bytesOf(line(2)));
    expect(await tail.next(1)).toEqual([2]);
    expect(await tail.rest()).toEqual([]);
  });
  it("ends without an error when the signal aborts, and without reading what did not change", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1)));
    let reads = 0;
    const counting = {
      ...storage,
      async open(path: string) {
        const handle = await storage.open(path);
        return (
          handle && {
            ...handle,
            read: (offset: number, length: number) => {
              reads++;
              return handle.read(offset, length);
            },
          }
        );
      },
    };
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(
      (await collect(tailEvents(counting, LOG, { follow: true, pollMs: 1, signal: stop.signal }))).map(told),
    ).toEqual([1]);
    expect(reads).toBe(1);
    expect(await collect(tailEvents(storage, LOG, { follow: true, signal: stop.signal }))).toEqual([]);
  });
  it("without following, an aborted signal is an error", async () => {
    const storage = memoryStorage();
    await storage.put(LOG, bytesOf(line(1)));
    await expect(collect(tailEvents(storage, LOG, { signal: AbortSignal.abort(new Error("enough")) }))).rejects.toThrow(
      "enough",
    );
  });
});
