/** A stretch of the record, 0-based and half open. */
export interface Interval {
  readonly start: number;
  readonly end: number;
  /** 1, -1, or nothing where the record has one strand only (protein). */
  readonly strand: 1 | -1 | undefined;
  /** A bound is not exact: `<1`, `>5`, `(3.7)`, `one-of(3,7)`. */
  readonly partial: boolean;
}

/** What a location text says about this record. Places in other records (`J00194.1:1..9`) give no interval. */
export interface Location {
  readonly kind: string;
  readonly isCompound: boolean;
  /** In the order of the feature's own strand: `complement(join(a,b))` is b, then a. */
  readonly intervals: readonly Interval[];
}

export interface LocationContext {
  /** Symbols of the record. */
  readonly length: number;
  readonly circular: boolean;
  readonly stranded: boolean;
}

interface Position {
  readonly low: number;
  readonly high: number;
  readonly exact: boolean;
}

const OPERATORS = ["join", "order", "bond"] as const;
/** Nested deeper than any program writes; a text is not made of brackets. */
const MAX_DEPTH = 64;
/** More parts, and choices of a position, than any program writes; few enough to be arguments of one call. */
const MAX_PARTS = 32_768;

/**
 * Reads a location of the INSDC feature table. Throws `RangeError` with the rule that is broken; whoever called knows the place.
 * Linear in the text.
 */
export const parseLocation = (raw: string, context: LocationContext): Location => {
  const text = raw.replaceAll(/\s+/g, "");
  let at = 0;
  let parts = 0;
  let operator: string | undefined;

  const fail = (rule: string): never => {
    throw new RangeError(rule);
  };
  const take = (token: string): boolean => {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const another = (): boolean => {
    if (!take(",")) return false;
    if (++parts >= MAX_PARTS) fail(`a location has no more than ${MAX_PARTS} parts`);
    return true;
  };
  const expect = (token: string): void => {
    if (!take(token)) fail(`a location has ${JSON.stringify(token)} at character ${at + 1}`);
  };
  const number = (): number => {
    const [digits] = /^\d{1,15}/.exec(text.slice(at, at + 16)) ?? [];
    if (digits === undefined) return fail(`a location has a position at character ${at + 1}`);
    at += digits.length;
    return Number(digits);
  };
  const position = (): Position => {
    if (take("(")) {
      const low = number();
      expect(".");
      const high = number();
      expect(")");
      return { low, high, exact: false };
    }
    if (take("one-of(")) {
      const choices = [number()];
      while (another()) choices.push(number());
      expect(")");
      return { low: Math.min(...choices), high: Math.max(...choices), exact: false };
    }
    const fuzzy = take("<") || take(">");
    const value = number();
    return { low: value, high: value, exact: !fuzzy };
  };
  const simple = (reverse: boolean): readonly Interval[] => {
    // "gap(10)" and "gap(unk100)" stand for nothing of this record.
    const [remote] = /^[A-Za-z][A-Za-z0-9_.|-]*:/.exec(text.slice(at, at + 80)) ?? [];
    if (remote !== undefined) at += remote.length;
    const from = position();
    const strand = context.stranded ? (reverse ? -1 : 1) : undefined;
    if (take("^")) {
      const to = position();
      // Between two neighbours: nothing is covered. The last and the first symbol of a circle are neighbours.
      if (remote !== undefined) return [];
      if (to.low !== from.low + 1 && !(context.circular && from.low === context.length && to.low === 1))
        fail(`${from.low}^${to.low} is not between two neighbours`);
      return [bounded({ start: from.low, end: from.low, strand, partial: !from.exact || !to.exact })];
    }
    const range = take("..");
    // An old form: one symbol somewhere between the two.
    const within = !range && take(".");
    const to = range || within ? position() : from;
    if (remote !== undefined) return [];
    const partial = !from.exact || !to.exact || within;
    const [start, end] = [from.low - 1, to.high];
    if (start < end) return [bounded({ start, end, strand, partial })];
    if (!context.circular) return fail(`${from.low}..${to.high} ends before it starts, and the record is not circular`);
    const pieces = [
      bounded({ start, end: context.length, strand, partial }),
      bounded({ start: 0, end, strand, partial }),
    ];
    operator ??= "join";
    return reverse ? pieces.reverse() : pieces;
  };
  const bounded = (interval: Interval): Interval => {
    if (interval.start < 0) fail("positions count from 1");
    if (interval.start > context.length || interval.end > context.length)
      fail(
        `position ${Math.max(interval.start + 1, interval.end)} lies beyond the ${context.length} symbols of the record`,
      );
    return interval;
  };
  const expression = (reverse: boolean, depth: number): readonly Interval[] => {
    if (depth > MAX_DEPTH) fail(`a location is nested no deeper than ${MAX_DEPTH}`);
    if (take("complement(")) {
      const inner = expression(!reverse, depth + 1);
      expect(")");
      return inner;
    }
    if (take("gap(")) {
      const end = text.indexOf(")", at);
      if (end < 0) fail("a bracket is not closed");
      at = end + 1;
      return [];
    }
    const name = OPERATORS.find((known) => take(`${known}(`));
    if (name === undefined) return simple(reverse);
    operator ??= name;
    const pieces = [expression(reverse, depth + 1)];
    while (another()) pieces.push(expression(reverse, depth + 1));
    expect(")");
    return (reverse ? pieces.reverse() : pieces).flat();
  };

  const intervals = expression(false, 0);
  if (at < text.length) fail(`a location ends at character ${at + 1}`);
  const isCompound = operator !== undefined;
  return { kind: isCompound ? `compound_${operator}` : "interval", isCompound, intervals };
};
