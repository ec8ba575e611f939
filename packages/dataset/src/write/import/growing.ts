import type { Column, DataType } from "@usr/schema";

/** A text column being filled with bytes that are known to be UTF-8; no JavaScript string is made for them. */
export interface GrowingText {
  bytes(from: Uint8Array, start: number, end: number): void;
  text(value: string): void;
  column(type: DataType): Column;
}

export const growingText = (rows: number, expectedBytes: number = rows * 16): GrowingText => {
  const offsets = new Int32Array(rows + 1);
  let data = new Uint8Array(Math.max(expectedBytes, 64));
  let size = 0;
  let count = 0;
  const encoder = new TextEncoder();
  let last = "";
  let lastBytes = new Uint8Array(0);
  const room = (more: number): void => {
    if (size + more <= data.length) return;
    const wider = new Uint8Array(Math.max(data.length * 2, size + more));
    wider.set(data.subarray(0, size));
    data = wider;
  };
  const bytes = (from: Uint8Array, start: number, end: number): void => {
    room(end - start);
    // Short cells are the rule: a loop beats the call into set().
    if (end - start < 48) for (let i = start; i < end; i++) data[size++] = from[i]!;
    else {
      data.set(from.subarray(start, end), size);
      size += end - start;
    }
    offsets[++count] = size;
  };
  return {
    bytes,
    text: (value) => {
      if (value !== last) {
        last = value;
        lastBytes = encoder.encode(value);
      }
      bytes(lastBytes, 0, lastBytes.length);
    },
    column: (type) => ({
      layout: "utf8",
      type,
      length: count,
      offsets: offsets.subarray(0, count + 1),
      data: data.subarray(0, size),
    }),
  };
};

/** The offsets of `rows` texts of `size` bytes each. */
export const evenOffsets = (rows: number, size: number): Int32Array => {
  const offsets = new Int32Array(rows + 1);
  for (let i = 1; i <= rows; i++) offsets[i] = i * size;
  return offsets;
};

/** A text column of one value. */
export const sameText = (type: DataType, value: string, rows: number): Column => {
  const text = new TextEncoder().encode(value);
  const size = text.length;
  const data = new Uint8Array(size * rows);
  data.set(text);
  for (let filled = size; filled > 0 && filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled);
  return { layout: "utf8", type, length: rows, offsets: evenOffsets(rows, size), data };
};
