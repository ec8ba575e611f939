import { readBatches } from "@usr/parquet";
import type { Column, DataType, Field } from "@usr/schema";
import { concatColumns, gatherColumns } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import type { PartRows } from "./part-rows.ts";
import { asRegistered } from "./tombstones.ts";
import type { Part } from "./types.ts";

/** Decoded rows of one column of a part, `at` the position of its first row among those of the reader. */
export interface Piece {
  readonly at: number;
  readonly column: Column;
}

/** One column of one part, for the entries of `PartRows`. */
export interface PayloadReader {
  /** The pieces, ascending, in which `position(i)` falls for every entry `from <= i < to`. */
  pieces(from: number, to: number): Promise<readonly Piece[]>;
  /** Where entry `i` lies, in the numbering of the pieces. Never descends where there is more than one piece. */
  position(i: number): number;
  close(): Promise<void>;
}

interface PayloadOptions extends Signal {
  readonly column: string;
  readonly type: DataType;
}

/** Makes readers of the columns of one part. */
export type PayloadReaders = (rows: PartRows, field: Field) => PayloadReader;

/** A part of so few encoded bytes has all columns decoded at once and kept: a thousand of them with twenty columns are a thousand reads. */
const SMALL = 128 * 1024;

/**
 * Readers of `fields` of a part. A column is read along with the base where the part is in base order, and otherwise decoded once and kept; small
 * parts are decoded whole.
 */
export function payloadReaders(part: Part, fields: readonly Field[], o: Signal): PayloadReaders {
  if (part.file.rowGroups.reduce((sum, { byteSize }) => sum + byteSize, 0) <= SMALL)
    return wholeReaders(part, fields, o);
  return (rows, { name, type }) => {
    const options = { column: name, type, signal: o.signal };
    return rows.forward ? forwardReader(part, rows, options) : sortedReader(part, rows, options);
  };
}

function wholeReaders({ file }: Part, fields: readonly Field[], o: Signal): PayloadReaders {
  const held = fields.filter(({ name }) => file.schema.fields.some((field) => field.name === name));
  let loading: Promise<ReadonlyMap<string, readonly Piece[]>> | undefined;
  const load = async (): Promise<ReadonlyMap<string, readonly Piece[]>> => {
    const columns = new Map<string, Column[]>(held.map(({ name }) => [name, []]));
    for await (const batch of readBatches(file, { columns: held.map(({ name }) => name), signal: o.signal }))
      for (const [i, { name, type }] of held.entries()) columns.get(name)!.push(asRegistered(batch.columns[i]!, type));
    // One piece, so that rows may be asked for in any order.
    return new Map(held.map(({ name, type }) => [name, [{ at: 0, column: concatColumns(type, columns.get(name)!) }]]));
  };
  return (rows, { name }) => ({
    pieces: async () => {
      loading ??= load();
      return (await loading).get(name)!;
    },
    position: (i) => rows.part[i]!,
    close: async () => {
      loading = undefined;
    },
  });
}

/** Keeps the decoded batches that the last request touched, one as a rule. Row groups that no request touches are not decoded. */
function forwardReader({ file }: Part, rows: PartRows, o: PayloadOptions): PayloadReader {
  const stop = (rows.part.at(-1) ?? -1) + 1;
  let source: AsyncIterator<{ readonly columns: readonly Column[] }> | undefined;
  let held: Piece[] = [];
  /** The part row that the source gives next. */
  let next = 0;

  const close = async (): Promise<void> => {
    const open = source;
    source = undefined;
    await open?.return?.();
  };
  const startAt = async (row: number): Promise<void> => {
    await close();
    source = readBatches(file, { columns: [o.column], start: row, end: stop, signal: o.signal })[
      Symbol.asyncIterator
    ]();
    next = row;
  };
  /** Whether a whole row group lies between two rows, so that jumping over it saves decoding. */
  const skips = (from: number, to: number): boolean =>
    to > from && file.rowGroups.some((group) => group.startRow >= from && group.startRow + group.numRows <= to);

  return {
    pieces: async (from, to) => {
      const low = rows.part[from]!;
      const high = rows.part[to - 1]! + 1;
      if (held.length > 0 && low < held[0]!.at) {
        held = [];
        await startAt(low);
      }
      held = held.filter((piece) => piece.at + piece.column.length > low);
      while (held.length === 0 || endOf(held.at(-1)!) < high) {
        const wanted = held.length === 0 ? low : endOf(held.at(-1)!);
        if (source === undefined || skips(next, wanted)) await startAt(wanted);
        const result = await source!.next();
        if (result.done === true)
          throw new RangeError(`${file.source.meta.path ?? "A part"} ended before row ${high}.`);
        const column = result.value.columns[0]!;
        if (next + column.length > low) held.push({ at: next, column: asRegistered(column, o.type) });
        next += column.length;
      }
      return held;
    },
    position: (i) => rows.part[i]!,
    close,
  };
}

function endOf(piece: Piece): number {
  return piece.at + piece.column.length;
}

const SORTED_ROWS = 1 << 15;

/**
 * Decodes every row group that has a row of the base, once, and keeps the values in base order. Memory: the values of the column, and
 * while it is loading twice that.
 */
function sortedReader({ file }: Part, rows: PartRows, o: PayloadOptions): PayloadReader {
  let loading: Promise<readonly Piece[]> | undefined;

  const load = async (): Promise<readonly Piece[]> => {
    const wanted = new Uint8Array(file.numRows);
    for (const row of rows.part) wanted[row] = 1;
    const columns: Column[] = [];
    /** For each part row the decoded column that holds it, and where. */
    const sourceOf = new Int32Array(file.numRows).fill(-1);
    const rowOf = new Int32Array(file.numRows);
    for (const group of file.rowGroups) {
      const start = wanted.indexOf(1, group.startRow);
      if (start < 0) break;
      if (start >= group.startRow + group.numRows) continue;
      const end = wanted.lastIndexOf(1, group.startRow + group.numRows - 1) + 1;
      let at = start;
      for await (const batch of readBatches(file, { columns: [o.column], start, end, signal: o.signal })) {
        const column = batch.columns[0]!;
        for (let i = 0; i < column.length; i++) {
          sourceOf[at + i] = columns.length;
          rowOf[at + i] = i;
        }
        columns.push(asRegistered(column, o.type));
        at += column.length;
      }
    }
    const pieces: Piece[] = [];
    for (let at = 0; at < rows.part.length; at += SORTED_ROWS) {
      const chunk = rows.part.subarray(at, at + SORTED_ROWS);
      const column = gatherColumns(
        o.type,
        columns,
        chunk.map((row) => sourceOf[row]!),
        chunk.map((row) => rowOf[row]!),
      );
      pieces.push({ at, column });
    }
    return pieces;
  };

  return {
    pieces: async (from, to) => {
      loading ??= load();
      const all = await loading;
      return all.slice(Math.floor(from / SORTED_ROWS), Math.ceil(to / SORTED_ROWS));
    },
    position: (i) => i,
    close: async () => {
      loading = undefined;
    },
  };
}
