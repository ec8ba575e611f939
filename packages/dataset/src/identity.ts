import { ALPHABETS, type Alphabet, type BioType } from "@usr/id";

/** Bytes of an id, and of every digest that rows are told by: SHA-1 in hex. */
export const ID_LENGTH = 40;

export function isBioType(text: string | undefined): text is BioType {
  return text === "dna" || text === "rna" || text === "protein";
}

export function isAlphabet(text: string | undefined): text is Alphabet {
  return text !== undefined && Object.hasOwn(ALPHABETS, text);
}
