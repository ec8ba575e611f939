import { readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { columnBuilder, gatherColumns } from "@usr/schema/columns";
import type { PayloadOptions, PayloadReader, Piece } from "./payload-reader.ts";
import { asRegistered } from "./tombstones.ts";
import type { Part } from "./types.ts";

/** What the sorted columns of one merge may hold together, about. Whatever the others hold, each may have a sixteenth of it. */
export interface Room {
  readonly bytes: number;
  left: number;
}

const SHARE = 16;
/** Rows looked at to know how large the others are. */
const SAMPLE = 256;
/** What it takes to say where a value is while a stretch is filled. */
const PLACE_BYTES = 8;
/** Rows of a piece. */
const PIECE = 1 << 15;

/** Values of the entries `[from, to)`, in their order. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly Piece[];
}

/**
 * Gives the values of the given rows of a part, in any order, for a stretch of base rows at a time: the column is decoded batch by batch, and what belongs to the
 * stretch is kept. A column that fits into its room is decoded once, a larger one as often as it is larger (docs/adr/0012). Memory: the room, as
 * much again while it is filled, a decoded batch, and 4 bytes a row of the part.
 */
export function sortedReader({ file }: Part, rows: Int32Array, room: Room, o: PayloadOptions): PayloadReader {
  const columns = [o.column];
  let held: Window | undefined;
  let granted = 0;
  let rowBytes: number | undefined;

  const release = (): void => {
    held = undefined;
    room.left += granted;
    granted = 0;
  };

  const measure = async (): Promise<number> => {
    const sample = columnBuilder(o.type);
    for await (const { columns: decoded } of readBatches(file, { columns, end: SAMPLE, signal: o.signal })) {
      const column = asRegistered(decoded[0]!, o.type);
      for (let row = 0; row < column.length; row++) sample.appendFrom(column, row);
    }
    return PLACE_BYTES + sample.byteLength / Math.max(1, sample.length);
  };

  const load = async (from: number, least: number): Promise<Window> => {
    rowBytes ??= await measure();
    const share = Math.max(room.left, room.bytes / SHARE);
    const to = Math.min(rows.length, Math.max(least, from + Math.floor(share / rowBytes)));
    granted = (to - from) * rowBytes;
    room.left -= granted;

    /** For each part row that is wanted where it stands among those kept, counted from 1. */
    const keptAs = new Int32Array(file.numRows);
    for (let i = from; i < to; i++) keptAs[rows[i]!] = -1;
    const kept: Column[] = [];
    const sourceOf = new Int32Array(to - from);
    const rowOf = new Int32Array(to - from);
    let count = 0;
    for (const { startRow, numRows } of file.rowGroups) {
      const start = keptAs.indexOf(-1, startRow);
      if (start < 0) break;
      if (start >= startRow + numRows) continue;
      const end = keptAs.lastIndexOf(-1, startRow + numRows - 1) + 1;
      let at = start;
      for await (const batch of readBatches(file, { columns, start, end, signal: o.signal })) {
        const chosen = new Int32Array(batch.numRows);
        let n = 0;
        for (let i = 0; i < batch.numRows; i++) {
          if (keptAs[at + i] !== -1) continue;
          sourceOf[count] = kept.length;
          rowOf[count] = n;
          keptAs[at + i] = ++count;
          chosen[n++] = i;
        }
        at += batch.numRows;
        const column = asRegistered(batch.columns[0]!, o.type);
        kept.push(gatherColumns(o.type, [column], undefined, chosen.subarray(0, n)));
      }
    }
    const pieces: Piece[] = [];
    for (let at = from; at < to; at += PIECE) {
      const chunk = rows.subarray(at, Math.min(to, at + PIECE)).map((row) => keptAs[row]! - 1);
      const sources = chunk.map((i) => sourceOf[i]!);
      const column = gatherColumns(
        o.type,
        kept,
        sources,
        chunk.map((i) => rowOf[i]!),
      );
      pieces.push({ at, column });
    }
    return { from, to, pieces };
  };

  return {
    pieces: async (from, to) => {
      if (held === undefined || from < held.from || to > held.to) {
        release();
        held = await load(from, to);
      }
      return held.pieces.filter(({ at, column }) => at < to && at + column.length > from);
    },
    position: (i) => i,
    close: async () => release(),
  };
}
