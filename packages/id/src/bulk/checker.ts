import { ALPHABETS, type Alphabet, createChecker, isAlphabet } from "../alphabets.ts";
import { ADD, type Code, get, int, openModule, PAGE, set, simd, V128, wasmModule } from "../wasm/module.ts";

/** Bytes looked at together. */
const BLOCK = 16;
/** Shorter ranges are looked at one by one. */
const SHORT = 256;
/** Two tables of 16 bytes stand at the begin of the memory, then the bytes to check. */
const INPUT = 64;
const INPUT_BYTES: number = 4 * PAGE - INPUT;

/**
 * `createChecker` for long ranges: 16 symbols at once where the runtime has vector instructions for WebAssembly, from the first range on that has 16 KiB. Throws `BAD_ALPHABET` as it
 * does.
 */
export function createBulkChecker(
  alphabet: Alphabet | (string & {}),
  bioType?: string | undefined,
): (bytes: Uint8Array, start: number, end: number) => number {
  const check = createChecker(alphabet, bioType);
  let many: ReturnType<typeof createChecker> | undefined;
  return (bytes, start, end) => {
    if (many === undefined && end - start >= LONG) many = bySixteen(alphabet, check);
    return (many ?? check)(bytes, start, end);
  };
}

/** Before the first range of so many bytes the module for long ranges is not written and compiled. */
const LONG = 16_384;

/** The tables that stand in the memory of the module. */
let told: Uint8Array | undefined;

function bySixteen(alphabet: string, check: ReturnType<typeof createChecker>): ReturnType<typeof createChecker> {
  const opened = openModule(checkModule, "check");
  if (opened === undefined || !isAlphabet(alphabet)) return check;
  const { memory, run } = opened;
  const input = new Uint8Array(memory);
  const symbols = tables(ALPHABETS[alphabet].symbols);
  return (bytes, start, end) => {
    if (told !== symbols) input.set(symbols);
    told = symbols;
    for (let at = start; at < end; ) {
      const size = end - at < SHORT ? end - at : Math.min(INPUT_BYTES, end - at) & -BLOCK;
      let suspect = at;
      if (size >= SHORT) {
        input.set(bytes.subarray(at, at + size), INPUT);
        suspect = at + Number(run(INPUT, INPUT + size)) - INPUT;
      }
      if (suspect < at + size) {
        const found = check(bytes, suspect, at + size);
        if (found >= 0) return found;
      }
      at += size;
    }
    return -1;
  };
}

/**
 * Symbols by the halves of their bytes: each upper half that letters have gets a bit, and a byte is a symbol where the bit of its upper half is
 * among those of its lower half.
 */
const tables = (symbols: string): Uint8Array => {
  const out = new Uint8Array(32);
  for (const symbol of symbols + symbols.toLowerCase()) {
    const byte = symbol.charCodeAt(0);
    const bit = 1 << ((byte >> 4) - 4);
    out[byte & 15]! |= bit;
    out[16 + (byte >> 4)]! |= bit;
  }
  return out;
};

const [AT, END, LOWER, UPPER, BYTES] = [0, 1, 2, 3, 4] as const;

/** Exports `check(at, end)`: where the first 16 bytes start that are not all symbols, or `end`. */
const checkModule = (): Uint8Array<ArrayBuffer> => {
  const load = (offset: number): Code => [simd(0x00), 0, offset];
  const swizzle = simd(0x0e);
  const body = [
    [1, 3, V128],
    [int(0), load(0), set(LOWER), int(0), load(16), set(UPPER)],
    // a block to leave and a loop in it
    [0x02, 0x40, 0x03, 0x40],
    [get(AT), get(END), 0x4f, 0x0d, 1],
    [get(AT), load(0), set(BYTES)],
    [get(LOWER), get(BYTES), int(15), simd(0x0f), simd(0x4e), swizzle],
    [get(UPPER), get(BYTES), int(4), simd(0x6d), swizzle],
    [simd(0x4e), simd(0x63), 0x45, 0x0d, 1],
    [get(AT), int(BLOCK), ADD, set(AT), 0x0c, 0],
    [0x0b, 0x0b, get(AT), 0x0b],
  ];
  return wasmModule({ name: "check", parameters: 2, answers: true, body, pages: (INPUT + INPUT_BYTES) / PAGE });
};
