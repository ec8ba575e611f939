import { type Code, get, I32, int, openModule, set, simd, tee, wasmModule } from "@usr/id/wasm";
import { putBytes, putRange, room, type TextBuffer } from "../text-buffer.ts";

/** Texts in one array, that of row i being `data[offsets[first + i] .. offsets[first + i + 1])`. */
export interface Texts {
  readonly data: Uint8Array;
  readonly offsets: Int32Array;
  readonly first: number;
}

/** What a row is put together from: text that is the same in all of them, or one for each. */
export type RowPart = Uint8Array | Texts;

/** Places in the memory: for each part where its offsets go on and by how much, the offsets, the bytes to copy, and the rows. */
const PART_BYTES = 8;
const PARTS = 512;
const OFFSETS: number = PARTS * PART_BYTES;
const OFFSETS_BYTES = 128 * 1024;
const BYTES: number = OFFSETS + OFFSETS_BYTES;
const BYTES_BYTES = 256 * 1024;
/** Bytes are copied sixteen at a time: what is read or written too much at the end of a text is of no account. */
const STEP = 16;
const ROWS: number = BYTES + BYTES_BYTES + STEP;
const ROWS_BYTES = 256 * 1024;
const PAGES: number = Math.ceil((ROWS + ROWS_BYTES + STEP) / 65_536);

/** Fewer bytes of rows are put together before the module would be compiled. */
const FEW = 16 * 1024;

/** So many bytes of rows are put together at a time, about. */
export const JOINED_BYTES: number = (ROWS_BYTES / 4) * 3;

/** Puts `rows` rows after each other, each of them its parts from left to right. */
export function joinRows(out: TextBuffer, parts: readonly RowPart[], rows: number): void {
  if (rows === 0 || parts.length === 0 || joinedMany(out, parts, rows)) return;
  for (let row = 0; row < rows; row++) {
    for (const part of parts) {
      if (part instanceof Uint8Array) putBytes(out, part);
      else putRange(out, part.data, part.offsets[part.first + row]!, part.offsets[part.first + row + 1]!);
    }
  }
}

/** In WebAssembly, where there is one and the rows have room in its memory: a text of some ten bytes costs little more than the first of them. */
function joinedMany(out: TextBuffer, parts: readonly RowPart[], rows: number): boolean {
  if (parts.length > PARTS) return false;
  let bytes = 0;
  let offsets = 0;
  let size = 0;
  for (const part of parts) {
    const own = part instanceof Uint8Array ? part.length : part.offsets[part.first + rows]! - part.offsets[part.first]!;
    bytes += own;
    size += part instanceof Uint8Array ? own * rows : own;
    offsets += part instanceof Uint8Array ? 2 : rows + 1;
  }
  if (joiner === undefined && size < FEW) return false;
  if (bytes > BYTES_BYTES || size > ROWS_BYTES || offsets * 4 > OFFSETS_BYTES) return false;
  const opened = openJoiner();
  if (opened === undefined) return false;
  const { memory, words, run } = opened;
  let entry = OFFSETS / 4;
  let at = BYTES;
  for (const [i, part] of parts.entries()) {
    words[i * 2] = entry * 4;
    if (part instanceof Uint8Array) {
      words[i * 2 + 1] = 0;
      memory.set(part, at);
      words[entry++] = at;
      at += part.length;
    } else {
      words[i * 2 + 1] = 4;
      const begin = part.offsets[part.first]!;
      memory.set(part.data.subarray(begin, part.offsets[part.first + rows]!), at);
      for (let row = 0; row < rows; row++) words[entry++] = part.offsets[part.first + row]! - begin + at;
      at += part.offsets[part.first + rows]! - begin;
    }
    words[entry++] = at;
  }
  run(parts.length * PART_BYTES, rows, ROWS);
  room(out, size);
  out.bytes.set(memory.subarray(ROWS, ROWS + size), out.length);
  out.length += size;
  return true;
}

interface Joiner {
  readonly memory: Uint8Array;
  readonly words: Int32Array;
  readonly run: (...values: readonly number[]) => unknown;
}

let joiner: Joiner | null | undefined;

/** Undefined where there is no WebAssembly, or another order of bytes. */
function openJoiner(): Joiner | undefined {
  if (joiner === undefined) {
    const opened = openModule(joinModule, "join");
    const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
    joiner =
      opened === undefined || bigEndian
        ? null
        : { memory: new Uint8Array(opened.memory), words: new Int32Array(opened.memory), run: opened.run };
  }
  return joiner ?? undefined;
}

const [END, LEFT, OUT, PART, OFFSET, FROM, NEXT] = [0, 1, 2, 3, 4, 5, 6] as const;

/** Exports `join(end, rows, out)`: puts the parts, whose places stand before `end`, `rows` times after each other at `out`. */
const joinModule = (): Uint8Array<ArrayBuffer> => {
  const [ADD, SUB, LESS] = [0x6a, 0x6b, 0x49] as const;
  const load = (offset: number): Code => [0x28, 0, offset];
  const loop = (body: Code): Code => [0x03, 0x40, body, 0x0b];
  const again = [0x0d, 0];
  const forward = (local: number, bytes: number): Code => [get(local), int(bytes), ADD, tee(local)];
  const part = [
    // where the next row finds its text
    [get(PART), get(PART), load(0), tee(OFFSET), get(PART), load(4), ADD, 0x36, 0, 0],
    [get(OUT), get(OFFSET), load(4), get(OFFSET), load(0), tee(FROM), SUB, ADD, set(NEXT)],
    loop([
      [get(OUT), get(FROM), simd(0x00), 0, 0, simd(0x0b), 0, 0],
      [get(FROM), int(STEP), ADD, set(FROM)],
      [forward(OUT, STEP), get(NEXT), LESS, again],
    ]),
    [get(NEXT), set(OUT)],
  ];
  const row = [int(0), set(PART), loop([part, forward(PART, PART_BYTES), get(END), LESS, again])];
  const body = [[1, 4, I32], loop([row, get(LEFT), int(1), SUB, tee(LEFT), again]), 0x0b];
  return wasmModule({ name: "join", parameters: 3, answers: false, body, pages: PAGES });
};
