import { assembleOverlay, discoverOverlays, type OverlayEntry, OverlayError, openPart, type Part } from "@usr/overlay";
import { partName } from "@usr/overlay/write";
import { ParquetError } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import { SchemaError } from "@usr/schema";
import type { Storage } from "@usr/storage";
import {
  DERIVED_DIR,
  isArchive,
  isKeptWhole,
  isNamespaceName,
  overlayDir,
  overlayFile,
  overlayName,
  overlayPlace,
} from "../layout.ts";
import { listAll } from "../read/objects.ts";
import { type Advice, isThere, keepOriginal, type Mending } from "./mending.ts";

/**
 * How the overlay that lies at `where` (a file or a folder, relative to the dataset) comes to lie at the one place that bears the name of its
 * namespace. Alone it is renamed. Of several places the parts move, oldest first, into the folder, where each keeps its name and its time; what is
 * there twice in the same bytes is put aside. Only where what they make together can be read; else it says what is in the way.
 */
export const onePlace = async (where: string, storage: Storage, registry: Registry | undefined): Promise<Advice> => {
  const entries = await entriesOf(storage);
  const name = overlayName(where.replace(/\/$/, "/x"));
  const form = where.endsWith("/") ? "parts" : "file";
  const entry = entries.find((other) => other.name === name && other.form === form);
  const [first] = entry === undefined ? [] : await partsOf(storage, entry.objects.slice(0, 1));
  return first === undefined ? {} : await placed(first.namespace, entries, storage, registry);
};

/** The same for a file that the log misses: where it lies in another folder, it comes to where it was written with the rest of its namespace. */
export const broughtBack = async (where: string, storage: Storage, registry: Registry | undefined): Promise<Advice> => {
  const namespace = overlayName(where);
  const name = where.slice(where.lastIndexOf("/") + 1);
  const entries = await entriesOf(storage);
  const elsewhere = entries.find(
    (entry) => entry.name !== namespace && entry.objects.some(({ path }) => path.endsWith(`/${name}`)),
  );
  if (elsewhere === undefined || where !== `${overlayDir(namespace)}${name}`) return {};
  const [first] = await partsOf(storage, elsewhere.objects.slice(0, 1));
  if (first?.namespace !== namespace) return {};
  const { mend } = await placed(namespace, entries, storage, registry);
  return mend === undefined ? {} : { mend };
};

const entriesOf = async (storage: Storage): Promise<readonly OverlayEntry[]> =>
  discoverOverlays(await listAll(storage, DERIVED_DIR, { except: isArchive }));

const placed = async (
  namespace: string,
  entries: readonly OverlayEntry[],
  storage: Storage,
  registry: Registry | undefined,
): Promise<Advice> => {
  const holders: OverlayEntry[] = [];
  for (const entry of entries) {
    const [first] = await partsOf(storage, entry.objects.slice(0, 1));
    if (first?.namespace === namespace) holders.push(entry);
  }
  if (!isNamespaceName(namespace)) return {};
  const occupant = entries.find((entry) => entry.name === namespace && !holders.includes(entry));
  if (occupant !== undefined) {
    const byHand = `Move ${overlayPlace(occupant)} out of _derived, as it holds something else; then: usr doctor DATASET --repair`;
    return { byHand };
  }
  const [only] = holders;
  if (only !== undefined && holders.length === 1) return only.name === namespace ? {} : renamed(only, namespace);
  return await together(namespace, holders, storage, registry);
};

/** A file or folder gets the name of the namespace in it; a part that was taken out of its folder keeps its own there. */
const renamed = (entry: OverlayEntry, namespace: string): Advice => ({
  mend: async (m) => {
    const from = overlayPlace(entry);
    if (entry.form === "file") {
      const inFolder = isPart(entry.name) && !isKeptWhole(namespace);
      const to = inFolder ? `${overlayDir(namespace)}${entry.name}.parquet` : overlayFile(namespace);
      if (await isThere(m.storage, from)) await m.storage.rename(from, to);
      return;
    }
    for (const { path } of await listAll(m.storage, from))
      await m.storage.rename(path, `${overlayDir(namespace)}${path.slice(from.length)}`);
    await prune(m);
  },
});

