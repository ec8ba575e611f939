/** Which rows have a value; the mask exists from the first missing one on. */
export function validity(capacity: number): {
  missing(row: number): void;
  take(length: number): Uint8Array | undefined;
} {
  let bits: Uint8Array | undefined;
  return {
    missing(row) {
      bits ??= new Uint8Array((capacity + 7) >> 3).fill(0xff);
      bits[row >> 3]! &= ~(1 << (row & 7));
    },
    take(length) {
      const mask = bits?.slice(0, (length + 7) >> 3);
      bits = undefined;
      // bits past the end are zero, so that equal columns are equal bytes
      if (mask !== undefined && length % 8 !== 0) mask[mask.length - 1]! &= (1 << (length & 7)) - 1;
      return mask;
    },
  };
}
