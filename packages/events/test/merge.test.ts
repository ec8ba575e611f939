import { memoryStorage, readAll, type Storage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEvents, encodeEvent, type LoggedEvent } from "../src/index.ts";
import { appendLines, compareLogs, type LogRange, linesNotIn, missingLines } from "../src/merge/index.ts";
import { bytesOf, sample, textOf } from "./sample.ts";

const LOG = ".events.log";

const eventLine = (n: number, note = ""): string =>
  textOf(encodeEvent(sample(n, { args: { n, ...(note === "" ? {} : { note }) } }))).trimEnd();

/** As the Python program writes them: without an id of its own. */
const nameless = (n: number): string => {
  const { event_id: _, ...rest } = sample(n);
  const event: LoggedEvent = rest;
  return textOf(encodeEvent(event)).trimEnd();
};

/** Few different lines, so that two logs share some, one line comes more than once, and an id comes back with other bytes. */
const line: fc.Arbitrary<string> = fc.oneof(
  fc.nat(4).map((n) => eventLine(n)),
  fc.nat(4).map((n) => eventLine(n, "the same id, other bytes")),
  fc.nat(3).map(nameless),
  fc.constantFrom('{"tool":"another"}', "not JSON", "ätt", '{"event_id":"1"}'),
);
const lines = fc.array(line, { maxLength: 12 });

const storageOf = async (text: string, path = LOG): Promise<Storage> => {
  const storage = memoryStorage();
  await storage.put(path, bytesOf(text));
  return storage;
};
const logOf = (of: readonly string[]): string => of.map((text) => `${text}\n`).join("");
const rangeOf = async (text: string, start = 0): Promise<LogRange> => {
  const handle = await (await storageOf(text)).open(LOG);
  if (handle === undefined) throw new Error("no log");
  return { handle, start };
};
const texts = (of: readonly { readonly text: string }[]): readonly string[] => of.map(({ text }) => text);

/** What makes two lines the same, the plain way: the id, or the bytes and their how-manyeth. */
const namesOf = (of: readonly string[]): readonly string[] =>
  of.map((text, index) => {
    const [event] = decodeEvents(bytesOf(`${text}\n`)).events;
    return event?.event_id ?? `${of.slice(0, index).filter((other) => other === text).length} of ${text}`;
  });
/** The lines of `a` that `b` lacks; of lines with one id the last stands for all, at the place of the first. */
const lackingIn = (a: readonly string[], b: readonly string[]): readonly string[] => {
  const names = namesOf(a);
  const others = new Set(namesOf(b));
  return names.flatMap((name, index) =>
    names.indexOf(name) === index && !others.has(name) ? [a[names.lastIndexOf(name)] ?? ""] : [],
  );
};
async function* chunks(...of: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of of) yield bytesOf(text);
}

