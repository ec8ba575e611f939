import { mapBounded, PLACES } from "@usr/dataset/sync";
import { type ReadHandle, type Signal, type Storage, StorageError } from "@usr/storage";
import { RemoteError } from "./error.ts";
import { evidenceAt, type ProvedMode } from "./evidence.ts";
import type { Action } from "./plan-types.ts";
import { sha256Hex } from "./sha256.ts";
import { bytesOf } from "./storage-site.ts";
import type { Site, SiteFile } from "./types.ts";

export type Bring = Extract<Action, { kind: "bring" }>;

/** The source has changed while it was read, or another transfer has taken what was staged: the plan no longer fits. */
export class SourceMoved extends Error {}

/** How far a transfer has come. */
export interface Progress {
  readonly path: string;
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface StageInput {
  readonly source: Site;
  readonly target: Site;
  /** The target's root. */
  readonly storage: Storage;
  readonly dataset: string;
  readonly mode: ProvedMode;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Files moved at a time. */
const WIDTH = 8;
/** Up to this size a file goes in one write; a larger one is appended piece by piece, so that an interrupted transfer goes on where it ended. */
const PIECE = 4 * 2 ** 20;

/** Where a file waits at the target, relative to the dataset. Whoever brings the same bytes to the same place again finds it. */
export const stagedPath = async ({ path, from }: Bring): Promise<string> => {
  const name = await sha256Hex([new TextEncoder().encode(`${path}\n${from.sha256 ?? from.etag}\n${from.size}`)]);
  return `${PLACES.incoming}${name.slice(0, 40)}`;
};

/**
 * Brings files to the target's `.incoming/`, where no reader looks, and proves each of them there. What an earlier attempt left is used.
 * Returns how many bytes have travelled.
 *
 * @throws SourceMoved where a file is no longer the one that was planned, or another transfer to the same place has published or removed it
 * @throws RemoteError `VERIFY_FAILED` where the bytes that arrived are not the source's
 */
export const stageFiles = async (actions: readonly Bring[], input: StageInput, o: Signal): Promise<number> => {
  const { storage, dataset } = input;
  const there = new Map<string, number>();
  for await (const { path, size } of storage.list(`${dataset}/${PLACES.incoming}`, o)) there.set(path, size);
  let filesDone = 0;
  let bytesDone = 0;
  let moved = 0;
  const bytesTotal = actions.reduce((sum, { from }) => sum + from.size, 0);
  const report = (path: string, bytes: number): void => {
    bytesDone += bytes;
    input.onProgress?.({ path, filesDone, filesTotal: actions.length, bytesDone, bytesTotal });
  };
  await mapBounded(actions, WIDTH, async (action) => {
    const to = `${dataset}/${await stagedPath(action)}`;
    const { from } = action;
    if (there.get(to) === from.size && (await isProved(input, to, from, o))) {
      filesDone++;
      return report(action.path, from.size);
    }
    const travelled = await bring(action, to, there.get(`${to}.partial`), input, o, (bytes) =>
      report(action.path, bytes),
    );
    moved += travelled;
    filesDone++;
    report(action.path, 0);
  });
  return moved;
};

const bring = async (
  action: Bring,
  to: string,
  partial: number | undefined,
  input: StageInput,
  o: Signal,
  onBytes: (bytes: number) => void,
): Promise<number> => {
  const { source, target, storage, dataset } = input;
  const { from, prefix } = action;
  const path = `${dataset}/${from.path}`;
  await using handle = await source.storage.open(path, o);
  if (handle === undefined || handle.meta.etag !== from.etag) throw new SourceMoved(path);
  const piecewise = storage.append !== undefined && from.size > PIECE;
  if (!piecewise && prefix === 0) {
    await storage.put(to, counted(handle, 0, from.size, o, onBytes), o);
    if (await isProved(input, to, from, o)) return from.size;
    await requireStaged(storage, to, from, o);
    await storage.delete(to);
    throw broken(input, from);
  }
  const unfinished = `${to}.partial`;
  let start = partial !== undefined && partial <= from.size && partial >= prefix ? partial : 0;
  if (start === 0 && prefix > 0) {
    await target.copyPrefix(`${dataset}/${action.path}`, prefix, unfinished);
    start = prefix;
  } else if (start === 0 && partial !== undefined) await storage.delete(unfinished);
  onBytes(start);
  await appendFrom(handle, start, unfinished, storage, o, onBytes);
  if (await isProved(input, unfinished, from, o)) {
    await present(storage.rename(unfinished, to), from);
    return from.size - start;
  }
  await requireStaged(storage, unfinished, from, o);
  await storage.delete(unfinished);
  // What was there before was not what it seemed: from the beginning, once.
  if (start > 0) return await bring({ ...action, prefix: 0 }, to, undefined, input, o, () => undefined);
  throw broken(input, from);
};

const appendFrom = async (
  handle: ReadHandle,
  start: number,
  path: string,
  storage: Storage,
  o: Signal,
  onBytes: (bytes: number) => void,
): Promise<void> => {
  const { size } = handle.meta;
  if (storage.append === undefined) {
    // Only reached with a prefix, which is in place already.
    await using former = await storage.open(path, o);
    async function* whole(): AsyncGenerator<Uint8Array> {
      if (former !== undefined) yield* bytesOf(former, 0, start, o);
      yield* counted(handle, start, size - start, o, onBytes);
    }
    await storage.put(path, whole(), o);
    return;
  }
  for (let at = start; at < size; at += PIECE) {
    const bytes = await handle.read(at, Math.min(PIECE, size - at), o);
    await storage.append(path, bytes);
    onBytes(bytes.length);
  }
};

async function* counted(
  handle: ReadHandle,
  offset: number,
  length: number,
  o: Signal,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytesOf(handle, offset, length, o)) {
    yield chunk;
    onBytes(chunk.length);
  }
}

/** Whether the file that arrived is the source's, as far as both sides can tell. */
const isProved = async (
  { target, storage, mode }: StageInput,
  path: string,
  from: SiteFile,
  o: Signal,
): Promise<boolean> => {
  if ((await sizeOf(storage, path, o)) !== from.size) return false;
  if (from.sha256 === undefined) return true;
  return (await present(evidenceAt(target, path, from.size, mode, o), from)) === from.sha256;
};

/** Throws `SourceMoved` where a staged file is gone, or longer than what was written: another transfer of the same file is at work. */
const requireStaged = async (storage: Storage, path: string, from: SiteFile, o: Signal): Promise<void> => {
  const size = await sizeOf(storage, path, o);
  if (size === undefined || size > from.size) throw new SourceMoved(from.path);
};

/** Work on a staged file, which is there as long as no other transfer has taken it. */
const present = async <T>(work: Promise<T>, { path }: SiteFile): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof StorageError && cause.code === "NOT_FOUND") throw new SourceMoved(path, { cause });
    throw cause;
  }
};

const sizeOf = async (storage: Storage, path: string, o: Signal): Promise<number | undefined> => {
  await using handle = await storage.open(path, o);
  return handle?.meta.size;
};

const broken = ({ source, target }: StageInput, { path }: SiteFile): RemoteError =>
  new RemoteError("VERIFY_FAILED", `${path} did not arrive at ${target.label} as ${source.label} describes it`, {
    hint: "Nothing was changed. Try again; if it happens again, check that file with usr validate where it comes from.",
    details: { path },
  });

/** Removes staged files that no plan needs any more. Absent ones are no error. */
export const unstage = async (storage: Storage, dataset: string, paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    for (const name of [path, `${path}.partial`]) {
      try {
        await storage.delete(`${dataset}/${name}`);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
  }
};
