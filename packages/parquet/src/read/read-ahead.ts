import type { Decompress, Inflate } from "../codecs/codec.ts";
import type { SchemaNode } from "../footer/format.ts";
import { PAGE } from "../footer/format.ts";
import type { Limits } from "../limits.ts";
import type { ChunkBytes } from "./cursor.ts";
import { compressedBody, declaredRows, readPageHeader } from "./page.ts";

/** Decompressed bytes that may wait to be decoded; shared by the columns that are read together. */
export interface AheadBudget {
  bytes: number;
}

/** Pages below this cost less to decompress than to hand over. */
const WORTH = 32 * 1024;

interface Started {
  readonly body: Uint8Array;
  readonly size: number;
  bytes: Uint8Array | undefined;
  done: Promise<void>;
}

/** Decompresses the pages of one chunk off the main thread, before the cursor comes to them. */
export interface ReadAhead {
  /** Gives what is ready, and decompresses the rest on the spot. */
  readonly decompress: Decompress;
  /** Starts on the pages that hold rows `[from, until)` of the row group, as far as the budget goes; settles when they are ready. Never fails. */
  start(from: number, until: number): Promise<void>;
}

export function createReadAhead(
  chunk: ChunkBytes,
  leaf: SchemaNode,
  decompress: Decompress,
  inflate: Inflate | undefined,
  limits: Limits,
  budget: AheadBudget,
): ReadAhead {
  const { pages } = chunk;
  if (inflate === undefined || pages.length < WORTH / 8) return { decompress, start: async () => undefined };
  const started = new Map<number, Started>();
  let at = 0;
  let row = chunk.firstRow;
  let page = 0;

  const take: Decompress = (bytes, size, memory) => {
    const found = started.get(bytes.byteOffset);
    if (found === undefined || found.body.buffer !== bytes.buffer) return decompress(bytes, size, memory);
    started.delete(bytes.byteOffset);
    budget.bytes += found.size;
    return found.bytes ?? decompress(bytes, size, memory);
  };

  const begin = (body: Uint8Array, size: number): void => {
    const entry: Started = { body, size, bytes: undefined, done: Promise.resolve() };
    // What does not decompress fails again, and says so, where it is decoded.
    entry.done = inflate(body, size).then(
      (bytes) => {
        entry.bytes = bytes;
      },
      () => undefined,
    );
    budget.bytes -= size;
    started.set(body.byteOffset, entry);
  };

  /** Goes forward to the first page that ends after `until`, or that the budget has no room for. */
  const walk = (from: number, until: number): void => {
    while (at < pages.length && row < until) {
      const header = readPageHeader(pages, at, limits);
      const isData = header.type === PAGE.data || header.type === PAGE.dataV2;
      const rows = isData ? (chunk.pageRows?.[page] ?? declaredRows(header, leaf)) : 0;
      if (rows === undefined) {
        at = pages.length;
        return;
      }
      if (isData && row + rows > from) {
        const { start, size } = compressedBody(header);
        if (start >= 0 && size >= WORTH) {
          if (size > budget.bytes) return;
          begin(pages.subarray(start, header.body + header.compressed), size);
        }
      }
      at = header.body + header.compressed;
      row += rows;
      if (isData) page++;
    }
  };

  return {
    decompress: take,
    start: async (from, until) => {
      try {
        walk(from, until);
      } catch {
        // The cursor comes to the same page and says what is wrong with it.
        at = pages.length;
      }
      await Promise.all([...started.values()].map((entry) => entry.done));
    },
  };
}
