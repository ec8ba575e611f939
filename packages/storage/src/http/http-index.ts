import { StorageError } from "../error.ts";
import { parsePath } from "../path.ts";
import type { ObjectMeta } from "../types.ts";

/** A JSON array of `{path, size, etag, modifiedMs?}`; anything else is an error that names the entry. */
export async function parseIndex(response: Response, name: string): Promise<readonly ObjectMeta[]> {
  let json: unknown;
  try {
    json = await response.json();
  } catch (error) {
    throw invalid(name, "it is no JSON", error);
  }
  if (!Array.isArray(json)) throw invalid(name, "it is no array");
  return json.map((entry: unknown, n) => parseEntry(entry, n, name));
}

function parseEntry(entry: unknown, n: number, name: string): ObjectMeta {
  const broken = (problem: string): StorageError => invalid(name, `entry ${n} ${problem}`);
  if (typeof entry !== "object" || entry === null) throw broken("is no object");
  if (!("path" in entry) || typeof entry.path !== "string") throw broken("has no path");
  if (!("size" in entry) || typeof entry.size !== "number" || !Number.isSafeInteger(entry.size) || entry.size < 0) {
    throw broken("has no whole size");
  }
  if (!("etag" in entry) || typeof entry.etag !== "string") throw broken("has no etag");
  const meta = { path: parsePath(entry.path), size: entry.size, etag: entry.etag };
  if (!("modifiedMs" in entry)) return meta;
  if (typeof entry.modifiedMs !== "number") throw broken("has a modifiedMs that is no number");
  return { ...meta, modifiedMs: entry.modifiedMs };
}

function invalid(name: string, problem: string, cause?: unknown): StorageError {
  return new StorageError("IO", `The index ${name} cannot be used: ${problem}.`, {
    hint: "It must be a JSON array of objects with path, size and etag.",
    details: { name },
    cause,
  });
}
