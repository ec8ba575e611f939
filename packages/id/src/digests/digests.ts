import { sha1 } from "../sha1.ts";
import { md5Bytes } from "./md5.ts";
import { sha512Bytes } from "./sha512.ts";
import { checkNucleic, isLess, leastRotation, otherStrand, upperBytes } from "./symbols.ts";

/** RFC 4648 base64url without padding. */
const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const sha1Base64url = (bytes: Uint8Array): string => {
  const state = new Int32Array(5);
  sha1(state, new Uint8Array(0), bytes, 0, bytes.length);
  const out = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => {
    out.setInt32(i * 4, word);
  });
  return base64url(new Uint8Array(out.buffer));
};

/** The two strands as SEGUID v2 joins them: the lesser one, a semicolon, the other. */
const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const [first, second] = isLess(a, b) ? [a, b] : [b, a];
  const out = new Uint8Array(a.length * 2 + 1);
  out.set(first);
  out[a.length] = 0x3b;
  out.set(second, a.length + 1);
  return out;
};

/** GA4GH refget identifier: `SQ.` and the first 24 bytes of SHA-512 of the upper case sequence, base64url. */
export function refget(sequence: string): string {
  return `SQ.${base64url(sha512Bytes(upperBytes(sequence)).subarray(0, 24))}`;
}

/** MD5 of the upper case sequence in lowercase hex, as refget servers and SAM headers (`M5`) use it. */
export function md5(sequence: string): string {
  return Array.from(md5Bytes(upperBytes(sequence)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SEGUID v2 of a linear single strand, or of a protein: `lsseguid=` and the base64url SHA-1 of the upper case sequence. */
export function lsseguid(sequence: string): string {
  return `lsseguid=${sha1Base64url(upperBytes(sequence))}`;
}

/** SEGUID v2 of a circular single strand: the digest of the least rotation. `BAD_BIO_TYPE` for proteins. Linear time. */
export function csseguid(sequence: string, bioType: string): string {
  checkNucleic(bioType, "csseguid");
  return `csseguid=${sha1Base64url(leastRotation(upperBytes(sequence)))}`;
}

/** SEGUID v2 of a blunt linear double strand, given by one of its strands. `BAD_BIO_TYPE` for proteins, `BAD_SYMBOL` for a base without partner. */
export function ldseguid(sequence: string, bioType: string): string {
  checkNucleic(bioType, "ldseguid");
  const watson = upperBytes(sequence);
  return `ldseguid=${sha1Base64url(joined(watson, otherStrand(watson, bioType)))}`;
}

/**
 * SEGUID v2 of a circular double strand, given by one of its strands, at any rotation: the lesser of the two least rotations, joined with
 * its own reverse complement. `BAD_BIO_TYPE` for proteins, `BAD_SYMBOL` for a base without partner. Linear time.
 */
export function cdseguid(sequence: string, bioType: string): string {
  checkNucleic(bioType, "cdseguid");
  const watson = upperBytes(sequence);
  const a = leastRotation(watson);
  const b = leastRotation(otherStrand(watson, bioType));
  const least = isLess(a, b) ? a : b;
  return `cdseguid=${sha1Base64url(joined(least, otherStrand(least, bioType)))}`;
}
