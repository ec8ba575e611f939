import { FormatError } from "../error.ts";

const MAGIC = 0xfd2fb528;

/**
 * Cuts a zstd stream into its frames by RFC 8878; skippable frames are left out. Each frame must be read to its end before the next is asked for.
 * Throws `CORRUPT` where a frame is cut off or something else than a frame stands.
 */
export async function* zstdFrames(
  source: AsyncIterable<Uint8Array>,
  file: string | undefined,
): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  const input = byteInput(source, file);
  try {
    if (await input.atEnd()) throw new FormatError("CORRUPT", { file, rule: "the zst data is empty" });
    while (!(await input.atEnd())) {
      const magic = await input.take(4);
      const word = readUint(magic, 0, 4);
      if (word === MAGIC) yield frame(input, magic);
      else if (word >>> 4 === 0x184d2a5) {
        const size = readUint(await input.take(4), 0, 4);
        for await (const _ of input.stream(size));
      } else throw new FormatError("CORRUPT", { file, byte: input.offset() - 4, rule: "this is no zst data" });
    }
  } finally {
    await input.close();
  }
}

async function* frame(input: ByteInput, magic: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield magic;
  const descriptor = await input.take(1);
  yield descriptor;
  const flags = descriptor[0]!;
  const single = (flags >> 5) & 1;
  const sizeBytes = [single, 2, 4, 8][flags >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const rest = (single === 1 ? 0 : 1) + dictionaryBytes + sizeBytes;
  if (rest > 0) yield await input.take(rest);
  for (let last = 0; last === 0; ) {
    const header = await input.take(3);
    yield header;
    const word = readUint(header, 0, 3);
    last = word & 1;
    // a run-length block is one byte, however long the run
    yield* input.stream(((word >> 1) & 3) === 1 ? 1 : word >> 3);
  }
  if ((flags & 4) !== 0) yield await input.take(4);
}

function readUint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

interface ByteInput {
  offset(): number;
  atEnd(): Promise<boolean>;
  /** Exactly `length` bytes. */
  take(length: number): Promise<Uint8Array>;
  /** The next `length` bytes in pieces. */
  stream(length: number): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

function byteInput(source: AsyncIterable<Uint8Array>, file: string | undefined): ByteInput {
  const iterator = source[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;
  let passed = 0;
  const fill = async (): Promise<boolean> => {
    while (at === chunk.length) {
      const next = await iterator.next();
      if (next.done === true) return false;
      passed += chunk.length;
      chunk = next.value;
      at = 0;
    }
    return true;
  };
  async function* stream(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = length; left > 0; ) {
      if (!(await fill())) throw new FormatError("CORRUPT", { file, rule: "the zst data is cut off" });
      const piece = chunk.subarray(at, at + left);
      at += piece.length;
      left -= piece.length;
      yield piece;
    }
  }
  return {
    offset: () => passed + at,
    atEnd: async () => !(await fill()),
    async take(length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      for await (const piece of stream(length)) {
        bytes.set(piece, filled);
        filled += piece.length;
      }
      return bytes;
    },
    stream,
    async close() {
      await iterator.return?.();
    },
  };
}
