/** Puts one row of a column; only for rows that have a value. */
export type PutCell = (row: number) => void;

/** Text in the making: bytes that grow at their end, with a view for whole words. */
export interface TextBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  length: number;
}

/** Bytes to gather before they are passed on. */
export const FLUSH: number = 3 << 18;

/** By default with room for the rows that reach the mark. */
export function textBuffer(capacity: number = FLUSH + (FLUSH >> 2)): TextBuffer {
  const bytes = new Uint8Array(capacity);
  return { bytes, view: new DataView(bytes.buffer), length: 0 };
}

/** What is in the buffer, which starts anew with memory of its own. */
export function take(out: TextBuffer): Uint8Array {
  const taken = out.bytes.subarray(0, out.length);
  Object.assign(out, textBuffer());
  return taken;
}

/** Makes room for `more` bytes after `length`. */
export function room(out: TextBuffer, more: number): void {
  const needed = out.length + more;
  if (needed <= out.bytes.length) return;
  const grown = new Uint8Array(Math.max(needed, out.bytes.length * 2));
  grown.set(out.bytes.subarray(0, out.length));
  out.bytes = grown;
  out.view = new DataView(grown.buffer);
}

export function putByte(out: TextBuffer, byte: number): void {
  if (out.length === out.bytes.length) room(out, 1);
  out.bytes[out.length++] = byte;
}

export function putBytes(out: TextBuffer, bytes: Uint8Array): void {
  room(out, bytes.length);
  // short mostly: a loop costs less than the call
  if (bytes.length > 48) out.bytes.set(bytes, out.length);
  else for (let i = 0; i < bytes.length; i++) out.bytes[out.length + i] = bytes[i]!;
  out.length += bytes.length;
}

/** The bytes `[start, end)`. Short ranges are copied in a loop: a view of them costs more. */
export function putRange(out: TextBuffer, bytes: Uint8Array, start: number, end: number): void {
  room(out, end - start);
  const target = out.bytes;
  let at = out.length;
  if (end - start > 48) target.set(bytes.subarray(start, end), at);
  else for (let i = start; i < end; i++) target[at++] = bytes[i]!;
  out.length += end - start;
}

/** Text of one byte a character. */
export function putAscii(out: TextBuffer, text: string): void {
  room(out, text.length);
  const { bytes } = out;
  let at = out.length;
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  out.length = at;
}

/** A whole number of at most 32 bits, signed or not. */
export function putInteger(out: TextBuffer, value: number): void {
  room(out, 11);
  const { bytes } = out;
  let at = out.length;
  let rest = value;
  if (value < 0) {
    bytes[at++] = 0x2d;
    rest = -value;
  }
  let digits = 1;
  for (let power = 10; power <= rest; power *= 10) digits++;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    bytes[i] = 0x30 + rest - next * 10;
    rest = next;
  }
  out.length = at + digits;
}

/** Bytes to copy from, with a view for whole words. */
export interface TextSource {
  readonly data: Uint8Array;
  readonly view: DataView;
}

export function textSource(data: Uint8Array): TextSource {
  return { data, view: new DataView(data.buffer, data.byteOffset, data.length) };
}

/**
 * Copies `[start, end)` up to the first byte that is marked in `special`, and returns where that is; `end` = all was copied. `special`
 * marks no byte from `-` (0x2d) to `~` (0x7e) but the backslash: four of those at a time are copied without looking each up.
 */
export function putPlain(
  out: TextBuffer,
  { data, view: source }: TextSource,
  start: number,
  end: number,
  special: Uint8Array,
): number {
  room(out, end - start);
  const { bytes, view } = out;
  let at = out.length;
  let i = start;
  while (i < end) {
    if (i + 4 <= end) {
      const word = source.getInt32(i, true);
      if (isPlainWord(word)) {
        view.setInt32(at, word, true);
        i += 4;
        at += 4;
        continue;
      }
    }
    for (const stop = Math.min(i + 4, end); i < stop; i++) {
      const byte = data[i]!;
      if (special[byte] === 1) {
        out.length = at;
        return i;
      }
      bytes[at++] = byte;
    }
  }
  out.length = at;
  return end;
}

/** Whether four bytes lie between `-` and `~` and none is a backslash: each term has its high bits set where that holds. */
export function isPlainWord(word: number): boolean {
  const atLeast = word + 0x53535353;
  const noBackslash = (word ^ 0x5c5c5c5c) + 0x7f7f7f7f;
  const atMost = ~word & ~(word + 0x01010101);
  return (atLeast & noBackslash & atMost & 0x80808080) === (0x80808080 | 0);
}