describe("two logs of one dataset", () => {
  it("differ by the lines that a plain comparison finds", async () => {
    await fc.assert(
      fc.asyncProperty(lines, lines, async (a, b) => {
        const [rangeA, rangeB] = [await rangeOf(logOf(a)), await rangeOf(logOf(b))];
        const { onlyA, onlyB } = await compareLogs(rangeA, rangeB);
        expect(texts(onlyA)).toEqual(lackingIn(a, b));
        expect(texts(onlyB)).toEqual(lackingIn(b, a));
        expect(texts(await missingLines(rangeA, rangeB))).toEqual(texts(onlyB));
        expect(texts(await linesNotIn(onlyA, rangeB))).toEqual(lackingIn(texts(onlyA), b));
        expect(await linesNotIn(onlyA, rangeA)).toEqual([]);
        for (const { text, event } of onlyA) expect(event).toEqual(decodeEvents(bytesOf(`${text}\n`)).events[0]);
      }),
      { numRuns: testRuns(200) },
    );
  });

  it("lack nothing once each has what the other had more", async () => {
    await fc.assert(
      fc.asyncProperty(lines, lines, async (a, b) => {
        const { onlyA, onlyB } = await compareLogs(await rangeOf(logOf(a)), await rangeOf(logOf(b)));
        const storage = await storageOf(logOf(a));
        await appendLines(storage, LOG, chunks(logOf(texts(onlyB))));
        const merged = await storage.open(LOG);
        if (merged === undefined) return expect.unreachable();
        expect(textOf(await readAll(merged))).toBe(logOf([...a, ...texts(onlyB)]));
        const again = await compareLogs({ handle: merged, start: 0 }, await rangeOf(logOf(b)));
        expect(again.onlyB).toEqual([]);
        expect(texts(again.onlyA)).toEqual(texts(onlyA));
      }),
      { numRuns: testRuns(100) },
    );
  });

  it("count lines without an id as often as they are there", async () => {
    for (const [a, b] of [
      [4, 3],
      [3, 5],
      [2, 0],
    ] as const) {
      const of = (times: number): Promise<LogRange> => rangeOf("the same\n".repeat(times));
      const { onlyA, onlyB } = await compareLogs(await of(a), await of(b));
      expect([onlyA.length, onlyB.length]).toEqual([Math.max(a - b, 0), Math.max(b - a, 0)]);
    }
  });

  it("count a line that is cut off, and blank lines, for nothing", async () => {
    const whole = eventLine(1);
    const cut = await rangeOf(`${whole}\n\n  \n${eventLine(2).slice(0, 50)}`);
    expect(await compareLogs(cut, await rangeOf(`${whole}\n`))).toEqual({ onlyA: [], onlyB: [], altered: [] });
  });

  it("tell apart what carries one event_id in other bytes, and lack neither", async () => {
    const [one, other] = [eventLine(1), eventLine(1).replace("}", " }")];
    const { onlyA, onlyB, altered } = await compareLogs(await rangeOf(`${one}\n`), await rangeOf(`${other}\n`));
    expect([onlyA, onlyB, texts(altered)]).toEqual([[], [], [other]]);
    const fromWindows = await compareLogs(await rangeOf(`${one}\n`), await rangeOf(`${one}\r\n`));
    expect(fromWindows).toEqual({ onlyA: [], onlyB: [], altered: [] });
  });

  it("are compared from where they begin to differ, and a log that is not there has no line", async () => {
    const first = `${eventLine(1)}\n`;
    const range = await rangeOf(`${first}${eventLine(2)}\n`, bytesOf(first).length);
    const { onlyA, onlyB } = await compareLogs(range, undefined);
    expect(texts(onlyA)).toEqual([eventLine(2)]);
    expect(onlyB).toEqual([]);
    expect(texts(await missingLines(undefined, range))).toEqual([eventLine(2)]);
    expect((await compareLogs(undefined, range)).onlyA).toEqual([]);
  });
});

describe("lines appended to a log", () => {
  const whole = async (storage: Storage): Promise<string | undefined> => {
    const handle = await storage.open(LOG);
    return handle && textOf(await readAll(handle));
  };
  /** A store of objects: nothing can be appended to one. */
  const withoutAppend = (storage: Storage): Storage => {
    const { append: _, ...rest } = storage;
    return rest;
  };

  it.each([
    ["appends", (storage: Storage) => storage],
    ["puts the log anew", withoutAppend],
  ])("stand behind what is there, where the storage %s", async (_name, of) => {
    const storage = of(memoryStorage());
    await appendLines(storage, LOG, chunks());
    expect(await whole(storage)).toBeUndefined();
    await appendLines(storage, LOG, chunks("one\n", "two\nthree\n"));
    expect(await whole(storage)).toBe("one\ntwo\nthree\n");
    await appendLines(storage, LOG, chunks("four\n"));
    expect(await whole(storage)).toBe("one\ntwo\nthree\nfour\n");
  });

  it.each([
    ["appends", (storage: Storage) => storage],
    ["puts the log anew", withoutAppend],
  ])("do not run into a line that is cut off, where the storage %s", async (_name, of) => {
    const storage = of(await storageOf('one\n{"cut'));
    await appendLines(storage, LOG, chunks("two\n"));
    expect(await whole(storage)).toBe('one\n{"cut\ntwo\n');
  });

  it("begin an empty log without a blank line", async () => {
    const storage = await storageOf("");
    await appendLines(storage, LOG, chunks("one\n"));
    expect(await whole(storage)).toBe("one\n");
  });

  it("are handed over a few megabytes at a time", async () => {
    const storage = memoryStorage();
    const sizes: number[] = [];
    const counted: Storage = {
      ...storage,
      append: async (path, body) => {
        sizes.push(body.length);
        await storage.append(path, body);
      },
    };
    const megabyte = `${"x".repeat(2 ** 20 - 1)}\n`;
    await appendLines(counted, LOG, chunks(...new Array<string>(9).fill(megabyte)));
    expect(sizes).toEqual([4 * 2 ** 20, 4 * 2 ** 20, 2 ** 20]);
    expect((await storage.open(LOG))?.meta.size).toBe(9 * 2 ** 20);
  });

  it("are refused where another has put the log anew in between", async () => {
    const storage = await storageOf("one\n");
    let meddled = false;
    const watched: Storage = {
      ...withoutAppend(storage),
      put: async (path, body, o) => {
        if (!meddled) {
          meddled = true;
          await storage.put(path, bytesOf("another's\n"));
        }
        return storage.put(path, body, o);
      },
    };
    await expect(appendLines(watched, LOG, chunks("two\n"))).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await whole(storage)).toBe("another's\n");
  });
});
