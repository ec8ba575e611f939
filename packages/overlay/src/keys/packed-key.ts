export const HEX_DIGITS = 40;
/** 32-bit words of a packed key. They are signed, so that each is a small integer to the engine. */
export const WORDS = 5;

/** Value of two ASCII hex digits, the first in the low byte; -1 for anything else, and upper case is something else. */
const BYTE = new Int16Array(1 << 16).fill(-1);
for (let value = 0; value < 256; value++) {
  const digits = value.toString(16).padStart(2, "0");
  BYTE[digits.charCodeAt(0) | (digits.charCodeAt(1) << 8)] = value;
}

/** Packs the 40 digits from `start` into the words from `to`; false = they are not all hex digits. */
export function packKey(words: Int32Array, to: number, bytes: Uint8Array, start: number): boolean {
  let seen = 0;
  for (let w = 0, at = start; w < WORDS; w++, at += 8) {
    const a = BYTE[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const b = BYTE[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
    const c = BYTE[bytes[at + 4]! | (bytes[at + 5]! << 8)]!;
    const d = BYTE[bytes[at + 6]! | (bytes[at + 7]! << 8)]!;
    seen |= a | b | c | d;
    words[to + w] = (a << 24) | (b << 16) | (c << 8) | d;
  }
  return seen >= 0;
}

/** SHA-1 words are their own hash, but ids of strangers may differ in their last digits only. */
export function hashKey(words: Int32Array, at: number): number {
  const h =
    words[at]! ^
    Math.imul(words[at + 1]!, 0x9e3779b1) ^
    Math.imul(words[at + 2]!, 0x85ebca6b) ^
    Math.imul(words[at + 3]!, 0xc2b2ae35) ^
    Math.imul(words[at + 4]!, 0x27d4eb2f);
  return h ^ (h >>> 15);
}

/** Whether two packed keys are the same. */
export function sameKey(a: Int32Array, at: number, b: Int32Array, bt: number): boolean {
  return (
    a[at] === b[bt] &&
    a[at + 1] === b[bt + 1] &&
    a[at + 2] === b[bt + 2] &&
    a[at + 3] === b[bt + 3] &&
    a[at + 4] === b[bt + 4]
  );
}
