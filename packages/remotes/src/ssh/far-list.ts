import { comparePaths, parsePath, type Signal, StorageError } from "@usr/storage";
import { isTemporary, prefixFolder } from "@usr/storage/adapter";
import { okText } from "./far-error.ts";
import type { FarOptions } from "./far-storage.ts";
import { type FarMeta, parseItem, parseMeta } from "./meta.ts";

/** What lies at the other end under a prefix, each list sorted. */
export interface FarListing {
  readonly files: readonly FarMeta[];
  /** Writes in flight, or what they left. */
  readonly temporaries: readonly FarMeta[];
  /** How many names can be spelt by no path: they are no objects. */
  readonly unspeakable: number;
}

/** One round trip; one more where there are symbolic links. */
export async function listFar(o: FarOptions, prefix: string, s: Signal): Promise<FarListing> {
  const folder = prefixFolder(prefix);
  const reply = await o.connection.ask("list", [folder === "" ? "." : folder], s);
  okText(reply, o.label, folder === "" ? "the root" : folder);
  const found: FarMeta[] = [];
  const links: string[] = [];
  let unspeakable = 0;
  for (const item of reply.items) {
    const one = parseItem(item, o.label);
    if (one === undefined || !isSpeakable(one.path)) unspeakable++;
    else if (!one.path.startsWith(prefix)) continue;
    else if (one.far === undefined) links.push(one.path);
    else found.push(one.far);
  }
  const resolved = await Promise.all(links.map((path) => resolveLink(o, path, s)));
  const all = [...found, ...resolved.filter((meta) => meta !== undefined)].sort((a, b) =>
    comparePaths(a.meta.path, b.meta.path),
  );
  return {
    files: all.filter(({ meta }) => !isTemporary(meta.path)),
    temporaries: all.filter(({ meta }) => isTemporary(meta.path)),
    unspeakable,
  };
}

/** A link to a file inside the root shows that file; one that leaves the root is listed as itself: opening it says what is wrong. */
async function resolveLink(o: FarOptions, path: string, s: Signal): Promise<FarMeta | undefined> {
  const reply = await o.connection.ask("open", [path, 0], s);
  if (reply.code === "NOT_FOUND") return undefined;
  if (reply.code === "PATH_INVALID") return { identity: "", meta: { path, size: 0, etag: "link" } };
  return parseMeta(path, okText(reply, o.label, path));
}

function isSpeakable(path: string): boolean {
  try {
    parsePath(path);
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}
