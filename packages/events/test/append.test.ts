import { memoryStorage, readAll, type Storage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendEvent, decodeEvents, encodeEvent, hasEvent, uuidv7 } from "../src/index.ts";
import { appendLines } from "../src/merge/index.ts";
import { bytesOf, sample, textOf } from "./sample.ts";

const LOG = "lab/demo/.events.log";

const content = async (storage: Storage): Promise<string> => {
  await using handle = await storage.open(LOG);
  return handle === undefined ? "" : textOf(await readAll(handle));
};

async function* lines(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text);
}

/** The same storage without what not every store can do. */
const without = (storage: Storage, ...capabilities: ("append" | "lock")[]): Storage => {
  const { append, lock, ...rest } = storage;
  return {
    ...rest,
    ...(capabilities.includes("append") ? {} : { append }),
    ...(capabilities.includes("lock") ? {} : { lock }),
  };
};

describe.each(["with all capabilities", "without append and lock"] as const)("appendEvent %s", (kind) => {
  const fresh = (): Storage =>
    kind === "with all capabilities" ? memoryStorage() : without(memoryStorage(), "append", "lock");

  it("makes the log and adds lines", async () => {
    const storage = fresh();
    await appendEvent(storage, LOG, sample(1));
    await appendEvent(storage, LOG, sample(2));
    expect(await content(storage)).toBe(textOf(encodeEvent(sample(1))) + textOf(encodeEvent(sample(2))));
  });
  it("ends a torn line and leaves it as it is", async () => {
    const storage = fresh();
    await storage.put(LOG, bytesOf('{"event_ver'));
    await appendEvent(storage, LOG, sample(2));
    expect(await content(storage)).toBe(`{"event_ver\n${textOf(encodeEvent(sample(2)))}`);
    await storage.put(LOG, new Uint8Array(0));
    await appendEvent(storage, LOG, sample(2));
    expect(await content(storage)).toBe(textOf(encodeEvent(sample(2))));
  });
});

describe("appendEvent", () => {
  it("waits for .events.lock beside the log, and releases it", async () => {
    const storage = memoryStorage();
    const lock = await storage.lock("lab/demo/.events.lock");
    await expect(appendEvent(storage, LOG, sample(1), { lockTimeoutMs: 0 })).rejects.toMatchObject({ code: "LOCKED" });
    expect(await content(storage)).toBe("");
    await lock[Symbol.asyncDispose]();
    await appendEvent(storage, LOG, sample(1), { lockTimeoutMs: 0 });
    await appendEvent(storage, LOG, sample(2), { lockTimeoutMs: 0 });
  });
  it("releases the lock when appending fails", async () => {
    const storage = memoryStorage();
    const broken: Storage = { ...storage, append: () => Promise.reject(new Error("disk full")) };
    await expect(appendEvent(broken, LOG, sample(1))).rejects.toThrow("disk full");
    await appendEvent(storage, LOG, sample(1), { lockTimeoutMs: 0 });
  });
  it("does not wait where the caller holds the lock, and else as long as it is asked to", async () => {
    const storage = memoryStorage();
    await using _lock = await storage.lock("lab/demo/.events.lock");
    await appendEvent(storage, LOG, sample(1), { locked: true });
    expect(await content(storage)).toBe(textOf(encodeEvent(sample(1))));
    for (const locked of [false, undefined])
      await expect(appendEvent(storage, LOG, sample(2), { locked, lockTimeoutMs: 5 })).rejects.toMatchObject({
        code: "LOCKED",
      });
  });
  it("leaves the log to the store that can append", async () => {
    const storage = memoryStorage();
    const appending: Storage = { ...storage, put: () => Promise.reject(new Error("the log was put anew")) };
    await appendEvent(appending, LOG, sample(1));
    await appendEvent(appending, LOG, sample(2));
    expect(await content(storage)).toBe(textOf(encodeEvent(sample(1))) + textOf(encodeEvent(sample(2))));
  });
  it.each([
    ["made", undefined, "EXISTS"],
    ["put anew", "one\n", "CONFLICT"],
  ])("refuses where another has %s the log in between", async (_, before, code) => {
    const storage = memoryStorage();
    if (before !== undefined) await storage.put(LOG, bytesOf(before));
    const watched: Storage = {
      ...without(storage, "append", "lock"),
      put: async (path, body, o) => {
        await storage.put(path, bytesOf("another's\n"));
        return storage.put(path, body, o);
      },
    };
    await expect(appendEvent(watched, LOG, sample(1))).rejects.toMatchObject({ code });
    await expect(appendLines(watched, "other.log", lines("mine\n"))).rejects.toMatchObject({ code: "EXISTS" });
    expect(await content(storage)).toBe("another's\n");
  });
  it("of many writers at once loses no event and tears no line", async () => {
    const storage = memoryStorage();
    await Promise.all(Array.from({ length: 50 }, (_, n) => appendEvent(storage, LOG, sample(n))));
    const { events, problems, torn } = decodeEvents(bytesOf(await content(storage)));
    expect(events.map(({ args }) => args["n"]).sort()).toEqual(Array.from({ length: 50 }, (_, n) => n).sort());
    expect([problems, torn]).toEqual([[], false]);
  });
});

