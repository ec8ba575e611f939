import type { ListOptions, ObjectMeta, ReadableStorage, Signal } from "@usr/storage";
import { isDatasetId, suggestIds } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { DERIVED_DIR, isArchive, RECORDS } from "../layout.ts";

/**
 * The datasets among the objects of a root, with the objects of each (paths relative to the dataset), by id. A folder is a dataset when it
 * holds a base table and its path is a legal id; what lies inside a dataset is part of it, never a dataset.
 */
export function groupDatasets(listing: Iterable<ObjectMeta>): ReadonlyMap<string, readonly ObjectMeta[]> {
  const objects = [...listing];
  const ids = new Set<string>();
  for (const { path } of objects) {
    if (!path.endsWith(`/${RECORDS}`)) continue;
    const id = path.slice(0, -RECORDS.length - 1);
    if (isDatasetId(id)) ids.add(id);
  }
  const grouped = new Map<string, ObjectMeta[]>();
  for (const id of [...ids].sort(byCodeUnits)) {
    const folder = id.split("/")[0]!;
    if (folder === id || !ids.has(folder)) grouped.set(id, []);
  }
  for (const meta of objects) {
    const [first, second] = meta.path.split("/", 2);
    const id = grouped.has(first!) ? first! : `${first}/${second}`;
    grouped.get(id)?.push({ ...meta, path: meta.path.slice(id.length + 1) });
  }
  return grouped;
}

/** Whether a folder of a root is neither one of a dataset nor one that datasets lie in. */
function hasNoBase(folder: string): boolean {
  return !isDatasetId(folder.slice(0, -1));
}

/**
 * Whether no base table and no part lies in a folder of a root or below it. A root may be a home: what others keep there, thousands of folders deep, is
 * not looked at.
 */
export function hasNoData(folder: string): boolean {
  if (!hasNoBase(folder)) return false;
  const [first = "", second = ""] = folder.split("/");
  return ![first, `${first}/${second}`].some((id) => {
    const inside = folder.slice(id.length + 1);
    return isDatasetId(id) && folder.startsWith(`${id}/${DERIVED_DIR}`) && !isArchive(inside);
  });
}

/** The ids of the datasets of a root, in code unit order. A folder that cannot be listed is an error, unless somebody is told of it. */
export async function datasetIds(
  storage: ReadableStorage,
  o: Pick<ListOptions, "signal" | "onUnreachable"> = {},
): Promise<readonly string[]> {
  const found: ObjectMeta[] = [];
  for await (const meta of storage.list("", { ...o, except: hasNoBase }))
    if (meta.path.endsWith(`/${RECORDS}`)) found.push(meta);
  return [...groupDatasets(found).keys()];
}

/** The error for an id that no dataset has, with what was probably meant as its hint. */
export async function datasetNotFound(storage: ReadableStorage, id: string, o: Signal = {}): Promise<DatasetError> {
  // Only suggestions: what cannot be listed has none to give.
  const suggestions = suggestIds(id, await datasetIds(storage, { ...o, onUnreachable: () => {} }));
  return new DatasetError("DATASET_NOT_FOUND", `There is no dataset ${id}.`, {
    hint:
      suggestions.length > 0
        ? `Did you mean ${suggestions.join(" or ")}? Ids are exact.`
        : "List the datasets of the root with: usr ls",
    details: { dataset: id, suggestions },
  });
}

/** The error for a namespace of which a dataset has no overlay; `held` are those of which it has one. */
export function overlayNotFound(id: string, namespace: string, held: readonly string[]): DatasetError {
  return new DatasetError("NAMESPACE_NOT_FOUND", `${id} has no overlay of the namespace ${namespace}`, {
    hint: `Its overlays are: ${held.join(", ") || "none"}.`,
    details: { dataset: id, namespace },
  });
}

/** Text order that no locale changes. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
