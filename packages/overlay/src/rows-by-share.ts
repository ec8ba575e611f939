import { readBatches } from "@usr/parquet";
import { isValid } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { foldsCase, keyText, stripInto } from "./keys/key-bytes.ts";
import { inShare } from "./keys/key-share.ts";
import { createKeyTable, type KeyTable } from "./keys/key-table.ts";
import { blanks } from "./match.ts";
import type { DuplicateKey, KeyIndex, KeyShare, LateIndex, Part } from "./types.ts";

/** Where the rows of a part belong. */
export interface SharedRows {
  /** The part row of each base row, counted from 1; 0 = none. */
  readonly rowOf: Int32Array;
  /** Rows whose key an earlier row of the part has. */
  duplicates: number;
  /** The first of them. */
  sample: DuplicateKey | undefined;
}

/**
 * Finds the rows of parts over a base whose keys do not fit into memory at once: the keys of one share are indexed, all parts are asked for them,
 * and the next share follows. Each share reads the keys of the base and of the parts again. Memory: the index of a share, and 4 bytes a base row and part.
 */
export async function locateByShares(
  parts: readonly Part[],
  source: LateIndex,
  shares: number,
  o: Signal,
): Promise<readonly SharedRows[]> {
  const found = parts.map(
    (): SharedRows => ({ rowOf: new Int32Array(source.base.numRows), duplicates: 0, sample: undefined }),
  );
  for (let index = 0; index < shares && parts.length > 0; index++) {
    const share = { index, of: shares };
    const keys = await source.build(share);
    for (const [i, part] of parts.entries()) await locateShare(part, keys, share, found[i]!, o);
  }
  return found;
}

async function locateShare(part: Part, index: KeyIndex, share: KeyShare, found: SharedRows, o: Signal): Promise<void> {
  const fold = foldsCase(index.key);
  const { rowOf } = found;
  const range = new Int32Array(2);
  let strangers: KeyTable | undefined;
  let row = 0;
  for await (const batch of readBatches(part.file, { columns: [part.key], signal: o.signal })) {
    const column = batch.columns[0]!;
    if (column.layout !== "utf8") {
      row += blanks(column);
      continue;
    }
    const { data, offsets } = column;
    for (let i = 0; i < column.length; i++) {
      row++;
      if (!isValid(column, i)) continue;
      stripInto(range, data, offsets[i]!, offsets[i + 1]!);
      const start = range[0]!;
      const end = range[1]!;
      if (start === end || !inShare(data, start, end, fold, share)) continue;
      const base = index.lookup(data, start, end);
      let first = 0;
      if (base < 0) {
        strangers ??= createKeyTable({ expected: 0, fold });
        first = Math.max(0, strangers.add(data, start, end, row));
      } else {
        first = rowOf[base]!;
        if (first === 0) for (let same = base; same >= 0; same = index.next(same)) rowOf[same] = row;
      }
      if (first === 0) continue;
      found.duplicates++;
      if (found.sample === undefined || row < found.sample.rows[1])
        found.sample = { key: keyText(data, start, end, fold), rows: [first, row] };
    }
  }
}
