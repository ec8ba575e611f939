import { StorageError } from "../error.ts";
import { parsePath } from "../path.ts";
import type { ObjectMeta } from "../types.ts";
import { bodyUpTo } from "./response.ts";

/** Some 400,000 files. What is longer would be taken into memory only to be refused. */
const LARGEST_INDEX = 64 * 2 ** 20;

/** A JSON array of `{path, size, etag, modifiedMs?}`; anything else, and one beyond 64 MiB, is an error that names the entry. */
export async function parseIndex(response: Response, name: string): Promise<readonly ObjectMeta[]> {
  let json: unknown;
  try {
    const bytes = await bodyUpTo(response, LARGEST_INDEX);
    json = bytes && JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw invalid(name, "it is no JSON", error);
  }
  if (json === undefined) throw invalid(name, `it is longer than ${LARGEST_INDEX} bytes`);
  if (!Array.isArray(json)) throw invalid(name, "it is no array");
  return json.map((entry: unknown, n) => parseEntry(entry, n, name));
}

function parseEntry(entry: unknown, n: number, name: string): ObjectMeta {
  const broken = (problem: string): StorageError => invalid(name, `entry ${n} ${problem}`);
  if (!isObject(entry)) throw broken("is no object");
  const { path, size, etag, modifiedMs } = entry;
  if (typeof path !== "string") throw broken("has no path");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw broken("has no whole size");
  if (typeof etag !== "string") throw broken("has no etag");
  const meta = { path: parsePath(path), size, etag };
  if (modifiedMs === undefined) return meta;
  if (typeof modifiedMs !== "number") throw broken("has a modifiedMs that is no number");
  return { ...meta, modifiedMs };
}

interface Entry {
  readonly path?: unknown;
  readonly size?: unknown;
  readonly etag?: unknown;
  readonly modifiedMs?: unknown;
}

function isObject(value: unknown): value is Entry {
  return typeof value === "object" && value !== null;
}

function invalid(name: string, problem: string, cause?: unknown): StorageError {
  return new StorageError("IO", `The index ${name} cannot be used: ${problem}.`, {
    hint: "It must be a JSON array of objects with path, size and etag.",
    details: { name },
    cause,
  });
}
