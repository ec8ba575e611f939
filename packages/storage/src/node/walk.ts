/// <reference types="node" />
import { join, sep } from "node:path";
import { StorageError } from "../error.ts";
import { comparePaths, isTemporary, parsePath, prefixFolder } from "../path.ts";
import type { ListOptions, ObjectMeta } from "../types.ts";
import { attemptIfPresent } from "./error.ts";
import { type DiskFs, type DiskStats, metaOf } from "./fs.ts";
import type { Places } from "./place.ts";

/** So many files are inspected at once: enough to hide the latency, few enough for the thread pool. */
const WINDOW = 32;

/** A name that was read, and nothing bears it any more. */
const GONE: unique symbol = Symbol("gone");

export interface Walk extends ListOptions {
  readonly fs: DiskFs;
  readonly root: string;
  readonly places: Places;
  readonly prefix: string;
  /** Which files: the objects, or what interrupted writes left. */
  readonly temporaries: boolean;
}

/** Files under the prefix in code point order of the whole path; one folder is read at a time. Links are followed as long as they stay inside. */
export async function* walk(w: Walk): AsyncGenerator<ObjectMeta, void, undefined> {
  const folder = prefixFolder(w.prefix);
  // Throws where the way there leaves the root.
  if (folder !== "") await w.places.resolve(folder);
  yield* walkFolder(w, folder === "" ? "" : `${folder}/`, []);
}

/** A name in a folder, and whether what is behind it is a folder to be entered. */
interface Entry {
  readonly path: string;
  /** The folder that was left for another through a link; absent = no link was followed. */
  readonly leaving?: string | undefined;
  readonly isFolder: boolean;
}

/** @param left the real folders that were left through links, so that a circle of links ends */
async function* walkFolder(w: Walk, at: string, left: readonly string[]): AsyncGenerator<ObjectMeta, void, undefined> {
  for (const { key, isFolder, leaving, meta } of await contents(w, at, left)) {
    if (isFolder) yield* walkFolder(w, key, leaving === undefined ? left : [...left, leaving]);
    else if (meta !== undefined) {
      w.signal?.throwIfAborted();
      yield meta;
    }
  }
}

interface Content extends Entry {
  /** The path, of a folder with its slash. */
  readonly key: string;
  readonly meta: ObjectMeta | undefined;
}

/**
 * What was in a folder at one moment, as far as the system reads its names in one step. They are read first and looked at then. Where one has gone
 * meanwhile they are read again: the file that replaces it may have come after the names were read, and a listing with neither would hold less than
 * was ever there. One that is listed again and gone again is left out: some systems list names that nobody can open.
 */
async function contents(w: Walk, at: string, left: readonly string[]): Promise<readonly Content[]> {
  const looking = { ...w, onUnreachable: w.onUnreachable && oncePerPlace(w.onUnreachable) };
  const gone = new Set<string>();
  for (;;) {
    const entries = await entriesOf(looking, at, left);
    const found: Content[] = [];
    let isWhole = true;
    for (let i = 0; i < entries.length && isWhole; i += WINDOW) {
      const window = entries.slice(i, i + WINDOW);
      const metas = await Promise.all(
        window.map(({ path, isFolder }) => (isFolder ? undefined : inspect(looking, at, path))),
      );
      for (const [n, entry] of window.entries()) {
        const meta = metas[n];
        if (meta !== GONE) found.push({ ...entry, meta });
        else if (!gone.has(entry.path)) isWhole = false;
        if (meta === GONE) gone.add(entry.path);
      }
    }
    if (isWhole) return found;
  }
}

const oncePerPlace = (tell: NonNullable<Walk["onUnreachable"]>): NonNullable<Walk["onUnreachable"]> => {
  const told = new Set<string>();
  return (place, error) => {
    if (!told.has(place)) tell(place, error);
    told.add(place);
  };
};

