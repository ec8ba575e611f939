import { readBatches } from "@usr/parquet";
import { rowGroupsWith, writtenHere } from "@usr/parquet/lookup";
import type { Signal } from "@usr/storage";
import type { KeyIndex, Part, PartRows } from "./types.ts";

/**
 * The rows of a part that belong to the few base rows of an index, from the row groups that may hold their keys. `undefined` where the part is to
 * be read as a whole: its filters rule nothing out, or a key is found twice, which is then told as ever. Memory: one batch of keys.
 */
export async function locateFew(
  part: Part,
  index: KeyIndex,
  keys: readonly Uint8Array[],
  o: Signal,
): Promise<PartRows | undefined> {
  const { file } = part;
  // A filter knows the bytes that were stored. Our parts store keys as they are compared; others may have white space around them.
  if (!writtenHere(file)) return undefined;
  const groups = await rowGroupsWith(file, part.key, keys, o);
  if (groups.length === file.rowGroups.length) return undefined;
  const found = new Map<number, number>();
  for (const { rowGroup: group } of groups) {
    const { startRow, numRows } = file.rowGroups[group]!;
    let at = startRow;
    for await (const batch of readBatches(file, {
      columns: [part.key],
      start: startRow,
      end: startRow + numRows,
      signal: o.signal,
    })) {
      const column = batch.columns[0]!;
      if (column.layout === "utf8") {
        for (const [i, first] of index.lookupEach(column).entries()) {
          for (let base = first; base >= 0; base = index.next(base)) {
            if (found.has(base)) return undefined;
            found.set(base, at + i);
          }
        }
      }
      at += batch.numRows;
    }
  }
  const pairs = [...found].sort(([a], [b]) => a - b);
  return {
    base: Int32Array.from(pairs, ([base]) => base),
    count: pairs.length,
    part: Int32Array.from(pairs, ([, row]) => row),
    forward: pairs.every(([, row], i) => i === 0 || row >= pairs[i - 1]![1]),
  };
}