describe("hasEvent", () => {
  it("finds every event of any log, and no other", async () => {
    // From lines of one byte to lines over several chunks of the reader.
    const lines = fc.array(
      fc.oneof(
        fc.constantFrom("", " ", "junk", '{"event":"foreign"}'),
        fc.tuple(fc.constant("x"), fc.oneof(fc.nat(50), fc.integer({ min: 60_000, max: 140_000 }))),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (shape, ended) => {
        const ids: string[] = [];
        const text = shape
          .map((line, n) => {
            if (typeof line === "string") return line;
            const event = sample(n, { args: { pad: line[0].repeat(line[1]) } });
            ids.push(event.event_id);
            return textOf(encodeEvent(event)).trimEnd();
          })
          .join("\n");
        const storage = memoryStorage();
        await storage.put(LOG, bytesOf(ended ? `${text}\n` : text));
        for (const id of ids) expect(await hasEvent(storage, LOG, id)).toBe(true);
        expect(await hasEvent(storage, LOG, uuidv7(0n, new Uint8Array(10)))).toBe(false);
      }),
      { numRuns: testRuns(200) },
    );
  });
  it("looks at the id alone, and at whole lines alone", async () => {
    const storage = memoryStorage();
    const wanted = sample(7);
    expect(await hasEvent(storage, LOG, wanted.event_id)).toBe(false);
    await appendEvent(storage, LOG, sample(1, { args: { event_id: wanted.event_id } }));
    expect(await hasEvent(storage, LOG, wanted.event_id)).toBe(false);
    await storage.append(LOG, encodeEvent(wanted).slice(0, -3));
    expect(await hasEvent(storage, LOG, wanted.event_id)).toBe(false);
    await appendEvent(storage, LOG, wanted);
    expect(await hasEvent(storage, LOG, wanted.event_id)).toBe(true);
  });
  it("reads a long log only as far as it must", async () => {
    const storage = memoryStorage();
    const lines = Array.from({ length: 200 }, (_, n) => textOf(encodeEvent(sample(n)))).join("");
    await storage.put(LOG, bytesOf(lines.repeat(25)));
    await appendEvent(storage, LOG, sample(201));
    let bytes = 0;
    const counting: Storage = {
      ...storage,
      async open(path, o) {
        const handle = await storage.open(path, o);
        return (
          handle && {
            ...handle,
            read: (offset, length, s) => {
              bytes += length;
              return handle.read(offset, length, s);
            },
          }
        );
      },
    };
    expect(await hasEvent(counting, LOG, sample(201).event_id)).toBe(true);
    expect(bytes).toBeLessThanOrEqual(65_536);
  });
});
