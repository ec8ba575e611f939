import { floatText } from "../float-text.ts";
import type { PutCell } from "../text-buffer.ts";
import { putAscii, putByte, room, type TextBuffer } from "../text-buffer.ts";

/** Rows whose digits are made together. */
const BLOCK = 1024;
/** The longest number of JSON, with a comma. */
const WIDTH = 26;

/**
 * Doubles as `floatText` spells them. `JSON.stringify` spells the numbers of a block at once with the same digits, at half the price of a string
 * for each; where the rules differ, in exponents and what is no number, the row is spelled on its own. Rows are meant to ascend.
 */
export function putFloats(out: TextBuffer, values: Float64Array | Float32Array): PutCell {
  const numbers: number[] = [];
  const text = new Uint8Array(BLOCK * WIDTH + 2);
  const ends = new Int32Array(BLOCK);
  const encoder = new TextEncoder();
  let from = 0;
  let until = 0;

  const spell = (row: number): void => {
    from = row;
    until = Math.min(values.length, row + BLOCK);
    numbers.length = until - from;
    for (let i = from; i < until; i++) numbers[i - from] = values[i]!;
    const { written } = encoder.encodeInto(JSON.stringify(numbers), text);
    let count = 0;
    for (let at = 1; at < written; at++) if (text[at] === 0x2c || text[at] === 0x5d) ends[count++] = at;
  };

  return (row) => {
    const value = values[row]!;
    const magnitude = Math.abs(value);
    const whole = Math.floor(value) === value;
    if (!(magnitude < 1e16 && (magnitude >= 1e-4 || value === 0)) || Object.is(value, -0)) {
      putAscii(out, floatText(value));
      return;
    }
    if (row < from || row >= until) spell(row);
    const end = ends[row - from]!;
    room(out, WIDTH);
    const { bytes } = out;
    let to = out.length;
    for (let at = row === from ? 1 : ends[row - from - 1]! + 1; at < end; at++) bytes[to++] = text[at]!;
    out.length = to;
    if (whole) {
      putByte(out, 0x2e);
      putByte(out, 0x30);
    }
  };
}
