import type { DecodeLimits } from "./types.ts";

export type Limits = { readonly [K in keyof Required<DecodeLimits>]: number };

export function resolveLimits(o: DecodeLimits = {}): Limits {
  return {
    footerBytes: o.footerBytes ?? 64 * 2 ** 20,
    footerValues: o.footerValues ?? 16 * 2 ** 20,
    columns: o.columns ?? 16_384,
    rowGroups: o.rowGroups ?? 262_144,
    chunkBytes: o.chunkBytes ?? 64 * 2 ** 30,
    pageBytes: o.pageBytes ?? 2 ** 30,
    pageValues: o.pageValues ?? 64 * 2 ** 20,
    heldBytes: o.heldBytes ?? 64 * 2 ** 30,
    expansion: o.expansion ?? 65_536,
  };
}

/** Uncompressed size that `compressed` bytes may declare. */
export function expansionLimit(compressed: number, limits: Limits): number {
  return 2 ** 20 + compressed * limits.expansion;
}
