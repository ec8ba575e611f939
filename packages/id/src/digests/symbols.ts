import { checkBioType } from "../alphabets.ts";
import { IdError } from "../errors.ts";
import { badSymbol, createReverseComplementer, unpaired } from "../strands/complement.ts";
import { requireText } from "../text.ts";

/**
 * The upper case ASCII bytes that all cross-reference digests are taken of. Throws `EMPTY_SEQUENCE`, or `BAD_SYMBOL` for anything but the
 * letters A to Z.
 */
export function upperBytes(sequence: string): Uint8Array {
  if (requireText(sequence) === "") throw new IdError("EMPTY_SEQUENCE", "The sequence is empty.", {});
  const bytes = new Uint8Array(sequence.length);
  for (let i = 0; i < sequence.length; i++) {
    const upper = sequence.charCodeAt(i) & ~32;
    if (upper < 65 || upper > 90) throw badSymbol(sequence.codePointAt(i)!, i, "a letter from A to Z");
    bytes[i] = upper;
  }
  return bytes;
}

/** Throws `BAD_BIO_TYPE` unless `bioType` is a nucleic acid: proteins have no second strand and no circular form here. */
export function checkNucleic(bioType: string, digest: string): void {
  checkBioType(bioType);
  if (bioType === "protein")
    throw new IdError(
      "BAD_BIO_TYPE",
      `${digest} is defined for dna and rna, not for ${bioType}.`,
      { bioType, digest },
      { hint: "Use lsseguid, refget or md5 for proteins." },
    );
}

/** The other strand, 5' to 3'. Throws `BAD_SYMBOL` for what is no IUPAC code of the bio type. */
export function otherStrand(bytes: Uint8Array, bioType: string): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const bad = createReverseComplementer(bioType)(bytes, 0, bytes.length, out, 0);
  if (bad >= 0) throw unpaired(bytes[bad]!, bad, bioType);
  return out;
}

/** The lexicographically least rotation, by Booth's algorithm in its two-pointer form: linear time, no extra memory. */
export function leastRotation(bytes: Uint8Array): Uint8Array {
  const n = bytes.length;
  let best = 0;
  let other = 1;
  let same = 0;
  while (best < n && other < n && same < n) {
    const a = bytes[best + same < n ? best + same : best + same - n]!;
    const b = bytes[other + same < n ? other + same : other + same - n]!;
    if (a === b) {
      same++;
      continue;
    }
    if (a > b) best += same + 1;
    else other += same + 1;
    if (best === other) other++;
    same = 0;
  }
  const start = Math.min(best, other);
  const out = new Uint8Array(n);
  out.set(bytes.subarray(start));
  out.set(bytes.subarray(0, start), n - start);
  return out;
}

/** Byte order of two sequences of equal length. */
export function isLess(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}
