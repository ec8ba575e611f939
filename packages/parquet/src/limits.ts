/** What a file may make a reader allocate. Every declared size is held against these before memory is taken. */
export interface DecodeLimits {
  /** Encoded footer; default 64 MiB. */
  readonly footerBytes?: number | undefined;
  /** Decoded footer, in values (a struct counts 8); default 16 Mi. */
  readonly footerValues?: number | undefined;
  /** Leaf columns; default 16,384. */
  readonly columns?: number | undefined;
  /** Row groups; default 262,144. */
  readonly rowGroups?: number | undefined;
  /** Declared uncompressed bytes of one column chunk; default 64 GiB (chunks are decoded page by page). */
  readonly chunkBytes?: number | undefined;
  /** Declared uncompressed bytes of one page; default 1 GiB. */
  readonly pageBytes?: number | undefined;
  /** Declared values of one page; default 64 Mi. */
  readonly pageValues?: number | undefined;
  /**
   * Declared uncompressed bytes of the pages that one reading holds decoded at a time, over all its columns; default 64 GiB. A row group more
   * may be under way.
   */
  readonly heldBytes?: number | undefined;
  /** Uncompressed bytes per compressed byte above the first MiB of a chunk or page; default 65,536 (zstd itself ends at 32,768). */
  readonly expansion?: number | undefined;
}

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
