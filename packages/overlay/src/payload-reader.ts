import type { Column, DataType } from "@usr/schema";
import type { Signal } from "@usr/storage";

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

export interface PayloadOptions extends Signal {
  readonly column: string;
  readonly type: DataType;
}
