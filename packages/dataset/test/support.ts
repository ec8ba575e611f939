/// <reference types="node" />

import { jsonRow } from "@usr/formats";
import type { Batch } from "@usr/schema";
import { memoryStorage, type ReadableStorage, type Storage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { type GoldenDataset, goldenDatasets, goldenPath, goldenRoots, loadGolden } from "@usr/testkit";
import { scan } from "../src/index.ts";
import type { Query, Root } from "../src/types.ts";

/** Every dataset of every golden root. */
export const GOLDEN: readonly GoldenDataset[] = goldenRoots().flatMap((root) => goldenDatasets(root));

const inMemory = new Map<string, Promise<Root>>();

/** A golden root copied into memory; shared, so only for reading. */
export function memoryRoot(root: string): Promise<Root> {
  let known = inMemory.get(root);
  if (known === undefined) {
    known = freshRoot(root);
    inMemory.set(root, known);
  }
  return known;
}

/** A golden root copied into memory, to be changed. */
export async function freshRoot(root: string): Promise<Root & { readonly storage: Storage }> {
  const storage = memoryStorage();
  await loadGolden(root, storage);
  return { storage, label: root };
}

/** A golden root where it lies, `expected/` hidden. */
export function diskRoot(root: string): Root {
  return { storage: diskStorage(goldenPath(root)), label: root };
}

export async function batchesOf(root: Root, dataset: string, query?: Query): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of scan(root, dataset, query)) batches.push(batch);
  return batches;
}

/** The rows as the command line prints them. */
export async function linesOf(root: Root, dataset: string, query?: Query): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const batch of scan(root, dataset, query)) {
    for (let row = 0; row < batch.numRows; row++) lines.push(jsonRow(batch, row));
  }
  return lines;
}

/**
 * A row with its key order as data, so that order counts when rows are compared. Times of deletion are compared as instants: the expected rows
 * show the nanoseconds of early files, the expected schema says microseconds, and readers show what the schema says.
 */
export function ordered(line: string): readonly (readonly [string, unknown])[] {
  const row: Readonly<Record<string, unknown>> = JSON.parse(line);
  return Object.entries(row).map(([name, value]) => [
    name,
    name === "usr__deleted_at" && typeof value === "string" ? value.replace(/(\.\d{6})000Z$/, "$1Z") : value,
  ]);
}

/** The code of what `act` throws. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
  return "nothing was thrown";
}

/** A storage that tells what is done with it. */
export function watched(
  storage: ReadableStorage,
  seen: { read(path: string, offset: number, length: number): void },
): ReadableStorage {
  return {
    list: (prefix, o) => storage.list(prefix, o),
    open: async (path, o) => {
      const handle = await storage.open(path, o);
      if (handle === undefined) return undefined;
      return {
        meta: handle.meta,
        read: (offset, length, options) => {
          seen.read(path, offset, length);
          return handle.read(offset, length, options);
        },
        [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
      };
    },
  };
}
