import { type BioType, checkBioType } from "./alphabets.ts";
import { sha1 } from "./sha1.ts";
import { requireText } from "./text.ts";

const HEX = new TextEncoder().encode("0123456789abcdef");

/**
 * A bulk hasher: writes the id of the normalised UTF-8 sequence `bytes[start, end)` as 40 ASCII bytes to `out` at `at`. Allocates nothing
 * per call; linear in the length. Throws `BAD_BIO_TYPE` at once where the bio type is unknown.
 */
export function createHasher(
  bioType: BioType | (string & {}),
): (bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => void {
  checkBioType(bioType);
  const prefix = new TextEncoder().encode(`${bioType}|`);
  const state = new Int32Array(5);
  return (bytes, start, end, out, at) => {
    sha1(state, prefix, bytes, start, end);
    for (let word = 0; word < 5; word++) {
      const value = state[word]!;
      for (let shift = 28; shift >= 0; shift -= 4) out[at++] = HEX[(value >>> shift) & 15]!;
    }
  };
}

/**
 * The id of a normalised sequence: lowercase hex SHA-1 of the UTF-8 text `bioType|sequenceNorm`. Hashes what it is given: pass it the
 * result of `normalizeSequence`. Throws `BAD_BIO_TYPE` where the bio type is unknown, TypeError for
 * what is no text: `undefined` must not get an id.
 */
export function sequenceId(bioType: BioType | (string & {}), sequenceNorm: string): string {
  const hash = createHasher(bioType);
  const bytes = new TextEncoder().encode(requireText(sequenceNorm));
  const out = new Uint8Array(40);
  hash(bytes, 0, bytes.length, out, 0);
  return new TextDecoder().decode(out);
}
