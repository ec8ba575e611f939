import { readBatches } from "@usr/parquet";
import { isValid } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import type { AlikeParts } from "./alike-parts.ts";
import { foldsCase, keyText, stripInto } from "./keys/key-bytes.ts";
import { createKeyTable } from "./keys/key-table.ts";
import type { KeyCount, KeyIndex, OverlayKey } from "./types.ts";

const SAMPLES = 5;

/** What `countKeys` counts beside the rows, by the keys of one part of each group. */
export async function countDecoded(
  key: OverlayKey,
  groups: readonly AlikeParts[],
  { index, signal }: Signal & { readonly index?: KeyIndex | undefined },
): Promise<Omit<KeyCount, "rows">> {
  const fold = foldsCase(key);
  const table = createKeyTable({ expected: groups[0]!.part.file.numRows, fold });
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
    for await (const batch of readBatches(part.file, { columns: [part.key], signal })) {
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
  return { distinct: table.size, blank, orphans: index === undefined ? undefined : orphans, orphanSamples };
}
