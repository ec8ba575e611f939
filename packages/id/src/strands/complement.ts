import { checkBioType } from "../alphabets.ts";
import { IdError } from "../errors.ts";
import { requireText } from "../text.ts";

/** The IUPAC nucleotide codes, each followed by the code of what pairs with it. */
const PAIRS: Readonly<Record<string, string>> = {
  dna: "ATCGRYKMBVDHSSWWNN",
  rna: "AUCGRYKMBVDHSSWWNN",
};

const tables: Record<string, Uint8Array> = {};

/** One entry per byte: its partner in the same case, or 0. Built once per bio type. */
const partners = (bioType: string): Uint8Array => {
  checkBioType(bioType);
  const pairs = PAIRS[bioType];
  if (pairs === undefined)
    throw new IdError(
      "BAD_BIO_TYPE",
      `A ${bioType} has no other strand.`,
      { bioType },
      { hint: "Only dna and rna have one." },
    );
  let table = tables[bioType];
  if (table === undefined) {
    table = tables[bioType] = new Uint8Array(256);
    for (let i = 0; i < pairs.length; i += 2) {
      const [a, b] = [pairs.charCodeAt(i), pairs.charCodeAt(i + 1)];
      table[a] = b;
      table[b] = a;
      // Codes are ASCII capitals: bit 5 is their lower case.
      table[a | 32] = b | 32;
      table[b | 32] = a | 32;
    }
  }
  return table;
};

/**
 * A bulk form: writes the reverse complement of `bytes[start, end)` to `out` from `at` on, and returns -1; or the index in `bytes` of the
 * first byte that is no IUPAC code of the bio type, with `out` in part written. `out` must be other memory than the range. Linear time,
 * no allocation. Throws `BAD_BIO_TYPE` at once for anything but dna and rna.
 */
export function createReverseComplementer(
  bioType: string,
): (bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => number {
  const table = partners(bioType);
  return (bytes, start, end, out, at) => {
    for (let i = start, to = at + (end - start); i < end; i++) {
      const partner = table[bytes[i]!]!;
      if (partner === 0) return i;
      out[--to] = partner;
    }
    return -1;
  };
}

/**
 * The other strand, 5' to 3'; letter case goes along with each base. Of an empty sequence it is empty.
 *
 * @throws IdError `BAD_BIO_TYPE` for anything but dna and rna; `BAD_SYMBOL` for what is no IUPAC code of the bio type: T in rna, U in dna, a gap
 */
export function reverseComplement(sequence: string, bioType: string): string {
  const bytes = new TextEncoder().encode(requireText(sequence));
  const out = new Uint8Array(bytes.length);
  const bad = createReverseComplementer(bioType)(bytes, 0, bytes.length, out, 0);
  // All before it is ASCII, so a byte is a character there.
  if (bad >= 0) throw unpaired(sequence.codePointAt(bad)!, bad, bioType);
  return new TextDecoder().decode(out);
}

/** `BAD_SYMBOL` for a symbol that no strand can answer; `index` counts from 0. */
export function unpaired(codePoint: number, index: number, bioType: string): IdError {
  return badSymbol(codePoint, index, `a base of ${bioType}`);
}

/** `BAD_SYMBOL` for a symbol that is not what was wanted; `index` counts from 0. */
export function badSymbol(codePoint: number, index: number, wanted: string): IdError {
  const symbol = String.fromCodePoint(codePoint);
  const position = index + 1;
  return new IdError("BAD_SYMBOL", `Symbol ${JSON.stringify(symbol)} at position ${position} is not ${wanted}.`, {
    symbol,
    position,
  });
}
