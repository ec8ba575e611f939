import { RemoteError } from "../error.ts";

/** Longer lines are no part of the protocol; the limit keeps a confused peer from filling the memory. */
const LONGEST_LINE = 65_536;
const NEWLINE = 10;

/** A stream of bytes, taken line by line or by count. One taker at a time. */
export interface ByteReader {
  /** The bytes up to the next newline, without it; `undefined` = the stream has ended. What stands before an end without newline is dropped. */
  line(): Promise<Uint8Array | undefined>;
  /** Exactly `length` bytes; `undefined` = the stream ended before. */
  exact(length: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** How many bytes were taken from the stream so far. */
  readonly received: number;
}

export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;
  let received = 0;

  const more = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done) return false;
    chunk = next.value;
    at = 0;
    received += chunk.length;
    return true;
  };

  return {
    get received(): number {
      return received;
    },
    async line(): Promise<Uint8Array | undefined> {
      const pieces: Uint8Array[] = [];
      for (let length = 0; ; ) {
        const end = chunk.indexOf(NEWLINE, at);
        const piece = chunk.subarray(at, end < 0 ? chunk.length : end);
        pieces.push(piece);
        length += piece.length;
        if (length > LONGEST_LINE) throw new RemoteError("TRANSFER_FAILED", "The other end sent a line without end.");
        if (end >= 0) {
          at = end + 1;
          return pieces.length === 1 ? piece : joined(pieces, length);
        }
        at = chunk.length;
        if (!(await more())) return undefined;
      }
    },
    async exact(length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        if (at === chunk.length && !(await more())) return undefined;
        const take = Math.min(length - done, chunk.length - at);
        bytes.set(chunk.subarray(at, at + take), done);
        at += take;
        done += take;
      }
      return bytes;
    },
  };
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
