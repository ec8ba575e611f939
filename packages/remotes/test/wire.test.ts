import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemoteError } from "../src/index.ts";
import { byteReader } from "../src/ssh/bytes.ts";
import { encodeRequest, LONGEST_BODY, readReply, readRequest } from "../src/ssh/wire.ts";

const numRuns = testRuns(300);

/** The bytes, cut into chunks at the places that `cuts` name. */
async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const place of [...places, bytes.length]) {
    yield bytes.subarray(at, place);
    at = place;
  }
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const line = fc.string({ unit: "binary" }).filter((text) => !/[\n\0\p{Cs}]/u.test(text));
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Bytes that look like replies for a while. */
const almost = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "+5\nhello",
        "+5",
        "ok",
        "ok x\n",
        "=1|2|3|4|./a\n",
        "\n",
        "+99999999999\n",
        "+-1\n",
        "LOCKED \n",
        "+5\n",
      ),
      fc.string(),
    ),
  )
  .map((parts) => utf8(parts.join("")));
const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), almost);

describe("requests", () => {
  it("arrive as they were sent, however the stream is cut", async () => {
    const request = fc.record({ args: fc.array(line, { maxLength: 5 }), body: fc.uint8Array({ maxLength: 200 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 6 }), cuts, async (requests, places) => {
        const sent = requests.flatMap(({ args, body }) => [encodeRequest("write", args, body.length), body]);
        const reader = byteReader(chunked(joined(...sent), places));
        for (const { args, body } of requests) {
          expect(await readRequest(reader)).toEqual({ verb: "write", args, body });
        }
        expect(await readRequest(reader)).toBeUndefined();
      }),
      { numRuns },
    );
  });

  it("of any bytes are requests, an end, or refused; never more memory than a body may have", async () => {
    await fc.assert(
      fc.asyncProperty(anything, cuts, async (bytes, places) => {
        const reader = byteReader(chunked(bytes, places));
        try {
          for (let request = await readRequest(reader); request; request = await readRequest(reader)) {
            expect(request.body.length).toBeLessThanOrEqual(LONGEST_BODY);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RemoteError);
        }
      }),
      { numRuns },
    );
  });

  it("hold no newline in an argument", () => {
    for (const arg of ["a\nb", "a\0b"]) expect(() => encodeRequest("open", [arg], 0)).toThrow(RemoteError);
  });
});

describe("replies", () => {
  it("arrive as they were sent, however the stream is cut", async () => {
    const reply = fc.record({
      items: fc.array(
        line.map((text) => `=${text}`),
        { maxLength: 4 },
      ),
      data: fc.uint8Array({ maxLength: 100 }),
      text: line.map((text) => text.replace(/[\r\u2028\u2029]/g, "")),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(reply, { maxLength: 5 }), cuts, async (replies, places) => {
        const sent = replies.flatMap(({ items, data, text }) => [
          ...items.map((item) => utf8(`${item}\n`)),
          utf8(`+${data.length}\n`),
          data,
          utf8(`ok ${text}\n`),
        ]);
        const reader = byteReader(chunked(joined(...sent), places));
        for (const { items, data, text } of replies) {
          const got = await readReply(reader, data.length);
          expect([got?.code, got?.text, got?.items.map((item) => new TextDecoder().decode(item))]).toEqual([
            "ok",
            text,
            items,
          ]);
          expect(Buffer.compare(got?.data ?? new Uint8Array(), data)).toBe(0);
        }
        expect(await readReply(reader, 0)).toBeUndefined();
      }),
      { numRuns },
    );
  });

  it("of any bytes are replies, an end, or refused; data is never longer than was asked for", async () => {
    await fc.assert(
      fc.asyncProperty(anything, cuts, async (bytes, places) => {
        const reader = byteReader(chunked(bytes, places));
        try {
          for (let reply = await readReply(reader, 5); reply; reply = await readReply(reader, 5)) {
            expect([0, 5]).toContain(reply.data.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RemoteError);
        }
      }),
      { numRuns },
    );
  });

  it("a line without end is refused before it fills the memory", async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(1_000).fill(0x61);
    };
    await expect(readReply(byteReader(endless()), 0)).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
  });
});
