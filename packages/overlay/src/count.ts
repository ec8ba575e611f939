import { columnBounds, readBatches } from "@usr/parquet";
import { storedAlike, storedLayout } from "@usr/parquet/stored";
import { isValid } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { foldsCase, keyText, stripInto } from "./keys/key-bytes.ts";
import { createKeyTable } from "./keys/key-table.ts";
import type { KeyCount, KeyIndex, Overlay, Part } from "./types.ts";

const SAMPLES = 5;

/** Below this many rows keys are decoded as fast as they are compared. */
const WORTH_COMPARING = 4096;

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
  const { index } = o;
  const groups = await partsByKeys(overlay.parts, o);
  const rows = overlay.parts.reduce((sum, part) => sum + part.file.numRows, 0);
  const [newest] = overlay.parts;
  if (index === undefined && groups.length === 1 && isEveryKeyTold(newest!))
    return { rows, distinct: newest!.file.numRows, blank: 0, orphans: undefined, orphanSamples: [] };
  const fold = foldsCase(overlay.key);
  const table = createKeyTable({ expected: newest!.file.numRows, fold });
  const range = new Int32Array(2);
  const orphanSamples: string[] = [];
  let blank = 0;
  let orphans = 0;
  const meet = (data: Uint8Array, start: number, end: number): void => {
    if (index === undefined || index.lookup(data, start, end) >= 0) return;
    orphans++;
    if (orphanSamples.length < SAMPLES) orphanSamples.push(keyText(data, start, end, fold));
  };
  for (const { part, parts } of groups) {
    for await (const batch of readBatches(part.file, { columns: [part.key], signal: o.signal })) {
      const column = batch.columns[0]!;
      if (column.layout !== "utf8") {
        blank += batch.numRows * parts;
        continue;
      }
      const { offsets, data, validity, length } = column;
      const met = new Int32Array(length);
      /** The keys before were added, and `met` says which of them were there before. */
      let added = 0;
      for (let i = 0; i < length; i++) {
        if (i >= added && validity === undefined) added = table.addEach(data, offsets, i, length, table.size, met);
        if (i < added) {
          if (met[i]! < 0) meet(data, offsets[i]!, offsets[i + 1]!);
          continue;
        }
        range.fill(0);
        if (isValid(column, i)) stripInto(range, data, offsets[i]!, offsets[i + 1]!);
        const [start, end] = [range[0]!, range[1]!];
        if (start === end) blank += parts;
        else if (table.add(data, start, end, table.size) < 0) meet(data, start, end);
      }
    }
  }
  return { rows, distinct: table.size, blank, orphans: index === undefined ? undefined : orphans, orphanSamples };
}

/** One part of each set whose keys are stored in the same bytes, newest first, and how many there are of it. */
async function partsByKeys(parts: readonly Part[], o: Signal): Promise<readonly { part: Part; parts: number }[]> {
  const groups: { part: Part; parts: number }[] = [];
  const alike = new Map<string, { part: Part; parts: number }>();
  for (const part of parts) {
    const layout = part.file.numRows < WORTH_COMPARING ? undefined : storedLayout(part.file, part.key);
    const twin = layout === undefined ? undefined : alike.get(layout);
    if (twin !== undefined && (await storedAlike(part.file, twin.part.file, part.key, o))) {
      twin.parts++;
      continue;
    }
    const group = { part, parts: 1 };
    groups.push(group);
    if (layout !== undefined) alike.set(layout, group);
  }
  return groups;
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
