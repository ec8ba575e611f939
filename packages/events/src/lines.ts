import type { ReadHandle, Signal } from "@usr/storage";
import { NEWLINE, type RawLine } from "./decode.ts";

const CHUNK = 1 << 16;

export const join = (parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** The lines from byte `start`, which begins one, to the end. Reads in chunks; holds one line. */
export async function* linesFrom(handle: ReadHandle, start: number, o: Signal): AsyncGenerator<RawLine, void, void> {
  const { size } = handle.meta;
  let parts: Uint8Array[] = [];
  let offset = start;
  for (let at = start; at < size; ) {
    const chunk = await handle.read(at, Math.min(CHUNK, size - at), o);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield { bytes: join([...parts, chunk.subarray(from, end)]), offset, terminated: true };
      parts = [];
      from = end + 1;
      offset = at + from;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
    at += chunk.length;
  }
  if (parts.length > 0) yield { bytes: join(parts), offset, terminated: false };
}

/** The lines from the last to the first. Reads in chunks from the end; holds one line. */
export async function* linesFromEnd(handle: ReadHandle, o: Signal): AsyncGenerator<RawLine, void, void> {
  const { size } = handle.meta;
  let parts: Uint8Array[] = [];
  let terminated = false;
  for (let at = size; at > 0; ) {
    const length = Math.min(CHUNK, at);
    const chunk = await handle.read(at - length, length, o);
    at -= length;
    let end = length;
    for (let newline = chunk.lastIndexOf(NEWLINE); newline >= 0; ) {
      // What follows the log's last newline is a line only if there is something.
      if (terminated || end > newline + 1 || parts.length > 0)
        yield { bytes: join([chunk.subarray(newline + 1, end), ...parts]), offset: at + newline + 1, terminated };
      parts = [];
      terminated = true;
      end = newline;
      newline = newline === 0 ? -1 : chunk.lastIndexOf(NEWLINE, newline - 1);
    }
    if (end > 0) parts.unshift(chunk.subarray(0, end));
  }
  if (terminated || parts.length > 0) yield { bytes: join(parts), offset: 0, terminated };
}
