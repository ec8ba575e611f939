import { readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { columnBuilder, gatherColumns, sliceColumn } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { foldsCase, keyText, stripInto } from "../keys/key-bytes.ts";
import { createKeyTable } from "../keys/key-table.ts";
import type { KeyIndex, Overlay } from "../types.ts";
import { normalizeKeys } from "./normalize-keys.ts";

/** Every key of an overlay, once: those of base rows in base order, then those that no base row has, as they were met from the newest part on. */
export interface UnionKeys {
  readonly rows: number;
  /** Answers with the row of the union: a merge over it gives the values for `columns`, row by row. */
  readonly index: KeyIndex;
  /**
   * The keys as parts store them, in pieces of any length.
   *
   * @param base the key column of the whole base (`sequence` for sequence keys), in order
   */
  columns(base: AsyncIterable<Column>): AsyncGenerator<Column, void, undefined>;
}

/** Rows of a piece of keys that no base row has. */
const PIECE = 16_384;

/**
 * Collects the keys of all parts; rows whose key is NULL or blank have none. Reads every key column once. Memory: five bytes a base row, and
 * the keys that no base row has.
 *
 * @param base index of the whole base
 */
export async function unionKeys(overlay: Overlay, base: KeyIndex, o: Signal = {}): Promise<UnionKeys> {
  const fold = foldsCase(overlay.key);
  const range = new Int32Array(2);
  const held = new Uint8Array(base.numRows);
  const table = createKeyTable({ expected: 0, fold });
  const strangers = columnBuilder({ kind: "string" });
  for (const part of overlay.parts) {
    for await (const batch of readBatches(part.file, { columns: [part.key], signal: o.signal })) {
      const column = batch.columns[0]!;
      if (column.layout !== "utf8") continue;
      const { offsets, data } = column;
      for (const [i, row] of base.lookupEach(column).entries()) {
        if (row >= 0) {
          held[row] = 1;
          continue;
        }
        if (row !== -1) continue;
        stripInto(range, data, offsets[i]!, offsets[i + 1]!);
        if (table.add(data, range[0]!, range[1]!, table.size) < 0)
          strangers.append(keyText(data, range[0]!, range[1]!, fold));
      }
    }
  }
  const rank = new Int32Array(base.numRows);
  let matched = 0;
  for (let row = 0; row < held.length; row++) if (held[row] === 1) rank[row] = matched++;
  const rows = matched + table.size;
  const others = strangers.finish();

  /** The row of the union for the base row that a key has, -1 = none; or as the key itself says. */
  const rowOf = (row: number, bytes: Uint8Array, start: number, end: number): number => {
    if (row >= 0) return held[row] === 1 ? rank[row]! : -1;
    if (row !== -1) return row;
    stripInto(range, bytes, start, end);
    const stranger = table.find(bytes, range[0]!, range[1]!);
    return stranger < 0 ? -1 : matched + stranger;
  };
  const index: KeyIndex = {
    key: overlay.key,
    numRows: rows,
    size: rows,
    complete: true,
    lookup: (bytes, start, end) => rowOf(base.lookup(bytes, start, end), bytes, start, end),
    lookupEach: (column) =>
      base.lookupEach(column).map((row, i) => rowOf(row, column.data, column.offsets[i]!, column.offsets[i + 1]!)),
    next: () => -1,
    repeats: false,
  };
  return {
    rows,
    index,
    columns: async function* (keys) {
      let row = 0;
      for await (const column of keys) {
        const wanted = new Int32Array(column.length);
        let count = 0;
        for (let i = 0; i < column.length; i++) if (held[row + i] === 1) wanted[count++] = i;
        row += column.length;
        if (count > 0)
          yield normalizeKeys(overlay.key, gatherColumns(column.type, [column], undefined, wanted.subarray(0, count)));
      }
      for (let at = 0; at < others.length; at += PIECE)
        yield sliceColumn(others, at, Math.min(at + PIECE, others.length));
    },
  };
}