/** The names in a folder that are asked for, in the order of their paths. */
async function entriesOf(w: Walk, at: string, left: readonly string[]): Promise<readonly Omit<Content, "meta">[]> {
  w.signal?.throwIfAborted();
  const found: Entry[] = [];
  const names = await passing(w, at, () =>
    attemptIfPresent("list", at === "" ? "the root" : at, w.fs.readdir(join(w.root, at), { withFileTypes: true })),
  );
  for (const entry of names ?? []) {
    const path = at + entry.name;
    const mayBeFolder = entry.isDirectory() || entry.isSymbolicLink();
    if (!isWanted(w, path, mayBeFolder)) continue;
    if (entry.isSymbolicLink())
      found.push((await passing(w, path, () => followed(w, at, path, left))) ?? { path, isFolder: false });
    else found.push({ path, isFolder: entry.isDirectory() });
  }
  return (
    found
      .map((entry) => ({ ...entry, key: entry.path + (entry.isFolder ? "/" : "") }))
      .filter(({ key, isFolder }) => isFolder || isTemporary(key) === w.temporaries)
      // A folder sorts as the paths in it do, with the slash: "a-b" comes before "a/c".
      .sort((a, b) => comparePaths(a.key, b.key))
  );
}

/** Whether a name lies under the prefix, whose folder the walk starts in, and is one that a path can spell. */
function isWanted(w: Walk, path: string, mayBeFolder: boolean): boolean {
  // The folder every ext file system has at its top, readable by root alone.
  if (path === "lost+found" && mayBeFolder) return false;
  if (mayBeFolder && w.except?.(`${path}/`) === true) return false;
  return path.startsWith(w.prefix) && isLegal(path);
}

/** A link: to a folder inside the root that is not one of those it is reached from, or to anything else. */
async function followed(w: Walk, at: string, path: string, left: readonly string[]): Promise<Entry> {
  const target = await attemptIfPresent("inspect", path, w.fs.stat(join(w.root, path), { bigint: true }));
  if (target?.isDirectory() !== true) return { path, isFolder: false };
  const real = await insideOrUndefined(w, path, (error) => w.onUnreachable?.(path, error));
  if (real === undefined) return { path, isFolder: false };
  const leaving = await w.fs.realpath(join(w.root, at));
  const circle = [...left, leaving].some((folder) => folder === real || folder.startsWith(real + sep));
  return { path, isFolder: !circle, leaving };
}

/** The real name behind a path, `undefined` where there is none or it leaves the root. */
async function insideOrUndefined(
  w: Walk,
  path: string,
  onOutside?: (error: StorageError) => void,
): Promise<string | undefined> {
  try {
    return await w.places.resolve(path);
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "PATH_INVALID") throw error;
    onOutside?.(error);
    return undefined;
  }
}

/** Looks at one place; where that is refused and somebody wants to know, they are told, and the answer is `undefined`. */
async function passing<T>(w: Walk, place: string, look: () => Promise<T>): Promise<T | undefined> {
  const first = prefixFolder(w.prefix);
  try {
    return await look();
  } catch (error) {
    const isFirst = place === (first === "" ? "" : `${first}/`);
    if (w.onUnreachable === undefined || isFirst || !(error instanceof StorageError)) throw error;
    w.onUnreachable(place.replace(/\/$/, ""), error);
    return undefined;
  }
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
async function inspect(w: Walk, at: string, path: string): Promise<ObjectMeta | typeof GONE | undefined> {
  const name = join(w.root, path);
  // A name that is no UTF-8 is read with U+FFFD in it, under which nobody finds the file: it has not gone.
  const missing = path.includes("\uFFFD") ? undefined : GONE;
  const look = async (): Promise<DiskStats | typeof GONE | undefined> =>
    (await attemptIfPresent("inspect", path, w.fs.lstat(name, { bigint: true }))) ?? missing;
  const own = await passing(w, at, look);
  if (own === undefined || own === GONE) return own;
  if (own.isFile()) return metaOf(path, own);
  if (!own.isSymbolicLink()) return undefined;
  return await passing(w, path, async () => {
    const target = await attemptIfPresent("inspect", path, w.fs.stat(name, { bigint: true }));
    if (target === undefined) return undefined;
    if ((await insideOrUndefined(w, path)) === undefined) return metaOf(path, own);
    return target.isFile() ? metaOf(path, target) : undefined;
  });
}
