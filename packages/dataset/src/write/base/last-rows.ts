import type { Column } from "@usr/schema";
import { ROW_GROUP_ROWS, type Rows, sliceRows } from "./row-groups.ts";

/** Rows of more bytes are read again instead. */
const MOST_BYTES = 32 * 1024 * 1024;

/** The last rows of a base as they were written: an append that writes them anew need not read them. */
export interface LastRows {
  /** The rows from row `start` on of the object of this etag; `undefined` where they are not held. */
  since(etag: string, start: number): readonly Rows[] | undefined;
  /**
   * Passes on the rows that are written in groups of `ROW_GROUP_ROWS` behind row `start` of the object `over`. `written` says which object they are
   * then the end of.
   */
  passing(over: string, start: number, rows: AsyncIterable<Rows>): PassingRows;
}

export interface PassingRows {
  readonly rows: AsyncIterable<Rows>;
  written(etag: string): void;
}

interface Held {
  readonly etag: string;
  readonly start: number;
  readonly pieces: readonly Rows[];
}

/** Holds what comes behind the last full row group it saw: less than a row group, and of what is larger than 32 MiB nothing. */
export const lastRows = (): LastRows => {
  let held: Held | undefined;
  const since: LastRows["since"] = (etag, start) =>
    held?.etag === etag && held.start <= start ? from(held.pieces, start - held.start) : undefined;
  return {
    since,
    passing: (over, start, rows) => {
      let pieces: Rows[] = [];
      let count = 0;
      let first = 0;
      async function* noted(): AsyncGenerator<Rows> {
        for await (const piece of rows) {
          pieces.push(piece);
          count += piece.numRows;
          const full = count - (count % ROW_GROUP_ROWS);
          if (full > first) {
            pieces = from(pieces, full - first);
            first = full;
          }
          yield piece;
        }
      }
      return {
        rows: noted(),
        written: (etag) => {
          const before = first === 0 && held?.etag === over && held.start < start ? held : undefined;
          const ahead = before === undefined ? [] : to(before.pieces, start - before.start);
          const all = [...ahead, ...pieces];
          held = bytesOf(all) > MOST_BYTES ? undefined : { etag, start: before?.start ?? start + first, pieces: all };
        },
      };
    },
  };
};

/** Pieces without their first `count` rows. */
const from = (pieces: readonly Rows[], count: number): Rows[] => {
  const rest: Rows[] = [];
  let at = 0;
  for (const piece of pieces) {
    const start = Math.min(piece.numRows, Math.max(0, count - at));
    if (start < piece.numRows) rest.push(sliceRows(piece, start, piece.numRows));
    at += piece.numRows;
  }
  return rest;
};

/** The first `count` rows of pieces. */
const to = (pieces: readonly Rows[], count: number): Rows[] => {
  const some: Rows[] = [];
  let left = count;
  for (const piece of pieces) {
    const end = Math.min(piece.numRows, left);
    if (end > 0) some.push(sliceRows(piece, 0, end));
    left -= end;
  }
  return some;
};

const bytesOf = (pieces: readonly Rows[]): number =>
  pieces.reduce((sum, { columns }) => sum + columns.reduce((all, column) => all + columnBytes(column), 0), 0);

/** About; of a column of a kind that rows of an import do not have, more than is held. */
const columnBytes = (column: Column): number => {
  switch (column.layout) {
    case "utf8":
      return column.offsets.byteLength + column.offsets[column.length]! - column.offsets[0]!;
    case "fixed":
      return column.values.byteLength;
    default:
      return MOST_BYTES + 1;
  }
};
