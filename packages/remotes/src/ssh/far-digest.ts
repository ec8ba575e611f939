import { mapBounded } from "@usr/dataset/sync";
import { type Signal, StorageError } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { okText } from "./far-error.ts";
import type { FarOptions } from "./far-options.ts";
import { type FarMeta, parseItem, parseMeta } from "./meta.ts";
import { MOST_ARGS, nameOf } from "./wire.ts";

/** A request hashes no more than this many bytes, unless one file is larger: others get their turn, and an end is noticed. */
const MOST_BYTES = 64 * 2 ** 20;
/** Requests under way at a time. */
const WIDTH = 4;

/** How often a file is opened anew that is replaced while it is read. */
const MOST_TRIES = 5;

export interface Digested extends FarMeta {
  readonly sha256: string;
}

/**
 * The sha256 of files that were described earlier, in their order. One that was changed since is described anew, and its digest is that of the
 * size this tells, also while it grows; one that is gone is left out. `CONFLICT` where a file is replaced each time it is read.
 */
export async function digestFiles(o: FarOptions, files: readonly FarMeta[], s: Signal): Promise<readonly Digested[]> {
  const found = await digestWhole(o, files, s);
  const all = await mapBounded([...files.entries()], WIDTH, async ([at, file]) => {
    const sha256 = found[at];
    return sha256 === undefined ? await digestNow(o, file.meta.path, s) : { ...file, sha256 };
  });
  return all.filter((one) => one !== undefined);
}

async function digestNow(o: FarOptions, path: string, s: Signal): Promise<Digested | undefined> {
  for (let tries = 1; ; tries++) {
    const id = o.handles.next();
    const reply = await o.connection.ask("open", [path, id], s);
    if (reply.code === "NOT_FOUND") return undefined;
    const far = parseMeta(path, okText(reply, o.label, path));
    try {
      return { ...far, sha256: await digestPiece(o, far, { offset: 0, length: far.meta.size, handle: id }, s) };
    } catch (error) {
      if (!(error instanceof StorageError && error.code === "CONFLICT" && tries < MOST_TRIES)) throw error;
    } finally {
      await o.connection.post("close", [id]).catch(() => undefined);
    }
  }
}

/** The sha256 of whole files that were described earlier, in their order; `undefined` = it is not that file any more. */
async function digestWhole(
  o: FarOptions,
  files: readonly FarMeta[],
  s: Signal,
): Promise<readonly (string | undefined)[]> {
  const batches = await mapBounded(batchesOf(files), WIDTH, (batch) => digestBatch(o, batch, s));
  return batches.flat();
}

async function digestBatch(
  o: FarOptions,
  files: readonly FarMeta[],
  s: Signal,
): Promise<readonly (string | undefined)[]> {
  const paths = files.map(({ meta }) => meta.path);
  const reply = await o.connection.ask("digests", paths, s);
  okText(reply, o.label, paths[0] ?? "");
  const digests = new Map<string, string>();
  const now = new Map<string, FarMeta>();
  for (const item of reply.items) {
    const line = nameOf(item) ?? "!";
    const [, sha256, path] = /^#([0-9a-f]{64}) [ *]\.\/(.*)$/su.exec(line) ?? [];
    if (sha256 !== undefined && path !== undefined) {
      digests.set(path, sha256);
      continue;
    }
    const far = parseItem(line, o.label)?.far;
    if (far !== undefined) now.set(far.meta.path, far);
  }
  return files.map(({ identity, meta }) => {
    const [sha256, after] = [digests.get(meta.path), now.get(meta.path)];
    return after?.identity === identity && after.meta.etag === meta.etag ? sha256 : undefined;
  });
}

function batchesOf(files: readonly FarMeta[]): readonly (readonly FarMeta[])[] {
  const batches: FarMeta[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = batches.at(-1);
    if (last === undefined || last.length === MOST_ARGS || bytes + file.meta.size > MOST_BYTES) {
      batches.push([file]);
      bytes = file.meta.size;
    } else {
      last.push(file);
      bytes += file.meta.size;
    }
  }
  return batches;
}

/** The sha256 of a piece of a file that was described earlier and is open as `handle`; `CONFLICT` where it is another file by now. */
export async function digestPiece(
  { connection, label }: FarOptions,
  { identity, meta }: FarMeta,
  piece: { readonly offset: number; readonly length: number; readonly handle: number },
  s: Signal,
): Promise<string> {
  const reply = await connection.ask("digest", [meta.path, identity, piece.offset, piece.length, piece.handle], s);
  const text = okText(reply, label, meta.path);
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new RemoteError("TRANSFER_FAILED", `${label} gave ${JSON.stringify(text)} as the sha256 of ${meta.path}.`, {
    details: { remote: label, path: meta.path },
  });
}
