import type { ObjectMeta } from "@usr/storage";
import { RemoteError } from "../error.ts";

/** An object, and the name the other end knows these very bytes by. */
export interface FarMeta {
  readonly meta: ObjectMeta;
  readonly identity: string;
}

/**
 * Reads what an end says about a file: `INODE|SIZE|SECONDS|DATE` as the helper's stat prints it (the date for its nanoseconds), or
 * `ETAG|SIZE|MILLISECONDS`. The etag is the one a disk storage makes of the same file.
 */
export function parseMeta(path: string, text: string): FarMeta {
  const shell = /^(\d+)\|(\d+)\|(-?\d+)\|\S+ \S+?(?:\.(\d{9}))?(?: \S+)?$/.exec(text);
  if (shell !== null) {
    const [, inode, size, seconds, nanos = "000000000"] = shell;
    return {
      identity: inode!,
      meta: {
        path,
        size: Number(size),
        etag: `${inode}-${size}-${seconds}${nanos}`,
        modifiedMs: Number(seconds) * 1_000 + Math.floor(Number(nanos) / 1_000_000),
      },
    };
  }
  const usr = /^([^|\n]+)\|(\d+)\|(-?\d*)$/.exec(text);
  if (usr === null) {
    throw new RemoteError(
      "TRANSFER_FAILED",
      `The other end described ${path} as ${JSON.stringify(text.slice(0, 200))}.`,
    );
  }
  const [, etag, size, ms] = usr;
  return {
    identity: etag!,
    meta: { path, size: Number(size), etag: etag!, modifiedMs: ms === "" ? undefined : Number(ms) },
  };
}

/** The other way round, for an end that is a storage. */
export function formatMeta(meta: ObjectMeta): string {
  return `${meta.etag}|${meta.size}|${meta.modifiedMs === undefined ? "" : Math.floor(meta.modifiedMs)}`;
}

/** A file as the helper's stat shows it, as a storage shows it, or a link. Behind it the path. */
const ITEM = /^(?:=((?:[^|]*\|){3}[^|]*)\|\.\/|~((?:[^|]*\|){2}[^|]*)\|\.\/|@\.\/)(.*)$/su;

/** A line of a listing; without `far` a symbolic link. `undefined` = a name that is no text, or that the helper would not spell. */
export function parseItem(
  line: string,
  label: string,
): { readonly path: string; readonly far: FarMeta | undefined } | undefined {
  if (line.startsWith("!")) return undefined;
  const [, shell, usr, path] = ITEM.exec(line) ?? [];
  if (path === undefined) {
    throw new RemoteError("TRANSFER_FAILED", `${label} listed ${JSON.stringify(line.slice(0, 200))}.`);
  }
  const meta = shell ?? usr;
  return { path, far: meta === undefined ? undefined : parseMeta(path, meta) };
}
