import type { Column } from "@usr/schema";
import type { JsonCursor } from "../read/json-cursor.ts";

/** Collects the cells of one column of one type, from text or from JSON. A refused cell throws and adds nothing. */
export interface ColumnSink {
  /** Rows so far. */
  readonly length: number;
  addNull(): void;
  /** One cell of a text table: valid UTF-8, unquoted. */
  addText(bytes: Uint8Array, start: number, end: number): void;
  /** The JSON value that the cursor stands on. */
  addJson(cursor: JsonCursor): void;
  /** The column so far; the sink starts anew. */
  finish(): Column;
}

export interface SinkOptions {
  /** The most rows before `finish`. */
  readonly capacity: number;
  readonly maxDepth: number;
  /** Undo the leading quote of formula-safe text. */
  readonly formulaSafe: boolean;
}
