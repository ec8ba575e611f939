import type { DataType } from "../types.ts";
import { bitmapBytes } from "./bits.ts";
import { type Builder, bitBuffer, pushBit, takeValidity } from "./inner-builder.ts";
import { checkOffset, MAX_OFFSET } from "./layout.ts";
import { Mismatch } from "./mismatch.ts";
import { hasLayout } from "./sources.ts";
import { isValid } from "./value.ts";

const encoder = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Up to this many characters, an ASCII loop beats a call of TextEncoder. */
const SHORT = 32;

export function utf8Builder(type: DataType): Builder {
  const valid = bitBuffer();
  let offsets = new Int32Array(17);
  let data = new Uint8Array(64);

  const reserve = (extra: number): void => {
    const used = offsets[valid.count]!;
    if (used + extra > data.length) {
      checkOffset(used + extra, "bytes of text");
      const grown = new Uint8Array(Math.min(Math.max(data.length * 2, used + extra), MAX_OFFSET));
      grown.set(data.subarray(0, used));
      data = grown;
    }
  };

  const pushRow = (isPresent: boolean, end: number): void => {
    const { count } = valid;
    if (count + 1 === offsets.length) {
      const grown = new Int32Array(offsets.length * 2);
      grown.set(offsets);
      offsets = grown;
    }
    offsets[count + 1] = end;
    pushBit(valid, isPresent);
  };

  const pushText = (text: string): void => {
    const used = offsets[valid.count]!;
    reserve(text.length);
    if (text.length <= SHORT) {
      const end = writeAscii(text, data, used);
      if (end >= 0) {
        pushRow(true, end);
        return;
      }
    }
    let { read, written } = encoder.encodeInto(text, data.subarray(used));
    if (written !== text.length && LONE_SURROGATE.test(text)) {
      throw new Mismatch(text, type, "it holds half of a surrogate pair, which UTF-8 cannot say");
    }
    if (read < text.length) {
      // Three bytes a UTF-16 unit is the most there can be.
      reserve(text.length * 3);
      ({ read, written } = encoder.encodeInto(text, data.subarray(used)));
    }
    pushRow(true, used + written);
  };

  return {
    length: () => valid.count,
    byteLength: () => offsets[valid.count]! + (valid.count + 1) * 4 + bitmapBytes(valid.count),
    append(value) {
      if (value === null) {
        pushRow(false, offsets[valid.count]!);
      } else if (typeof value === "string") {
        pushText(value);
      } else {
        throw new Mismatch(value, type);
      }
    },
    appendNull: () => pushRow(false, offsets[valid.count]!),
    appendFrom(column, row) {
      const used = offsets[valid.count]!;
      if (!hasLayout(column, "utf8") || !isValid(column, row)) {
        pushRow(false, used);
        return;
      }
      const start = column.offsets[row]!;
      const end = column.offsets[row + 1]!;
      reserve(end - start);
      if (end - start <= SHORT) {
        for (let i = start; i < end; i += 1) {
          data[used + i - start] = column.data[i]!;
        }
      } else {
        data.set(column.data.subarray(start, end), used);
      }
      pushRow(true, used + end - start);
    },
    truncate(length) {
      valid.count = length;
    },
    finish() {
      const length = valid.count;
      const column = {
        layout: "utf8",
        type,
        length,
        validity: takeValidity(valid),
        offsets: offsets.slice(0, length + 1),
        data: data.slice(0, offsets[length]!),
      } as const;
      offsets = new Int32Array(17);
      data = new Uint8Array(64);
      return column;
    },
  };
}

/** Writes the text if it is ASCII: where it ends, or -1. The target has room. */
function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      return -1;
    }
    target[at + i] = code;
  }
  return at + text.length;
}
