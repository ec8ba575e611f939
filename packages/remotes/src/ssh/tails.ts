/** The ends of files that were read lately: a Parquet footer is looked at several times, and before the whole file is fetched. */
export interface Tails {
  /** Remembers bytes from `offset` to the end of that version of a file. Large ones are not kept. */
  keep(path: string, etag: string, offset: number, bytes: Uint8Array): void;
  /** The longest known piece that ends the range `[offset, offset + length)` of that version; empty where nothing is known. */
  endOf(path: string, etag: string, offset: number, length: number): Uint8Array;
}

const LARGEST = 2 ** 17;
const MOST = 64;

export function rememberTails(): Tails {
  const known = new Map<string, { readonly etag: string; readonly offset: number; readonly bytes: Uint8Array }>();
  return {
    keep(path, etag, offset, bytes): void {
      const before = known.get(path);
      if (bytes.length > LARGEST || (before?.etag === etag && before.offset <= offset)) return;
      known.delete(path);
      known.set(path, { etag, offset, bytes: bytes.slice() });
      const [oldest] = known.keys();
      if (known.size > MOST && oldest !== undefined) known.delete(oldest);
    },
    endOf(path, etag, offset, length): Uint8Array {
      const tail = known.get(path);
      const end = offset + length;
      if (tail?.etag !== etag || tail.offset >= end) return new Uint8Array(0);
      return tail.bytes.subarray(Math.max(offset, tail.offset) - tail.offset, end - tail.offset);
    },
  };
}
