import type { DecodeLimits } from "@usr/parquet";
import { FormatError } from "./error.ts";
import type { TableInput, TableLimits } from "./types.ts";

const PIECE = 1 << 20;

/** The bytes of an input in order. Stopping early releases a stream. */
export async function* bytesOf(
  input: TableInput,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if ("stream" in input) {
    for await (const chunk of input.stream) {
      signal?.throwIfAborted();
      // Texts are what a stream with an encoding gives; numbers are those of bytes that were given for a stream.
      if (chunk[Symbol.toStringTag] !== "Uint8Array") throw notBytes(chunk);
      yield chunk;
    }
    return;
  }
  const { size } = input.file.meta;
  for (let offset = 0; offset < size; offset += PIECE) {
    signal?.throwIfAborted();
    yield await input.file.read(offset, Math.min(PIECE, size - offset), { signal });
  }
}

function notBytes(chunk: unknown): FormatError {
  return new FormatError("USAGE", {
    rule: `the stream gives ${typeof chunk === "object" ? "objects" : `${typeof chunk}s`}, not chunks of bytes`,
    hint: "Give { stream } of Uint8Array chunks, such as new Blob([text]).stream() or createReadStream(path) without encoding.",
  });
}

/** The limits with their defaults. */
export function limitsOf(limits: TableLimits | undefined): { readonly [K in keyof TableLimits]-?: number } {
  return {
    maxFieldBytes: limits?.maxFieldBytes ?? 64 << 20,
    maxRowBytes: limits?.maxRowBytes ?? 256 << 20,
    maxColumns: limits?.maxColumns ?? 65_536,
    maxDepth: limits?.maxDepth ?? 128,
    maxBufferedBytes: limits?.maxBufferedBytes ?? 1 << 30,
    maxDecodedBytes: limits?.maxDecodedBytes ?? 2 ** 31,
    maxRatio: limits?.maxRatio ?? 65_536,
    batchRows: Math.min(limits?.batchRows ?? 16_384, 65_536),
    batchBytes: limits?.batchBytes ?? 16 << 20,
  };
}

/** What a Parquet file that comes from elsewhere may make a reader allocate. */
export function decodeLimits(limits: TableLimits | undefined): DecodeLimits {
  const { maxDecodedBytes, maxRatio } = limitsOf(limits);
  return { heldBytes: maxDecodedBytes, pageBytes: Math.min(maxDecodedBytes, 2 ** 30), expansion: maxRatio };
}

export type Limits = ReturnType<typeof limitsOf>;

/** A window on a stream: `bytes[at .. end)` is unread; one more byte past `end` is always addressable and 0. */
export interface ByteWindow {
  bytes: Uint8Array;
  at: number;
  end: number;
  /** File offset of `bytes[0]`. */
  origin: number;
  /** No more bytes follow `end`. */
  final: boolean;
  /** Reads on, keeping what is unread. What is unread at least doubles, so that starting a record over stays linear. */
  more(): Promise<void>;
  close(): Promise<void>;
}

export function byteWindow(source: AsyncGenerator<Uint8Array, void, undefined>): ByteWindow {
  return {
    bytes: new Uint8Array(1),
    at: 0,
    end: 0,
    origin: 0,
    final: false,
    async more() {
      const kept = this.end - this.at;
      this.bytes.copyWithin(0, this.at, this.end);
      this.origin += this.at;
      this.at = 0;
      this.end = kept;
      while (this.end <= 2 * kept && !this.final) {
        const next = await source.next();
        if (next.done === true) this.final = true;
        else {
          // at once, for the source may use the memory of a chunk again
          const end = this.end + next.value.length;
          if (end >= this.bytes.length || this.bytes.length > 4 * (end + 1)) {
            const bytes = new Uint8Array(end + 1 + (end >> 2));
            bytes.set(this.bytes.subarray(0, this.end));
            this.bytes = bytes;
          }
          this.bytes.set(next.value, this.end);
          this.end = end;
        }
      }
      this.bytes[this.end] = 0;
    },
    async close() {
      await source.return();
    },
  };
}
