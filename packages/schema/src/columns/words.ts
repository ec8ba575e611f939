import type { FixedValues } from "../types.ts";

// Slots are moved as unsigned words: no bit pattern (a NaN's payload) passes through a float, no integer through a bigint, and a loop sees one array
// class whatever the type is. Two 32-bit words make a 64-bit slot.

export type Words = Uint8Array | Uint16Array | Uint32Array;

export function asBytes(values: FixedValues): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export function asHalves(values: FixedValues): Uint16Array {
  return new Uint16Array(values.buffer, values.byteOffset, values.byteLength / 2);
}

export function asWords(values: FixedValues): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
}

/** The widest words that divide the slots. */
export function wordsOf(values: FixedValues): Words {
  return values.BYTES_PER_ELEMENT === 1
    ? asBytes(values)
    : values.BYTES_PER_ELEMENT === 2
      ? asHalves(values)
      : asWords(values);
}

/** Words a slot is made of: 2 for 64-bit slots, else 1. */
export function wordsPerSlot(values: FixedValues): number {
  return values.BYTES_PER_ELEMENT === 8 ? 2 : 1;
}
