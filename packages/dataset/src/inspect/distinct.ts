import { createHasher } from "@usr/id";
import { ID_LENGTH } from "../identity.ts";

/** Up to so many different values of a column are counted exactly. */
const EXACT = 10_000;
/** A longer text is kept as its digest, so that ten thousand genomes take no more room than ten thousand ids. */
const LONGEST = 64;
/** 2^14 registers: a standard error of 1.04 / sqrt(2^14) = 0.8 %. */
const REGISTER_BITS = 14;
const REGISTERS = 1 << REGISTER_BITS;

/**
 * Counts different texts in bounded memory: exactly while there are few, then by HyperLogLog (Flajolet et al. 2007) over a 53-bit hash.
 */
export class DistinctCounter {
  #exact: Set<string> | undefined = new Set();
  #registers: Uint8Array | undefined;

  add(text: string): void {
    const key = text.length > LONGEST ? digestOf(text) : text;
    if (this.#exact === undefined) {
      this.#register(key);
      return;
    }
    this.#exact.add(key);
    if (this.#exact.size <= EXACT) return;
    for (const known of this.#exact) this.#register(known);
    this.#exact = undefined;
  }

  get exact(): boolean {
    return this.#exact !== undefined;
  }

  get count(): number {
    if (this.#exact !== undefined) return this.#exact.size;
    const registers = this.#registers ?? new Uint8Array(REGISTERS);
    let harmonic = 0;
    let empty = 0;
    for (const rank of registers) {
      harmonic += 2 ** -rank;
      if (rank === 0) empty++;
    }
    const raw = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS * REGISTERS) / harmonic;
    // Few values leave registers empty, and counting those is then the better estimate.
    const estimate = raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw;
    return Math.round(estimate);
  }

  #register(key: string): void {
    this.#registers ??= new Uint8Array(REGISTERS);
    const [high, low] = hash(key);
    const register = low & (REGISTERS - 1);
    // The hash bits that did not choose the register: 18 of the low word, then 32 of the high one.
    const rest = low >>> REGISTER_BITS;
    const rank = rest === 0 ? 18 + Math.clz32(high) + 1 : Math.clz32(rest) - REGISTER_BITS + 1;
    if (rank > this.#registers[register]!) this.#registers[register] = rank;
  }
}

const hasher = createHasher("dna");

/** The SHA-1 of a text as ids are made, in more characters than any text that stands for itself. */
const digestOf = (text: string): string => {
  const bytes = new TextEncoder().encode(text);
  const hex = new Uint8Array(ID_LENGTH);
  hasher(bytes, 0, bytes.length, hex, 0);
  return new TextDecoder("latin1").decode(hex).padEnd(LONGEST + 1);
};

/** Two 32-bit words that depend on every character (the cyrb53 construction: two multiplicative hashes, mixed at the end). */
const hash = (text: string): readonly [high: number, low: number] => {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return [b >>> 0, a >>> 0];
};
