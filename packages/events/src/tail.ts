import type { ReadableStorage, ReadHandle, Signal } from "@usr/storage";
import { decodeLine, NEWLINE, type RawLine } from "./decode.ts";
import { linesFrom, linesFromEnd } from "./lines.ts";
import type { EventLine } from "./types.ts";

export interface TailOptions extends Signal {
  /** Start with the last `n` events, and the problems between and after them; all where not given, none for 0. */
  readonly n?: number | undefined;
  /** Go on with what is appended, until the signal aborts: that ends the iteration without an error. */
  readonly follow?: boolean | undefined;
  /** How often to look for more; default 200. */
  readonly pollMs?: number | undefined;
}

/** How far a log was read. */
interface Position {
  offset: number;
  /** Lines before `offset`, if they were counted. */
  line: number | undefined;
  /** The bytes of the last line before `offset`: what tells an appended log from one put in its place. */
  last: Uint8Array;
}

/**
 * The lines of the log at `path`, in order. Blank lines are left out; a torn last line is a problem, except when following, where it is held
 * back until it is whole. An absent log has no lines, and may still appear when following.
 *
 * Following goes by path: where the log was replaced (rotated, cut short, pulled) it goes on after the last line it gave, or from the start
 * if the new log lacks that line. No event comes twice and none in halves.
 */
export async function* tailEvents(
  storage: ReadableStorage,
  path: string,
  o: TailOptions = {},
): AsyncGenerator<EventLine, void, void> {
  const { signal, follow = false } = o;
  const position: Position = { offset: 0, line: 0, last: new Uint8Array(0) };
  let etag: string | undefined;
  let started = false;
  try {
    for (;;) {
      const opened = await storage.open(path, { signal });
      if (opened !== undefined) {
        await using handle = opened;
        if (handle.meta.etag !== etag) {
          etag = handle.meta.etag;
          if (!started && o.n !== undefined) yield* lastEvents(handle, position, o.n, follow, { signal });
          else {
            if (!(await isContinued(handle, position, { signal }))) await findAgain(handle, position, { signal });
            yield* linesAfter(handle, position, follow, { signal });
          }
        }
      }
      started = true;
      if (!follow || signal?.aborted) return;
      await pause(o.pollMs ?? 200, signal);
      if (signal?.aborted) return;
    }
  } catch (error) {
    if (follow && signal?.aborted) return;
    throw error;
  }
}

const advance = (position: Position, raw: RawLine): void => {
  position.offset = raw.offset + raw.bytes.length + 1;
  if (position.line !== undefined) position.line++;
  position.last = raw.bytes;
};

async function* linesAfter(
  handle: ReadHandle,
  position: Position,
  follow: boolean,
  o: Signal,
): AsyncGenerator<EventLine, void, void> {
  for await (const raw of linesFrom(handle, position.offset, o)) {
    if (!raw.terminated && follow) return;
    advance(position, raw);
    const line = decodeLine(raw, position.line);
    if (line !== undefined) yield line;
  }
}

async function* lastEvents(
  handle: ReadHandle,
  position: Position,
  n: number,
  follow: boolean,
  o: Signal,
): AsyncGenerator<EventLine, void, void> {
  const found: EventLine[] = [];
  let events = 0;
  let placed = false;
  position.line = undefined;
  for await (const raw of linesFromEnd(handle, o)) {
    if (!raw.terminated && follow) continue;
    if (!placed) advance(position, raw);
    placed = true;
    if (events >= n) break;
    const line = decodeLine(raw, undefined);
    if (line === undefined) continue;
    found.push(line);
    if (line.kind === "event") events++;
  }
  yield* found.reverse();
}

/** Whether the last line given still lies where it was, before `offset`. */
const isContinued = async (handle: ReadHandle, { offset, last }: Position, o: Signal): Promise<boolean> => {
  if (offset === 0) return true;
  if (handle.meta.size < offset) return false;
  const bytes = await handle.read(offset - last.length - 1, last.length + 1, o);
  return bytes[last.length] === NEWLINE && same(bytes.subarray(0, last.length), last);
};

/** Sets the position behind the last occurrence of the last line given, or to the start. */
const findAgain = async (handle: ReadHandle, position: Position, o: Signal): Promise<void> => {
  const { last } = position;
  let [offset, line, counted] = [0, 0, 0];
  for await (const raw of linesFrom(handle, 0, o)) {
    counted++;
    if (raw.terminated && same(raw.bytes, last)) [offset, line] = [raw.offset + raw.bytes.length + 1, counted];
  }
  position.offset = offset;
  position.line = line;
};

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
