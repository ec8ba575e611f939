import { IdError } from "../errors.ts";

/** The bases each IUPAC code stands for: A 1, C 2, G 4, T and U 8. */
const CODES = "-ACMGRSVTWYHKDBN";

/** One entry per byte: the bases it stands for, or 0. */
let bases: Uint8Array | undefined;

const baseTable = (): Uint8Array => {
  if (bases !== undefined) return bases;
  bases = new Uint8Array(256);
  for (const [code, set] of [...[...CODES].map((letter, i) => [letter, i] as const).slice(1), ["U", 8] as const]) {
    bases[code.charCodeAt(0)] = set;
    bases[code.toLowerCase().charCodeAt(0)] = set;
  }
  return bases;
};

/** The bases that pair with those of a set: A with T, C with G. */
const paired = (set: number): number => ((set & 1) << 3) | ((set & 2) << 1) | ((set & 4) >> 1) | ((set & 8) >> 3);

/**
 * Finds a motif of IUPAC nucleotide codes in ASCII bytes: the finder gives the index of the first place in `[start, end)` where it lies
 * whole, or -1; asked again from one further on, it finds overlapping ones. A symbol of the sequence fits where every base it may stand for
 * is one the code allows: N of a sequence fits N alone. T and U are one letter, in either case. `-` looks for the motif on the other
 * strand; its place is that on this one. Time is at most length times motif.
 *
 * @throws IdError `EMPTY_SEQUENCE`; `BAD_SYMBOL` for what is no code, with its position
 */
export function createMotifFinder(
  motif: string,
  strand: "+" | "-" = "+",
): (bytes: Uint8Array, start: number, end: number) => number {
  const table = baseTable();
  const symbols = [...motif];
  if (symbols.length === 0) throw new IdError("EMPTY_SEQUENCE", "A motif has one symbol at least.", {});
  const wanted = symbols.map((symbol, i) => {
    const set = symbol.length === 1 ? (table[symbol.charCodeAt(0)] ?? 0) : 0;
    if (set !== 0) return set;
    const position = i + 1;
    throw new IdError(
      "BAD_SYMBOL",
      `Symbol ${JSON.stringify(symbol)} at position ${position} is no IUPAC nucleotide code.`,
      { symbol, position },
      { hint: "Codes are A C G T U R Y S W K M B D H V N." },
    );
  });
  const refused = Uint8Array.from(strand === "+" ? wanted : wanted.map(paired).reverse(), (set) => ~set & 15);
  return (bytes, start, end) => {
    for (let at = start; at <= end - refused.length; at++) {
      let same = 0;
      while (same < refused.length) {
        const set = table[bytes[at + same]!]!;
        if (set === 0 || (set & refused[same]!) !== 0) break;
        same++;
      }
      if (same === refused.length) return at;
    }
    return -1;
  };
}
