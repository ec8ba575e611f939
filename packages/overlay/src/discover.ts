import { comparePaths, type ObjectMeta } from "@usr/storage";
import type { OverlayEntry } from "./types.ts";

const DERIVED = "_derived/";
const SUFFIX = ".parquet";

/**
 * The overlays among the objects of a dataset (paths relative to it), by name; the file form before the parts of the same name.
 * Temporaries (`*.tmp.parquet`, names that start with a dot), `_archived` and every other file are passed over.
 */
export function discoverOverlays(listing: Iterable<ObjectMeta>): readonly OverlayEntry[] {
  const found = new Map<
    string,
    { readonly name: string; readonly form: "file" | "parts"; readonly objects: ObjectMeta[] }
  >();
  for (const object of listing) {
    const place = placeOf(object.path);
    if (place === undefined) continue;
    const at = `${place.name}/${place.form}`;
    const entry = found.get(at);
    if (entry === undefined) found.set(at, { ...place, objects: [object] });
    else entry.objects.push(object);
  }
  const entries = [...found.values()].sort((a, b) => comparePaths(a.name, b.name) || comparePaths(a.form, b.form));
  for (const entry of entries) entry.objects.sort((a, b) => comparePaths(a.path, b.path));
  return entries;
}

function placeOf(path: string): { name: string; form: "file" | "parts" } | undefined {
  if (!path.startsWith(DERIVED) || !path.endsWith(SUFFIX)) return undefined;
  const segments = path.slice(DERIVED.length).split("/");
  const [first, second] = [segments[0]!, segments[1]];
  if (first.startsWith(".") || segments.length > 2) return undefined;
  if (second === undefined) {
    const name = first.slice(0, -SUFFIX.length);
    return name.endsWith(".tmp") ? undefined : { name, form: "file" };
  }
  // A temporary part ends in `.parquet.tmp`, but `.tmp.parquet` is what the same program calls its other temporaries.
  if (first === "_archived" || !second.startsWith("part-") || second.endsWith(`.tmp${SUFFIX}`)) return undefined;
  return { name: first, form: "parts" };
}
