/// <reference types="node" />
import { type ByteSource, openParquet, readBatches, type WriteOptions, writeParquet } from "@usr/parquet";
import { type NamespaceEntry, parseRegistry, type Registry } from "@usr/registry";
import { type Batch, type Column, type DataType, parseType, type Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { memoryStorage, type ReadableStorage, type ReadHandle, readAll, scopedStorage } from "@usr/storage";
import { loadGolden } from "@usr/testkit";
import {
  assembleOverlay,
  buildKeyIndex,
  discoverOverlays,
  type KeyBatch,
  type MergeOptions,
  mergeOverlay,
  type Overlay,
  type OverlayEntry,
  type OverlayKey,
  openPart,
  type Part,
} from "../src/index.ts";

export function bytesSource(bytes: Uint8Array, path: string): ByteSource {
  return { meta: { path, size: bytes.length }, read: async (at, length) => bytes.subarray(at, at + length) };
}

/** One stored column: its type as the registry spells it, or `null` for the one of Arrow that no registry has, and its cells. */
export type Cells = readonly [type: string, values: readonly Value[]];

export interface PartSpec {
  readonly path: string;
  readonly key: OverlayKey | "none";
  readonly createdAt: string | undefined;
  readonly columns: Readonly<Record<string, Cells>>;
  readonly namespace?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly groupRows?: number;
  /** How the file is written. */
  readonly write?: WriteOptions;
}

/** The bytes of a part that says what it is told to say, right or wrong. */
export async function partBytes(spec: PartSpec): Promise<Uint8Array> {
  const metadata = new Map(Object.entries(spec.metadata ?? {}));
  if (spec.key !== "none") metadata.set("usr:overlay_key", spec.key);
  if (spec.createdAt !== undefined) metadata.set("usr:overlay_created_at", spec.createdAt);
  metadata.set("usr:overlay_namespace", spec.namespace ?? "mock");
  const names = Object.keys(spec.columns);
  const cells = names.map((name) => spec.columns[name]!);
  const types = cells.map(([type]): DataType => (type === "null" ? { kind: "null" } : parseType(type)));
  const numRows = cells[0]?.[1].length ?? 0;
  const groupRows = spec.groupRows ?? Math.max(1, numRows);
  const groups: { numRows: number; columns: Column[] }[] = [];
  for (let at = 0; at < Math.max(1, numRows); at += groupRows) {
    const rows = Math.min(groupRows, numRows - at);
    groups.push({
      numRows: rows,
      columns: cells.map(([, values], i) => columnOf(types[i]!, values.slice(at, at + rows))),
    });
  }
  const fields = names.map((name, i) => ({ name, type: types[i]!, nullable: true }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeParquet({ fields, metadata }, groups, spec.write)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

export async function makePart(spec: PartSpec): Promise<Part> {
  return openPart(bytesSource(await partBytes(spec), spec.path));
}

export function entryOf(parts: readonly { readonly path: string }[]): readonly OverlayEntry[] {
  return discoverOverlays(parts.map(({ path }) => ({ path, size: 1, etag: "1" })));
}

export function registered(namespace: string, columns: Readonly<Record<string, string>>): NamespaceEntry {
  return {
    namespace,
    owner: "",
    description: "",
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
  };
}

export async function overlayOf(
  specs: readonly PartSpec[],
  columns: Readonly<Record<string, string>>,
): Promise<Overlay> {
  const parts = await Promise.all(specs.map(makePart));
  return assembleOverlay(entryOf(specs), parts, registered(specs[0]?.namespace ?? "mock", columns));
}

const STRING: DataType = { kind: "string" };

export function baseBatch(columns: Readonly<Record<string, readonly (string | null)[]>>, startRow?: number): KeyBatch {
  const names = Object.keys(columns);
  const batch: Batch = {
    schema: { fields: names.map((name) => ({ name, type: STRING, nullable: true })), metadata: new Map() },
    columns: names.map((name) => columnOf(STRING, columns[name]!)),
    numRows: columns[names[0]!]!.length,
  };
  return { ...batch, startRow };
}

export function idBase(ids: readonly (string | null)[], chunk = 1000): readonly KeyBatch[] {
  const batches: KeyBatch[] = [];
  for (let at = 0; at < ids.length; at += chunk) batches.push(baseBatch({ id: ids.slice(at, at + chunk) }));
  return batches;
}

export function sequenceBase(
  sequences: readonly (string | null)[],
  alphabet = "dna_4",
  bioType = "dna",
): readonly KeyBatch[] {
  return [
    baseBatch({
      sequence: sequences,
      bio_type: sequences.map(() => bioType),
      alphabet: sequences.map(() => alphabet),
    }),
  ];
}

/** The merged rows, read in ranges of `step`. */
export async function mergedRows(
  overlay: Overlay,
  base: readonly KeyBatch[],
  columns: readonly string[],
  step = 7,
  limits: Pick<MergeOptions, "sortBytes" | "smallPartBytes"> = {},
): Promise<readonly (readonly Value[])[]> {
  const index = await buildKeyIndex(overlay.key, base);
  await using cursor = mergeOverlay(overlay, index, { columns, ...limits });
  const rows: Value[][] = [];
  for (let start = 0; start < index.numRows; start += step) {
    const end = Math.min(index.numRows, start + step);
    const merged = await cursor.read(start, end);
    for (let row = 0; row < end - start; row++) rows.push(merged.map((column) => valueAt(column, row)));
  }
  return rows;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A dataset of the golden roots, in memory. */
export async function goldenDataset(
  root: string,
  dataset: string,
): Promise<{
  readonly registry: Registry;
  readonly entries: readonly OverlayEntry[];
  readonly open: (entry: OverlayEntry) => Promise<readonly Part[]>;
  readonly base: (columns: readonly string[]) => Promise<readonly KeyBatch[]>;
}> {
  const storage = memoryStorage();
  await loadGolden(root, storage);
  const folder = scopedStorage(storage, dataset);
  const handle = async (from: ReadableStorage, path: string): Promise<ReadHandle> => {
    const found = await from.open(path);
    if (found === undefined) throw new Error(`${root}/${dataset} has no ${path}`);
    return found;
  };
  const text = new TextDecoder().decode(await readAll(await handle(storage, "registry.yaml")));
  return {
    registry: await parseRegistry(text),
    entries: discoverOverlays(await collect(folder.list("_derived/"))),
    open: (entry) => Promise.all(entry.objects.map(async ({ path }) => openPart(await handle(folder, path)))),
    base: async (columns) => {
      const file = await openParquet(await handle(folder, "records.parquet"));
      return collect(readBatches(file, { columns }));
    },
  };
}
