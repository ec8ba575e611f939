import { plainBytes } from "./codecs/codec.ts";
import { corrupt } from "./error.ts";
import type { WindowMemory } from "./read/window-memory.ts";

/** Cooperative cancellation. */
export interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** Random access to the bytes of one file that does not change while it is read. A storage `ReadHandle` is one. */
export interface ByteSource {
  readonly meta: { readonly size: number; readonly path?: string | undefined };
  /** Exactly `length` bytes from `offset`. The result may be a view, of `into` too, which is memory to be used again; else it is never written to. */
  read(offset: number, length: number, o?: Signal & { readonly into?: Uint8Array | undefined }): Promise<Uint8Array>;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Unwanted bytes that are read along to save a request. */
const MAX_GAP = 128 * 1024;
/** Merged requests end here; a single range may be longer. */
const MAX_MERGED = 64 * 2 ** 20;

/** `into`: memory of at least `length` bytes that the source may use for the answer. */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  o?: Signal & { readonly into?: Uint8Array | undefined },
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  const bytes = await source.read(offset, length, o);
  if (bytes.length !== length) throw corrupt(`the source gave ${bytes.length} of ${length} bytes`);
  return plainBytes(bytes);
}

/** The bytes of every range, in the order asked; ranges that lie close together are fetched with one read, into `memory` where it has some. */
export async function readRanges(
  source: ByteSource,
  ranges: readonly ByteRange[],
  o?: Signal,
  memory?: WindowMemory,
): Promise<readonly Uint8Array[]> {
  const order = ranges.map((_, i) => i).sort((a, b) => ranges[a]!.offset - ranges[b]!.offset);
  const out: Uint8Array[] = new Array(ranges.length);
  for (let i = 0; i < order.length; ) {
    const start = ranges[order[i]!]!.offset;
    let end = start + ranges[order[i]!]!.length;
    let next = i + 1;
    for (; next < order.length; next++) {
      const range = ranges[order[next]!]!;
      const until = Math.max(end, range.offset + range.length);
      if (range.offset - end > MAX_GAP || until - start > MAX_MERGED) break;
      end = until;
    }
    const into = memory?.take(end - start);
    const bytes = await readExactly(source, start, end - start, into === undefined ? o : { ...o, into });
    memory?.settle(into, bytes);
    for (; i < next; i++) {
      const range = ranges[order[i]!]!;
      out[order[i]!] = bytes.subarray(range.offset - start, range.offset - start + range.length);
    }
  }
  return out;
}
