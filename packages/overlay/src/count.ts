import { columnBounds } from "@usr/parquet";
import type { Signal } from "@usr/storage";
import type { KeyCount, KeyIndex, Overlay, Part } from "./types.ts";

/**
 * Counts rows and keys over all parts of an overlay, and with a complete index of the base the keys that no base row has. Decodes every
 * key column once, those alone that are not stored in the same bytes as the keys of a part before them, and none where all parts are alike and
 * statistics say that no key is NULL or blank: the keys of a part are distinct, as those of every part must be. Memory: as a key index
 * over the distinct keys. Doubles within a part are not looked for.
 */
export async function countKeys(
  overlay: Overlay,
  o: Signal & { readonly index?: KeyIndex | undefined } = {},
): Promise<KeyCount> {
  const { parts } = overlay;
  const newest = parts[0]!;
  const rows = parts.reduce((sum, part) => sum + part.file.numRows, 0);
  // Where footers tell everything, which is nearly always, what reads pages is not even loaded.
  const groups =
    parts.length === 1 ? [{ part: newest, parts: 1 }] : await (await import("./alike-parts.ts")).alikeParts(parts, o);
  if (o.index === undefined && groups.length === 1 && isEveryKeyTold(newest))
    return { rows, distinct: newest.file.numRows, blank: 0, orphans: undefined, orphanSamples: [] };
  return { rows, ...(await (await import("./count-decoded.ts")).countDecoded(overlay.key, groups, o)) };
}

/** Whether the footer alone says that every key starts with a visible ASCII character, so that none is NULL or blank. */
function isEveryKeyTold({ file, key }: Part): boolean {
  return file.rowGroups.every((_, group) => {
    const { nulls, range } = columnBounds(file, group, key);
    if (nulls !== 0 || !(range?.min instanceof Uint8Array) || !(range.max instanceof Uint8Array)) return false;
    const [first = 0, last = 0xff] = [range.min[0], range.max[0]];
    return first > 0x20 && last < 0x7f;
  });
}
