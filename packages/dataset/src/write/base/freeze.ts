import type { ParquetFile, RowGroup } from "@usr/parquet";
import { chunkOf, openParquet } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import { canonicalRegistry } from "@usr/registry";
import type { ReadableStorage } from "@usr/storage";
import { frozenRegistryPath, RECORDS, REGISTRY_HASH } from "../../layout.ts";
import { baseTable } from "../../read/base.ts";
import { readText } from "../../read/objects.ts";
import type { Commit, Publish, Staged, Transaction } from "../types.ts";
import { stageAfterGroups } from "./append.ts";
import { stamped, wholeSchema } from "./shape.ts";

export interface FreezePlan {
  readonly steps: readonly Publish[];
  /** The restamped base, where stamping was needed. */
  readonly base: Staged | undefined;
  readonly event: Pick<Commit, "action" | "args" | "metrics" | "artifacts" | "maintenance"> | undefined;
}

export const NO_FREEZE: FreezePlan = { steps: [], base: undefined, event: undefined };

/**
 * What makes the current registry version part of the dataset: `_registry/registry.<hash>.yaml` and, with `stamp`, the hash in the
 * base's metadata. Stamping copies bytes and writes a footer. Nothing to do = no steps, no event.
 */
export const planFreeze = async (tx: Transaction, what: "stamp" | "copy"): Promise<FreezePlan> => {
  const path = frozenRegistryPath(tx.registryHash);
  const steps: Publish[] = [];
  if (await lacksCopy(tx.storage, tx.registry, tx.registryHash)) {
    const staged = await tx.stage(new TextEncoder().encode(canonicalRegistry(tx.registry)));
    steps.push({ kind: "publish", from: staged.path, to: path });
  }
  const stamps = what === "stamp" && (await lacksStamp(tx.storage, tx.id, tx.registryHash));
  const base = stamps ? await restamp(tx) : undefined;
  if (base !== undefined) steps.push({ kind: "publish", from: base.path, to: RECORDS });
  if (steps.length === 0) return NO_FREEZE;
  return {
    steps,
    base,
    event: {
      action: "registry_freeze",
      args: { registry_hash: tx.registryHash, snapshot: path, auto: true },
      metrics: { updated: base === undefined ? 0 : 1 },
      artifacts: { registry_snapshot: path },
    },
  };
};

/**
 * Whether the dataset lacks the frozen copy (a copy whose content is not what its name says counts as lacking: the name tells what
 * the content has to be) and whether its base names another registry. Throws what `baseTable` throws.
 */
export const freezeNeeds = async (
  storage: ReadableStorage,
  id: string,
  registry: Registry,
  hash: string,
): Promise<{ readonly copy: boolean; readonly stamp: boolean }> => ({
  copy: await lacksCopy(storage, registry, hash),
  stamp: await lacksStamp(storage, id, hash),
});

const lacksCopy = async (storage: ReadableStorage, registry: Registry, hash: string): Promise<boolean> =>
  (await readText(storage, frozenRegistryPath(hash))) !== canonicalRegistry(registry);

const lacksStamp = async (storage: ReadableStorage, id: string, hash: string): Promise<boolean> => {
  await using handle = await storage.open(RECORDS);
  if (handle === undefined) return false;
  return baseTable(handle.meta, await openParquet(handle), id).registryHash !== hash;
};

const restamp = async (tx: Transaction): Promise<Staged | undefined> => {
  await using handle = await tx.storage.open(RECORDS);
  if (handle === undefined) return undefined;
  const file = await openParquet(handle);
  const schema = stamped(wholeSchema(file, tx.id), [[REGISTRY_HASH, tx.registryHash]]);
  // Awaited here: the handle must stay open until the last byte is copied.
  return await stageAfterGroups(tx, baseTable(handle.meta, file, tx.id), schema, file.rowGroups.length, []);
};

/** Every row group of a file, by reference: bytes are copied, nothing is decoded. */
export function* passThrough(file: ParquetFile): Generator<RowGroup> {
  for (const [index, group] of file.rowGroups.entries()) {
    yield { numRows: group.numRows, columns: file.schema.fields.map(({ name }) => chunkOf(file, index, name)) };
  }
}
