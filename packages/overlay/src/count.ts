import { columnBounds, readBatches } from "@usr/parquet";
import { isValid } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { foldsCase, keyText, stripInto } from "./key-bytes.ts";
import { createKeyTable } from "./key-table.ts";
import type { KeyCount, KeyIndex, Overlay, Part } from "./types.ts";

const SAMPLES = 5;

/**
 * Counts rows and keys over all parts of an overlay, and with a complete index of the base the keys that no base row has. Reads every
 * key column once, and none of a single part whose statistics say that no key is NULL or blank: its keys are distinct, as those of every
 * part must be. Memory: as a key index over the distinct keys. Doubles within a part are not looked for.
 */
export async function countKeys(
  overlay: Overlay,
  o: Signal & { readonly index?: KeyIndex | undefined } = {},
): Promise<KeyCount> {
  const { index } = o;
  const [newest] = overlay.parts;
  if (index === undefined && overlay.parts.length === 1 && isEveryKeyTold(newest!)) {
    const rows = newest!.file.numRows;
    return { rows, distinct: rows, blank: 0, orphans: undefined, orphanSamples: [] };
  }
  const fold = foldsCase(overlay.key);
  const table = createKeyTable({ expected: newest!.file.numRows, fold });
  const range = new Int32Array(2);
  const orphanSamples: string[] = [];
  let rows = 0;
  let blank = 0;
  let orphans = 0;
  for (const part of overlay.parts) {
    rows += part.file.numRows;
    for await (const batch of readBatches(part.file, { columns: [part.key], signal: o.signal })) {
      const column = batch.columns[0]!;
      if (column.layout !== "utf8") {
        blank += batch.numRows;
        continue;
      }
      const { offsets, data } = column;
      for (let i = 0; i < column.length; i++) {
        range.fill(0);
        if (isValid(column, i)) stripInto(range, data, offsets[i]!, offsets[i + 1]!);
        const [start, end] = [range[0]!, range[1]!];
        if (start === end) {
          blank++;
          continue;
        }
        if (table.add(data, start, end, 0) >= 0 || index === undefined || index.lookup(data, start, end) >= 0) continue;
        orphans++;
        if (orphanSamples.length < SAMPLES) orphanSamples.push(keyText(data, start, end, fold));
      }
    }
  }
  return { rows, distinct: table.size, blank, orphans: index === undefined ? undefined : orphans, orphanSamples };
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
