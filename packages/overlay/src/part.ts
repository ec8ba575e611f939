import { type ByteSource, type DecodeLimits, openParquet } from "@usr/parquet";
import { parseTimestamp } from "@usr/schema";
import type { Signal } from "@usr/storage";
import { OverlayError } from "./error.ts";
import type { CompactedSource, OverlayKey, Part } from "./types.ts";

export interface OpenPartOptions extends Signal {
  /** Where the part lies, relative to the dataset; absent = the path the source knows. */
  readonly path?: string | undefined;
  readonly limits?: DecodeLimits | undefined;
  /** A part opened before, of the same overlay most likely: what the two have in common is held once. */
  readonly like?: Part | undefined;
}

/**
 * Reads footer and metadata of one overlay file; the rows stay where they are. The source must stay open as long as the part is used.
 *
 * @throws OverlayError `MISSING_METADATA` where key or created_at are missing or unreadable, `CORRUPT` where `usr:compacted_from` is
 * @throws ParquetError where the file is none
 */
export async function openPart(source: ByteSource, o: OpenPartOptions = {}): Promise<Part> {
  const path = o.path ?? source.meta.path ?? "";
  const { signal, limits, like } = o;
  const file = await openParquet(source, { signal, limits, like: like?.file });
  const { metadata } = file.schema;
  const name = path.slice(path.lastIndexOf("/") + 1);

  const key = metadata.get("usr:overlay_key");
  if (!isOverlayKey(key))
    throw missing(path, metadata, "usr:overlay_key", "id, sequence, sequence_norm or sequence_ci");
  const createdAtText = metadata.get("usr:overlay_created_at") ?? "";
  const createdAt = parseTimestamp(createdAtText);
  if (createdAt?.hasZone !== true) throw missing(path, metadata, "usr:overlay_created_at", "a time with a zone");
  const compacted = metadata.get("usr:compacted_from");
  return {
    path,
    name,
    namespace: metadata.get("usr:overlay_namespace") || stemOf(path, name),
    key,
    createdAt: createdAt.epochNs,
    createdAtText,
    file,
    columns:
      like?.file.columnNames === file.columnNames && like.key === key
        ? like.columns
        : file.columnNames.filter((column) => column !== key),
    registryHash: metadata.get("usr:registry_hash") || undefined,
    contractHash: metadata.get("usr:namespace_contract_hash") || undefined,
    eventId: metadata.get("usr:event_id") || undefined,
    compactedFrom: compacted === undefined ? undefined : parseCompactedFrom(compacted, path),
  };
}

function missing(path: string, metadata: ReadonlyMap<string, string>, what: string, wanted: string): OverlayError {
  const found = metadata.get(what);
  const message =
    found === undefined
      ? `${path} carries no ${what}.`
      : `${path} carries ${what} ${JSON.stringify(found)}, which is not ${wanted}.`;
  return new OverlayError("MISSING_METADATA", message, {
    hint: "Restore the part from where it was copied, or move it out of _derived.",
    details: { file: path, metadata: what, value: found },
  });
}

function isOverlayKey(text: string | undefined): text is OverlayKey {
  return text === "id" || text === "sequence" || text === "sequence_norm" || text === "sequence_ci";
}

/** The namespace that the place of a file says: the folder below `_derived`, else the stem. */
function stemOf(path: string, name: string): string {
  const folder = path.split("/").at(-2);
  if (name.startsWith("part-") && folder !== undefined && folder !== "_derived") return folder;
  return name.endsWith(".parquet") ? name.slice(0, -".parquet".length) : name;
}

function parseCompactedFrom(text: string, path: string): readonly CompactedSource[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw badCompactedFrom(path, "it is not JSON", cause);
  }
  if (!Array.isArray(list)) throw badCompactedFrom(path, "it is not a list");
  return list.map((item: unknown, at) => {
    const source = compactedSource(item);
    if (source === undefined) throw badCompactedFrom(path, `entry ${at + 1} is not {name, created_at, sha256}`);
    return source;
  });
}

function compactedSource(item: unknown): CompactedSource | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  if (!("name" in item) || !("created_at" in item) || !("sha256" in item)) return undefined;
  const { name, created_at: createdAt, sha256 } = item;
  if (typeof name !== "string" || name === "" || typeof createdAt !== "string" || typeof sha256 !== "string")
    return undefined;
  if (parseTimestamp(createdAt)?.hasZone !== true || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return { name, createdAt, sha256 };
}

function badCompactedFrom(path: string, reason: string, cause?: unknown): OverlayError {
  return new OverlayError("CORRUPT", `${path} carries a usr:compacted_from that cannot be read: ${reason}.`, {
    hint: "Restore the part from where it was copied.",
    details: { file: path, metadata: "usr:compacted_from" },
    cause,
  });
}
