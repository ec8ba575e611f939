import { memoryStorage, type Storage } from "@usr/storage";
import { expect, it } from "vitest";
import { bytesAt, demo, place, pull, world } from "./support.ts";

// A log may be longer than a text can be (512 MiB): its lines travel as bytes, piece by piece.

it("no piece of a log is longer than a line beyond a mebibyte, and all lines arrive", async () => {
  const w = world();
  const there = place(w, "there");
  await demo(there);
  const log = new TextDecoder().decode(await bytesAt(there.root.storage, "demo/.events.log"));
  const line = `${JSON.stringify({ tool: "other", note: "é".repeat(100_000) })}\n`;
  const whole = log + line.repeat(40);
  await there.root.storage.put("demo/.events.log", new TextEncoder().encode(whole));
  const pieces: number[] = [];
  const inner = memoryStorage();
  const counting: Storage = {
    ...inner,
    put: (path, body, o) =>
      path.startsWith("demo/.staging/") ? inner.put(path, counted(body), o) : inner.put(path, body, o),
  };
  async function* counted(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body instanceof Uint8Array ? [body] : body) {
      pieces.push(piece.length);
      yield piece;
    }
  }
  const here = place(w, "here", counting);
  await pull(here, there);
  expect(pieces.length).toBeGreaterThan(3);
  expect(Math.max(...pieces)).toBeLessThan(2.5 * 2 ** 20);
  const arrived = new TextDecoder().decode(await bytesAt(inner, "demo/.events.log"));
  expect(arrived.startsWith(whole)).toBe(true);
});
