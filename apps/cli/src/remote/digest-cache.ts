import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DigestCache } from "@usr/remotes";
import { writeOutput } from "../output.ts";
import type { Session } from "../session.ts";

/** More than that many files are not remembered; the oldest go first. */
const MOST = 200_000;

export interface StoredDigests extends AsyncDisposable {
  /** The part of one root. `name` says where it lies: a digest of one place says nothing about another. */
  of(name: string): DigestCache;
}

/**
 * Digests of earlier runs, in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`): a file that has the same etag and size needs not be
 * read again. Disposing writes what was learnt. A cache that cannot be read or written costs time and nothing else.
 */
export const openDigests = async ({ environment: { variables } }: Session): Promise<StoredDigests> => {
  const folder =
    variables["XDG_CACHE_HOME"] ?? (variables["HOME"] === undefined ? undefined : join(variables["HOME"], ".cache"));
  const path = folder === undefined ? undefined : join(folder, "usr", "digests.json");
  const known = path === undefined ? new Map<string, string>() : await load(path);
  let learnt = false;
  return {
    of: (name) => ({
      get: (_site, file, etag, size) => known.get(keyOf(name, file, etag, size)),
      set(_site, file, etag, size, sha256): void {
        known.set(keyOf(name, file, etag, size), sha256);
        learnt = true;
      },
    }),
    async [Symbol.asyncDispose](): Promise<void> {
      if (learnt && path !== undefined) await save(path, known).catch(() => undefined);
    },
  };
};

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

const load = async (path: string): Promise<Map<string, string>> => {
  const known = new Map<string, string>();
  try {
    const entries: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof entries !== "object" || entries === null) return known;
    for (const [key, sha256] of Object.entries(entries))
      if (typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256)) known.set(key, sha256);
  } catch {
    // Absent or spoilt: digests are computed anew.
  }
  return known;
};

const save = async (path: string, known: ReadonlyMap<string, string>): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const kept = [...known].slice(-MOST);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(Object.fromEntries(kept)));
  }
  await writeOutput(path, bytes(), new AbortController().signal);
};
