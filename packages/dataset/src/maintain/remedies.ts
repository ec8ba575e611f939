import { openPart } from "@usr/overlay";
import { partName } from "@usr/overlay/write";
import { canonicalRegistry, type Registry, registryHash } from "@usr/registry";
import type { Storage } from "@usr/storage";
import {
  ARCHIVED_DIR,
  DERIVED_DIR,
  frozenRegistryHash,
  frozenRegistryPath,
  overlayDir,
  overlayFile,
  overlayName,
  PINS_FILE,
  SNAPSHOTS_DIR,
  STATE_NAMESPACE,
  TOMBSTONE_NAMESPACE,
} from "../layout.ts";
import { listAll } from "../read/objects.ts";
import { encodeMarks, readMarks } from "../read/snapshot-marks.ts";
import type { Problem } from "../types.ts";
import { fileStamp } from "../write/commit/auto-snapshot.ts";

/** What a remedy works with, under the dataset lock. */
export interface Mending {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly nowUs: bigint;
  /** A fresh uuid4 as 32 lowercase hex digits. */
  readonly uuid: () => string;
}

/** Mends one problem; safe to repeat. What it replaces is kept in `_derived/_archived/`. */
export type Remedy = (m: Mending) => Promise<void>;

/**
 * How a problem that `validate` reports is mended (`where` relative to the dataset); `undefined` = it takes somebody who knows what the data
 * should be. Looks, and changes nothing.
 */
export const remedyFor = async (
  problem: Pick<Problem, "code" | "where">,
  storage: Storage,
  registry: Registry | undefined,
): Promise<Remedy | undefined> => {
  const { code, where } = problem;
  switch (code) {
    case "OVERLAY_BOTH_FORMS":
      return joinForms(where, storage);
    case "NAME_MISMATCH":
      return rename(where, storage);
    case "SNAPSHOT_NOT_FOUND":
      return dropPins;
    case "NO_REGISTRY":
    case "CORRUPT":
    case "REGISTRY_INVALID":
      if (where === PINS_FILE) return dropPins;
      if (registry === undefined) return undefined;
      return frozenRegistryHash(where) === (await registryHash(registry)) ? freezeAgain : undefined;
    default:
      return undefined;
  }
};

/** A namespace that lies as file and as folder: the file becomes one more part, its bytes and its time unchanged. */
const joinForms = async (where: string, storage: Storage): Promise<Remedy | undefined> => {
  const namespace = overlayName(where.replace(/\/$/, "/x"));
  const path = overlayFile(namespace);
  const isReserved = namespace === TOMBSTONE_NAMESPACE || namespace === STATE_NAMESPACE;
  if (isReserved || (await listAll(storage, overlayDir(namespace))).length === 0) return undefined;
  const createdAt = await createdAtOf(storage, path, namespace);
  if (createdAt === undefined) return undefined;
  return async (m) => {
    if (await isThere(m.storage, path))
      await m.storage.rename(path, `${overlayDir(namespace)}${partName(createdAt / 1000n, m.uuid())}`);
  };
};

const createdAtOf = async (storage: Storage, path: string, namespace: string): Promise<bigint | undefined> => {
  const handle = await storage.open(path);
  if (handle === undefined) return undefined;
  await using opened = handle;
  const part = await openPart(opened, { path });
  return part.namespace === namespace ? part.createdAt : undefined;
};

/** A file or folder gets the name of the namespace in it, where that name is free. */
const rename = async (where: string, storage: Storage): Promise<Remedy | undefined> => {
  const isFolder = where.endsWith("/");
  const [first] = isFolder ? await listAll(storage, where) : [{ path: where }];
  const handle = first === undefined ? undefined : await storage.open(first.path);
  if (first === undefined || handle === undefined) return undefined;
  await using opened = handle;
  const { namespace } = await openPart(opened, { path: first.path });
  if (!/^[a-z][a-z0-9_]*$/.test(namespace)) return undefined;
  const taken =
    (await isThere(storage, overlayFile(namespace))) || (await listAll(storage, overlayDir(namespace))).length > 0;
  if (taken) return undefined;
  return async (m) => {
    if (!isFolder) return m.storage.rename(where, overlayFile(namespace));
    for (const { path } of await listAll(m.storage, where))
      await m.storage.rename(path, `${overlayDir(namespace)}${path.slice(where.length)}`);
    await m.storage.prune?.(DERIVED_DIR.slice(0, -1));
  };
};

/** Pins name what is there and nothing else; a file that cannot be read makes room for one that can. */
const dropPins: Remedy = async (m) => {
  const there = new Set((await listAll(m.storage, SNAPSHOTS_DIR)).map(({ path }) => path.slice(SNAPSHOTS_DIR.length)));
  const marks = await readMarks(m.storage).catch(() => ({ pinned: [], manual: [] }));
  await keepOriginal(m, PINS_FILE);
  const left = (names: readonly string[]): readonly string[] => names.filter((name) => there.has(name));
  await m.storage.put(PINS_FILE, encodeMarks({ pinned: left(marks.pinned), manual: left(marks.manual) }));
};

/** The frozen copy of today's registry, whose name says what it has to be. */
const freezeAgain: Remedy = async (m) => {
  const path = frozenRegistryPath(await registryHash(m.registry));
  await keepOriginal(m, path);
  await m.storage.put(path, new TextEncoder().encode(canonicalRegistry(m.registry)));
};

/** Moves a file to where nothing reads it, if it is there. */
export const keepOriginal = async ({ storage, nowUs }: Mending, path: string): Promise<void> => {
  // Without the dot of staged files: what is kept is no debris.
  const name = path.replace(/^\./, "");
  if (await isThere(storage, path)) await storage.rename(path, `${ARCHIVED_DIR}repair-${fileStamp(nowUs)}/${name}`);
};

const isThere = async (storage: Storage, path: string): Promise<boolean> => {
  const handle = await storage.open(path);
  await handle?.[Symbol.asyncDispose]();
  return handle !== undefined;
};
