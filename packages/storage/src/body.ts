import { conflict, StorageError } from "./error.ts";
import type { ObjectMeta, Prefix, ReadHandle, Signal } from "./types.ts";

/** The whole object as one array. */
export async function readAll(handle: ReadHandle, o: Signal = {}): Promise<Uint8Array> {
  return await handle.read(0, handle.meta.size, o);
}

/** `RANGE` unless `[offset, offset + length)` are whole numbers inside the object. */
export function checkRange(meta: ObjectMeta, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (whole && offset >= 0 && length >= 0 && offset + length <= meta.size) return;
  throw new StorageError(
    "RANGE",
    `${meta.path} has ${meta.size} bytes; ${length} bytes from ${offset} are not all in it.`,
    {
      details: { path: meta.path, size: meta.size, offset, length },
    },
  );
}

/**
 * A body as chunks; the signal is looked at before each.
 *
 * @throws TypeError for what is neither bytes nor chunks of bytes: a text or an array would be written as zeros, or as nothing
 */
export async function* chunksOf(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  signal?: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  if (isBytes(body)) {
    yield body;
    return;
  }
  for await (const chunk of body) {
    signal?.throwIfAborted();
    if (!isBytes(chunk)) throw new TypeError("A body is a Uint8Array, or an async iterable of them; encode texts.");
    yield chunk;
  }
  signal?.throwIfAborted();
}

/** Told by the tag, which is the same in every realm, and that of a Buffer too. */
function isBytes(value: Uint8Array | AsyncIterable<Uint8Array>): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** Bytes copied at a time where a store has to do it by reading. */
const SLICE = 4 * 2 ** 20;

/** The first `length` bytes of an object and what follows them. */
export async function* afterPrefix(
  handle: ReadHandle,
  length: number,
  rest: AsyncIterable<Uint8Array>,
  o: Signal = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < length; at += SLICE) yield await handle.read(at, Math.min(SLICE, length - at), o);
  yield* rest;
}

/** `CONFLICT` unless the object is the one that a prefix speaks of, `RANGE` where it is known to be shorter. */
export function checkPrefix<T extends { readonly meta: ObjectMeta }>(
  from: Prefix,
  found: T | undefined,
): asserts found is T {
  if (found?.meta.etag !== from.etag) throw conflict(from.path, from.etag, found?.meta.etag);
  if (typeof from.length === "number") checkRange(found.meta, 0, from.length);
}

/** How long a prefix of the object is, once that is known; `RANGE` where the object is shorter. */
export async function lengthOf(from: Prefix, meta: ObjectMeta): Promise<number> {
  const length = await from.length;
  checkRange(meta, 0, length);
  return length;
}

/** Chunks joined into one fresh array, each copied as it arrives, so a producer may reuse its buffer. */
export async function joinChunks(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk.slice());
    size += chunk.length;
  }
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
