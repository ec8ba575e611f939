import { comparePaths, parsePath, type Signal, StorageError } from "@usr/storage";
import { isTemporary, prefixFolder } from "@usr/storage/adapter";
import { RemoteError } from "../error.ts";
import { okText } from "./far-error.ts";
import type { FarOptions } from "./far-options.ts";
import { applied, unpack } from "./listing.ts";
import { type FarMeta, parseItem, parseMeta } from "./meta.ts";

/** What lies at the other end under a prefix, each list sorted. */
export interface FarListing {
  readonly files: readonly FarMeta[];
  /** Writes in flight, or what they left. */
  readonly temporaries: readonly FarMeta[];
  /** Whether there are names that no path can spell: they are no objects. */
  readonly unspeakable: boolean;
}

/** One round trip; one more where there are symbolic links. */
export async function listFar(o: FarOptions, prefix: string, s: Signal): Promise<FarListing> {
  const folder = prefixFolder(prefix);
  const lines = await linesOf(o, folder === "" ? "." : folder, s);
  const found: FarMeta[] = [];
  const links: string[] = [];
  let unspeakable = false;
  for (const line of lines) {
    const one = parseItem(line, o.label);
    if (one === undefined || !isSpeakable(one.path)) unspeakable = true;
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

/** The lines of a listing; only those that have changed travel where the folder was listed before. */
async function linesOf(o: FarOptions, folder: string, s: Signal): Promise<ReadonlySet<string>> {
  const known = o.listings.get(folder);
  const reply = await o.connection.ask("list", [folder, known?.number ?? "0"], s);
  const number = okText(reply, o.label, folder === "." ? "the root" : folder);
  const [first, ...rest] = await unpack(reply.items).catch((cause: unknown) => {
    throw new RemoteError("TRANSFER_FAILED", `${o.label} sent a listing that cannot be unpacked.`, { cause });
  });
  if (first === "^" && known === undefined) {
    throw new RemoteError("TRANSFER_FAILED", `${o.label} compares a listing with one it was not told of.`);
  }
  const lines =
    first === "^" ? applied(known?.lines ?? new Set(), rest) : new Set(first === undefined ? [] : [first, ...rest]);
  if (number !== "0") o.listings.set(folder, { number, lines });
  return lines;
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
