import { IdError } from "./errors.ts";

export type BioType = "dna" | "rna" | "protein";
export type Alphabet = "dna_4" | "dna_5" | "rna_4" | "rna_5" | "protein_20" | "protein_21";

const PROTEIN = "ACDEFGHIKLMNPQRSTVWY";

/** The six alphabets, with the bio type each belongs to. Symbols are listed in upper case; either case is legal and is kept. */
export const ALPHABETS: Readonly<Record<Alphabet, { readonly bioType: BioType; readonly symbols: string }>> = {
  dna_4: { bioType: "dna", symbols: "ACGT" },
  dna_5: { bioType: "dna", symbols: "ACGTN" },
  rna_4: { bioType: "rna", symbols: "ACGU" },
  rna_5: { bioType: "rna", symbols: "ACGUN" },
  protein_20: { bioType: "protein", symbols: PROTEIN },
  protein_21: { bioType: "protein", symbols: `${PROTEIN}X` },
};

const BIO_TYPES: readonly string[] = ["dna", "rna", "protein"];

/** Throws `BAD_BIO_TYPE` unless `bioType` is exactly one of the three. */
export function checkBioType(bioType: string): void {
  if (!BIO_TYPES.includes(bioType))
    throw new IdError(
      "BAD_BIO_TYPE",
      `Bio type ${JSON.stringify(bioType)} is not known.`,
      { bioType },
      {
        hint: `Use one of ${BIO_TYPES.join(", ")}, in lower case.`,
      },
    );
}

export const isAlphabet = (name: string): name is Alphabet => Object.hasOwn(ALPHABETS, name);

/** One entry per byte: 1 = legal symbol, in either case. Built once per alphabet. */
const tables: Partial<Record<Alphabet, Uint8Array>> = {};

/** The 256-entry table of an alphabet. Throws `BAD_ALPHABET` for an unknown one, or one of another bio type than the given one. */
export function symbolTable(alphabet: string, bioType: string | undefined): Uint8Array {
  if (!isAlphabet(alphabet) || (bioType !== undefined && ALPHABETS[alphabet].bioType !== bioType)) {
    const fit = Object.entries(ALPHABETS).filter(([, a]) => bioType === undefined || a.bioType === bioType);
    throw new IdError(
      "BAD_ALPHABET",
      `${JSON.stringify(alphabet)} is not an alphabet${isAlphabet(alphabet) ? ` of ${bioType}` : ""}.`,
      { alphabet, bioType },
      { hint: `Use one of ${fit.map(([name]) => name).join(", ")}.` },
    );
  }
  let table = tables[alphabet];
  if (table === undefined) {
    table = tables[alphabet] = new Uint8Array(256);
    // Symbols are ASCII capitals: bit 5 is their lower case.
    for (const symbol of ALPHABETS[alphabet].symbols)
      table[symbol.charCodeAt(0)] = table[symbol.charCodeAt(0) | 32] = 1;
  }
  return table;
}

/**
 * A bulk check: the index of the first byte of `bytes[start, end)` that is no symbol of the alphabet, or -1. Throws `BAD_ALPHABET` at once
 * where the alphabet is unknown, or is not one of `bioType` (if given).
 */
export function createChecker(
  alphabet: Alphabet | (string & {}),
  bioType?: string | undefined,
): (bytes: Uint8Array, start: number, end: number) => number {
  const table = symbolTable(alphabet, bioType);
  return (bytes, start, end) => {
    for (let i = start; i < end; i++) if (table[bytes[i]!] === 0) return i;
    return -1;
  };
}
