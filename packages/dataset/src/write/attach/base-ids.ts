import { type ParquetFile, readBatches } from "@usr/parquet";
import type { Column, Utf8Column } from "@usr/schema";
import type { Signal } from "@usr/storage";
import { ID_LENGTH } from "../../identity.ts";
import { evenOffsets } from "../import/growing.ts";
import { KEY_TYPE } from "../key-type.ts";
import { sameBytes } from "./same-bytes.ts";

/** The ids of a whole base, byte for byte: each is its own key, and none stands twice. */
export interface BaseIds {
  readonly length: number;
  /** Whether the values of `column` are the ids of the rows from `row` on. */
  match(row: number, column: Utf8Column): boolean;
  /** The ids of rows `[start, end)`, as views of what is held. */
  columns(start: number, end: number): readonly Utf8Column[];
}

/**
 * Reads the ids of a base; `undefined` where one is NULL, not as long as ids are, or has white space around it, and where two are the same or cannot
 * be told apart cheaply. Memory: 40 bytes a row; 8 more while it reads.
 */
export async function baseIds(file: ParquetFile, o: Signal = {}): Promise<BaseIds | undefined> {
  const pieces: Uint8Array[] = [];
  const starts: number[] = [];
  let length = 0;
  for await (const batch of readBatches(file, { columns: ["id"], signal: o.signal })) {
    const [column] = batch.columns;
    if (column === undefined || column.length === 0) continue;
    if (column.layout !== "utf8" || !areKeys(column)) return undefined;
    starts.push(length);
    pieces.push(column.data.slice(column.offsets[0]!, column.offsets[column.length]!));
    length += column.length;
  }
  if (!areDistinct(pieces, length)) return undefined;
  /** What is held of the bytes of rows `[start, end)`. */
  function* views(start: number, end: number): Generator<Uint8Array, void, undefined> {
    let piece = starts.findLastIndex((first) => first <= start);
    for (let row = start; row < end; piece++) {
      const ids = pieces[piece]!;
      const from = (row - starts[piece]!) * ID_LENGTH;
      const view = ids.subarray(from, Math.min(ids.length, from + (end - row) * ID_LENGTH));
      yield view;
      row += view.length / ID_LENGTH;
    }
  }
  return {
    length,
    match: (row, column) => {
      if (row + column.length > length || !areEven(column)) return false;
      let at = column.offsets[0]!;
      for (const view of views(row, row + column.length)) {
        if (!sameBytes(view, column.data.subarray(at, at + view.length))) return false;
        at += view.length;
      }
      return true;
    },
    columns: (start, end) => Array.from(views(start, end), evenColumn),
  };
}

/** Whether the values of `ids` are those of `column` from row `from` on, and as long as ids are. */
export const sameIds = (ids: Column, column: Column, from: number): boolean => {
  if (ids.layout !== "utf8" || column.layout !== "utf8" || !areEven(ids) || !areEven(column)) return false;
  const [start, at] = [ids.offsets[0]!, column.offsets[from]!];
  const size = ids.length * ID_LENGTH;
  return sameBytes(ids.data.subarray(start, start + size), column.data.subarray(at, at + size));
};

/** Whether some ids of a base are their own keys. */
export const holdsKeys = (ids: Column): boolean => ids.layout === "utf8" && areKeys(ids);

const areKeys = (column: Utf8Column): boolean => {
  if (!areEven(column)) return false;
  const { data, offsets, length } = column;
  const end = offsets[length]!;
  for (let at = offsets[0]!; at < end; at += ID_LENGTH)
    if (!isPlain(data[at]!) || !isPlain(data[at + ID_LENGTH - 1]!)) return false;
  return true;
};

/** Whether all values are as long as ids, and none is NULL. */
const areEven = ({ offsets, length, validity }: Utf8Column): boolean => {
  if (validity !== undefined) return false;
  for (let i = 0, at = offsets[0]!; i <= length; i++, at += ID_LENGTH) if (offsets[i] !== at) return false;
  return true;
};

const evenColumn = (data: Uint8Array): Utf8Column => {
  const length = data.length / ID_LENGTH;
  return { type: KEY_TYPE, length, layout: "utf8", offsets: evenOffsets(length, ID_LENGTH), data };
};

/** A byte that can neither be white space nor belong to a character that is. */
const isPlain = (byte: number): boolean => byte > 0x20 && byte < 0x7f;

/** Ids are dealt out to buckets of at most so many on average. */
const BUCKET = 256;
/** Room for the ids of a bucket, and half as many again as random ones ever are. */
const SLOTS = 1024;

/**
 * Whether no id stands twice, and few enough look alike to tell. Their first eight digits are compared, bucket by bucket in the nearest cache, and
 * all of them where those are the same.
 */
const areDistinct = (pieces: readonly Uint8Array[], count: number): boolean => {
  const shift = 31 - Math.max(0, 32 - Math.clz32(count / BUCKET));
  const marks = new Int32Array(count);
  const starts = new Int32Array(2 ** (32 - shift) + 1);
  let row = 0;
  for (const ids of pieces) {
    for (let at = 0; at < ids.length; at += ID_LENGTH) {
      const mark = firstDigits(ids, at);
      marks[row++] = mark;
      starts[(mark >>> shift) + 1]!++;
    }
  }
  for (let i = 1; i < starts.length; i++) {
    if (starts[i]! > SLOTS * 0.75) return false;
    starts[i]! += starts[i - 1]!;
  }
  const dealt = new Int32Array(count);
  const next = starts.slice();
  for (let i = 0; i < count; i++) dealt[next[marks[i]! >>> shift]!++] = marks[i]!;
  const alike = new Set<number>();
  const held = new Int32Array(SLOTS);
  /** The bucket, counted from 1, that a slot was filled for last. */
  const owner = new Int32Array(SLOTS);
  for (let bucket = 1; bucket < starts.length; bucket++) {
    for (let i = starts[bucket - 1]!; i < starts[bucket]!; i++) {
      const mark = dealt[i]!;
      let slot = (Math.imul(mark, 0x9e3779b1) >>> 16) & (SLOTS - 1);
      while (owner[slot] === bucket && held[slot] !== mark) slot = (slot + 1) & (SLOTS - 1);
      if (owner[slot] === bucket) alike.add(mark);
      owner[slot] = bucket;
      held[slot] = mark;
    }
  }
  return alike.size === 0 || areDistinctAmong(alike, pieces, marks);
};

const areDistinctAmong = (alike: ReadonlySet<number>, pieces: readonly Uint8Array[], marks: Int32Array): boolean => {
  const seen = new Set<string>();
  // Tells most of the others apart faster than a set does.
  const low = new Uint8Array(2 ** 16);
  for (const mark of alike) low[mark & 0xffff] = 1;
  let row = 0;
  for (const ids of pieces) {
    for (let at = 0; at < ids.length; at += ID_LENGTH) {
      const mark = marks[row++]!;
      if (low[mark & 0xffff] === 0 || !alike.has(mark)) continue;
      const text = String.fromCharCode(...ids.subarray(at, at + ID_LENGTH));
      if (seen.has(text)) return false;
      seen.add(text);
    }
  }
  return true;
};

/** 32 bits of the first eight bytes, those of eight hex digits where they are some. */
const firstDigits = (bytes: Uint8Array, at: number): number => {
  let bits = 0;
  for (let i = at; i < at + 8; i++) bits = (bits << 4) | (((bytes[i]! & 15) + (bytes[i]! >>> 6) * 9) & 15);
  return bits;
};
