import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RawLine } from "../src/decode.ts";
import { linesFrom, linesFromEnd } from "../src/lines.ts";
import { bytesOf, textOf } from "./sample.ts";

const gathered = async (lines: AsyncIterable<RawLine>): Promise<readonly unknown[]> => {
  const all: unknown[] = [];
  for await (const { bytes, offset, terminated } of lines) all.push([offset, terminated, textOf(bytes)]);
  return all;
};

/** What stands between newlines; behind the last one only if there is something. */
const naive = (text: string, start: number): readonly unknown[] => {
  const lines: unknown[] = [];
  for (let at = start; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    lines.push([at, newline >= 0, text.slice(at, end)]);
    at = end + 1;
  }
  return lines;
};

test("the lines of any log are what stands between newlines, from either end", async () => {
  // Around the size of a read, and none at all.
  const line = fc.oneof(fc.nat(3), fc.integer({ min: 65_530, max: 65_540 }), fc.constant(131_071));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), fc.boolean(), fc.nat(5), async (sizes, ended, skipped) => {
      const text = sizes.map((size, n) => String(n).repeat(size)).join("\n") + (ended ? "\n" : "");
      const storage = memoryStorage();
      await storage.put("log", bytesOf(text));
      await using handle = await storage.open("log");
      if (handle === undefined) return expect.unreachable();
      const want = naive(text, 0);
      expect(await gathered(linesFromEnd(handle, {}))).toEqual(want.toReversed());
      const start = sizes.slice(0, skipped).reduce((sum, size) => sum + size + 1, 0);
      if (start <= text.length) expect(await gathered(linesFrom(handle, start, {}))).toEqual(naive(text, start));
    }),
    // A last line that fills a read to the byte, behind another.
    { numRuns: testRuns(200), examples: [[[3, 65_536], false, 0]] },
  );
});

test("a log of nothing has no line", async () => {
  const storage = memoryStorage();
  await storage.put("log", new Uint8Array(0));
  await using handle = await storage.open("log");
  if (handle === undefined) return expect.unreachable();
  expect([await gathered(linesFrom(handle, 0, {})), await gathered(linesFromEnd(handle, {}))]).toEqual([[], []]);
});
