import { SchemaError } from "../error.ts";
import { isSchemaMessage, verifyFile, verifyMessage } from "./verify.ts";

const CONTINUATION = 0xffffffff;
const MAGIC = "ARROW1";

/**
 * An Arrow IPC stream or file as verified bytes that apache-arrow can read: a stream of messages, or the whole file where it can only be read from
 * its end. The file form is a stream between its magic and its footer and is read as one, so that it need not be held; files that do not start with a
 * schema message (apache-arrow for JavaScript leaves it out, polars its length) are held. Bodies lie at multiples of 8, so that columns can be views of them.
 *
 * @throws SchemaError `CORRUPT` if the bytes end within a message, or a file before its end mark.
 */
export async function verifiedInput(
  source: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array> | Uint8Array> {
  const bytes = byteQueue(source);
  const first = await bytes.take(4);
  if (first === undefined || ascii(first) !== MAGIC.slice(0, 4)) {
    return readMessages(bytes, await readMetadata(bytes, first), false);
  }
  const consumed = [first, await need(bytes, 4)];
  if (ascii(consumed[1]!) !== `${MAGIC.slice(4)}\0\0`) {
    throw damaged("it starts neither as a file nor as a stream");
  }
  const prefix = await need(bytes, 4);
  consumed.push(prefix);
  if (uint32(prefix) === CONTINUATION) {
    const size = await need(bytes, 4);
    const metadata = await need(bytes, uint32(size));
    if (metadata.length > 0 && isSchemaMessage(metadata)) {
      return readMessages(bytes, metadata, true);
    }
    consumed.push(size, metadata);
  }
  const whole = join([...consumed, ...(await bytes.takeAll())]);
  verifyFile(whole);
  return whole;
}

/** From the first message's metadata on; `undefined` = the end mark, or the end of the bytes. */
async function* readMessages(
  bytes: ByteQueue,
  metadata: Uint8Array | undefined,
  isFile: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  while (metadata !== undefined) {
    const bodyLength = verifyMessage(metadata);
    yield new Uint8Array(Uint32Array.of(CONTINUATION, metadata.length).buffer);
    yield metadata;
    if (bodyLength > 0) {
      yield await need(bytes, bodyLength);
    }
    const prefix = await bytes.take(4);
    if (prefix === undefined && isFile) {
      throw damaged("the file has no end mark: it is cut short");
    }
    metadata = await readMetadata(bytes, prefix);
  }
  if (isFile) {
    await checkFooter(bytes);
  }
}

/** The footer says nothing that the messages have not said, but a file without it is cut short. */
async function checkFooter(bytes: ByteQueue): Promise<void> {
  const { size, last } = await bytes.skipAll(4 + MAGIC.length);
  if (ascii(last.subarray(4)) !== MAGIC || uint32(last) !== size - last.length) {
    throw damaged("the file has no footer: it is cut short");
  }
}

async function readMetadata(bytes: ByteQueue, prefix: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  if (prefix === undefined) {
    return undefined;
  }
  let size = uint32(prefix);
  if (size === CONTINUATION) {
    size = uint32(await need(bytes, 4));
  }
  return size === 0 ? undefined : await need(bytes, size);
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function damaged(why: string): SchemaError {
  return new SchemaError("CORRUPT", `The input is no readable Arrow IPC: ${why}.`, { details: { why } });
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

async function need(bytes: ByteQueue, size: number): Promise<Uint8Array> {
  const taken = await bytes.take(size);
  if (taken === undefined) {
    throw damaged("it ends within a message");
  }
  return taken;
}

interface ByteQueue {
  /** The next `size` bytes; `undefined` at the end. Nothing is allocated before the bytes are there, whatever `size` claims. */
  take(size: number): Promise<Uint8Array | undefined>;
  /** All that is left. */
  takeAll(): Promise<Uint8Array[]>;
  /** Passes over all that is left: how much it was, and its last `keep` bytes, padded in front. */
  skipAll(keep: number): Promise<{ readonly size: number; readonly last: Uint8Array }>;
}

function byteQueue(source: AsyncIterable<Uint8Array>): ByteQueue {
  const iterator = source[Symbol.asyncIterator]();
  let chunks: Uint8Array[] = [];
  let held = 0;
  return {
    async take(size) {
      while (held < size) {
        const step = await iterator.next();
        if (step.done === true) {
          if (held > 0) {
            throw damaged("it ends within a message");
          }
          return undefined;
        }
        chunks.push(step.value);
        held += step.value.length;
      }
      const result = front(chunks, size);
      held -= size;
      chunks = drop(chunks, size);
      return result;
    },
    async takeAll() {
      const rest = chunks;
      for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
        rest.push(step.value);
      }
      chunks = [];
      held = 0;
      return rest;
    },
    async skipAll(keep) {
      let size = 0;
      let last: Uint8Array = new Uint8Array(keep);
      const pass = (chunk: Uint8Array): void => {
        size += chunk.length;
        last = join([last, chunk.subarray(Math.max(0, chunk.length - keep))]).slice(-keep);
      };
      chunks.forEach(pass);
      chunks = [];
      held = 0;
      for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
        pass(step.value);
      }
      return { size, last };
    },
  };
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return front(
    chunks,
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
}

/** The first `size` bytes: a view if they lie together at a multiple of 8, else a copy. */
function front(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && first.length >= size && first.byteOffset % 8 === 0) {
    return first.subarray(0, size);
  }
  const result = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, size - at);
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function drop(chunks: readonly Uint8Array[], size: number): Uint8Array[] {
  let left = size;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left >= chunk.length) {
      left -= chunk.length;
    } else {
      rest.push(chunk.subarray(left));
      left = 0;
    }
  }
  return rest;
}
