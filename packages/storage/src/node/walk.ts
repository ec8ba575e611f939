/// <reference types="node" />
import { join } from "node:path";
import { StorageError } from "../error.ts";
import { comparePaths, isTemporary, parsePath, prefixFolder } from "../path.ts";
import type { ObjectMeta } from "../types.ts";
import { attemptIfPresent } from "./error.ts";
import { type DiskFs, metaOf } from "./fs.ts";
import type { Places } from "./place.ts";

/** So many files are inspected at once: enough to hide the latency, few enough for the thread pool. */
const WINDOW = 32;

export interface Walk {
  readonly fs: DiskFs;
  readonly root: string;
  readonly places: Places;
  readonly prefix: string;
  /** Which files: the objects, or what interrupted writes left. */
  readonly temporaries: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Files under the prefix in code point order of the whole path; one folder is read at a time. */
export async function* walk(w: Walk): AsyncGenerator<ObjectMeta, void, undefined> {
  const folder = prefixFolder(w.prefix);
  if (folder !== "") await refuseLinkedFolder(w, folder);
  yield* walkFolder(w, folder === "" ? "" : `${folder}/`);
}

async function* walkFolder(w: Walk, at: string): AsyncGenerator<ObjectMeta, void, undefined> {
  w.signal?.throwIfAborted();
  const read = w.fs.readdir(join(w.root, at), { withFileTypes: true });
  const entries = ((await attemptIfPresent("list", at === "" ? "the root" : at, read)) ?? [])
    .map((entry) => ({ path: at + entry.name, key: at + entry.name + (entry.isDirectory() ? "/" : ""), entry }))
    .filter(({ key, path, entry }) => isWanted(w, key, path, entry))
    // A folder sorts as the paths in it do, with the slash: "a-b" comes before "a/c".
    .sort((a, b) => comparePaths(a.key, b.key));

  for (let i = 0; i < entries.length; i += WINDOW) {
    const window = entries.slice(i, i + WINDOW);
    const metas = await Promise.all(
      window.map(({ path, entry }) => (entry.isDirectory() ? undefined : inspect(w, path))),
    );
    for (const [n, { key, entry }] of window.entries()) {
      const meta = metas[n];
      if (entry.isDirectory()) yield* walkFolder(w, key);
      else if (meta !== undefined) {
        w.signal?.throwIfAborted();
        yield meta;
      }
    }
  }
}

function isWanted(w: Walk, key: string, path: string, entry: { isDirectory(): boolean }): boolean {
  if (!key.startsWith(w.prefix) && !(entry.isDirectory() && w.prefix.startsWith(key))) return false;
  // The folder every ext file system has at its top, readable by root alone.
  if (key === "lost+found/") return false;
  if (!entry.isDirectory() && isTemporary(path) !== w.temporaries) return false;
  return isLegal(path);
}

/** A name that no path can spell is no object. */
function isLegal(path: string): boolean {
  try {
    parsePath(path);
    return true;
  } catch {
    return false;
  }
}

/** A link to a file inside the root shows that file. One that leaves the root is listed as itself: opening it says what is wrong. */
async function inspect(w: Walk, path: string): Promise<ObjectMeta | undefined> {
  const name = join(w.root, path);
  const own = await attemptIfPresent("inspect", path, w.fs.lstat(name, { bigint: true }));
  if (own === undefined || own.isFile()) return own && metaOf(path, own);
  if (!own.isSymbolicLink()) return undefined;
  const target = await attemptIfPresent("inspect", path, w.fs.stat(name, { bigint: true }));
  if (target === undefined || !target.isFile()) return undefined;
  try {
    return (await w.places.resolve(path)) === undefined ? undefined : metaOf(path, target);
  } catch (error) {
    if (error instanceof StorageError && error.code === "PATH_INVALID") return metaOf(path, own);
    throw error;
  }
}

async function refuseLinkedFolder(w: Walk, folder: string): Promise<void> {
  const real = await w.places.resolve(folder);
  if (real === undefined) return;
  const root = await w.fs.realpath(w.root);
  if (real === join(root, folder)) return;
  throw new StorageError(
    "PATH_INVALID",
    `${folder} is reached through a symbolic link, which listings do not follow.`,
    {
      hint: "Replace the link by the folder it points to.",
      details: { path: folder, target: real },
    },
  );
}
