/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** Where the golden roots and vectors lie on disk, with a final `/`. They are never written to: copy a root to change it. */
export const GOLDEN_PATH: string = fileURLToPath(new URL("../fixtures/golden/", import.meta.url));

/** One dataset of one golden root, and what reading it must give. */
export interface GoldenDataset {
  readonly root: string;
  readonly dataset: string;
  /** Entry of `expected/info.json`; `undefined` for a refused dataset. */
  readonly info: Readonly<Record<string, unknown>> | undefined;
  /** `expected/error.json` where a read of this dataset must be refused. */
  readonly error: { readonly code: string; readonly gist: string } | undefined;
  /** Lines of the merged view: without deleted rows, with them, without overlays; `undefined` where none is stored. */
  readonly rows: readonly string[] | undefined;
  readonly rowsWithDeleted: readonly string[] | undefined;
  readonly rowsOfBase: readonly string[] | undefined;
}

/** Names of the golden roots, sorted. */
export function goldenRoots(): readonly string[] {
  const entries = readdirSync(GOLDEN_PATH, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

/** The directory of a golden root on disk. */
export const goldenPath = (root: string): string => join(GOLDEN_PATH, root);

/** The datasets of a golden root. */
export function goldenDatasets(root: string): readonly GoldenDataset[] {
  const infos: Readonly<Record<string, Readonly<Record<string, unknown>>>> = readJson(root, "info.json") ?? {};
  const error: (GoldenDataset["error"] & { readonly dataset: string }) | undefined = readJson(root, "error.json");
  const names = new Set([...Object.keys(infos), ...(error === undefined ? [] : [error.dataset])]);
  return [...names].sort().map((dataset) => {
    const rows = (kind: string): readonly string[] | undefined =>
      readLines(root, `${dataset.replace("/", "__")}${kind}.ndjson`);
    return {
      root,
      dataset,
      info: infos[dataset],
      error: error?.dataset === dataset ? error : undefined,
      rows: rows(""),
      rowsWithDeleted: rows(".deleted"),
      rowsOfBase: rows(".base"),
    };
  });
}

/** Puts the files of a golden root, without `expected/`, into a storage, e.g. `memoryStorage()` of `@usr/storage`. */
export async function loadGolden(
  root: string,
  storage: { put(path: string, body: Uint8Array): Promise<unknown> },
): Promise<void> {
  const top = goldenPath(root);
  for (const entry of readdirSync(top, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(top.length + 1);
    if (!entry.isFile() || path.startsWith("expected/")) continue;
    await storage.put(path, new Uint8Array(readFileSync(join(top, path))));
  }
}

const readExpected = (root: string, name: string): string | undefined => {
  const folder = join(goldenPath(root), "expected");
  const found = readdirSync(folder).find((file) => file === name || file === `${name}.gz`);
  if (found === undefined) return undefined;
  const bytes = readFileSync(join(folder, found));
  return (found.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
};

/** The caller names the shape: these files are committed beside this one. */
const readJson = <T>(root: string, name: string): T | undefined => {
  const text = readExpected(root, name);
  return text === undefined ? undefined : JSON.parse(text);
};

const readLines = (root: string, name: string): readonly string[] | undefined =>
  readExpected(root, name)
    ?.split("\n")
    .filter((line) => line !== "");
