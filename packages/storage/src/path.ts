import { StorageError } from "./error.ts";

/** Control characters and lone surrogates: neither survives every file system, URL and terminal unchanged. */
const UNSAFE = /[\p{Cc}\p{Cs}]/u;
const TEMPORARY = /^\..*\.tmp$/u;

/**
 * The path itself, if it is a legal one: relative, `/`-separated, every segment non-empty and neither `.` nor `..`, no backslash, no control
 * character, no lone surrogate. Anything else is a `StorageError` `PATH_INVALID`. A path that passed is never checked again.
 */
export function parsePath(path: string): string {
  const reason = problemOf(path);
  if (reason === undefined) return path;
  throw new StorageError("PATH_INVALID", `${JSON.stringify(path)} is no storage path: ${reason}.`, {
    hint: "Use a relative path with / between the names.",
    details: { path },
  });
}

/** As {@link parsePath}, for a path that is about to be written: the names of writes in flight (`.*.tmp`) are reserved. */
export function parseTarget(path: string): string {
  parsePath(path);
  if (!isTemporary(path)) return path;
  throw new StorageError("PATH_INVALID", `${JSON.stringify(path)} is a name reserved for writes in flight.`, {
    hint: "Choose a name that does not start with a dot and end in .tmp.",
    details: { path },
  });
}

/** The folder part of a listing prefix (up to the last `/`, without it; `""` = the root), checked as a path. */
export function prefixFolder(prefix: string): string {
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
  if (folder !== "" || prefix.startsWith("/")) parsePath(folder);
  return folder;
}

/** Whether the last segment is the name of a write in flight, which no listing shows. */
export function isTemporary(path: string): boolean {
  return TEMPORARY.test(path.slice(path.lastIndexOf("/") + 1));
}

/** Code point order (= byte order of the UTF-8 text), the order of every listing. JavaScript's `<` differs beyond U+FFFF. */
export function comparePaths(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates behind U+FFFF, where the code points they spell belong. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function problemOf(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (path.startsWith("/")) return "it is absolute";
  if (path.includes("\\")) return "it holds a backslash";
  if (UNSAFE.test(path)) return "it holds a control character or a lone surrogate";
  for (const segment of path.split("/")) {
    if (segment === "") return "it has an empty segment";
    if (segment === "." || segment === "..") return `it has a ${segment} segment`;
  }
  return undefined;
}