/** All parts of several places in one folder. */
const together = async (
  namespace: string,
  holders: readonly OverlayEntry[],
  storage: Storage,
  registry: Registry | undefined,
): Promise<Advice> => {
  const places = holders.map(overlayPlace).join(" and ");
  const refused = (reason: string): Advice => ({
    byHand: `Keep one of ${places} and move the others out of _derived. They cannot be put together: ${reason}`,
  });
  if (isKeptWhole(namespace)) return refused(`${namespace} is kept in one file.`);
  const objects = holders.flatMap((entry) => entry.objects);
  const parts = await partsOf(storage, objects);
  if (parts.length < objects.length) return refused("a file of them cannot be read.");
  const stranger = parts.find((part) => part.namespace !== namespace);
  if (stranger !== undefined) return refused(`${stranger.path} is of ${stranger.namespace}.`);
  const distinct = new Map<string, Part>();
  const again: string[] = [];
  // What bears its own name already stays; else the first of the same name is the one that moves.
  const isHome = (part: Part): boolean => part.path === `${overlayDir(namespace)}${part.name}`;
  for (const part of [...parts.filter(isHome), ...parts.filter((other) => !isHome(other))]) {
    const known = distinct.get(part.name);
    if (known === undefined) distinct.set(part.name, part);
    else if (await sameBytes(storage, known.path, part.path)) again.push(part.path);
    else return refused(`${known.path} and ${part.path} have one name and differ.`);
  }
  const whole = [...distinct.values()];
  try {
    assembleOverlay([{ name: namespace, form: "parts", objects }], whole, registry?.namespaces.get(namespace));
  } catch (error) {
    if (error instanceof OverlayError || error instanceof SchemaError) return refused(error.message);
    throw error;
  }
  const moving = whole.filter((part) => !isHome(part)).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  return {
    mend: async (m) => {
      for (const path of again) await keepOriginal(m, path);
      for (const { path, name, createdAt } of moving) {
        const kept = isPart(name) ? name : partName(createdAt / 1000n, m.uuid());
        if (await isThere(m.storage, path)) await m.storage.rename(path, `${overlayDir(namespace)}${kept}`);
      }
      await prune(m);
    },
  };
};

const isPart = (name: string): boolean => name.startsWith("part-");

/** Folders that hold nothing go: other programs may take one for an overlay. */
const prune = async ({ storage }: Mending): Promise<void> => await storage.prune?.(DERIVED_DIR.slice(0, -1));

/** What can be opened of the objects. */
const partsOf = async (storage: Storage, objects: OverlayEntry["objects"]): Promise<readonly Part[]> => {
  const parts: Part[] = [];
  for (const { path } of objects) {
    await using handle = await storage.open(path);
    if (handle === undefined) continue;
    try {
      parts.push(await openPart(handle, { path }));
    } catch (error) {
      if (!(error instanceof OverlayError) && !(error instanceof ParquetError)) throw error;
    }
  }
  return parts;
};

const CHUNK = 1 << 20;

const sameBytes = async (storage: Storage, a: string, b: string): Promise<boolean> => {
  await using left = await storage.open(a);
  await using right = await storage.open(b);
  if (left === undefined || right === undefined || left.meta.size !== right.meta.size) return false;
  const { size } = left.meta;
  for (let at = 0; at < size; at += CHUNK) {
    const length = Math.min(CHUNK, size - at);
    const [one, other] = await Promise.all([left.read(at, length), right.read(at, length)]);
    if (one.some((byte, i) => byte !== other[i])) return false;
  }
  return true;
};
