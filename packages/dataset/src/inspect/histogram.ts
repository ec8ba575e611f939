/** Bins are kept this fine, and shown half as fine at worst. */
const BINS = 64;
/** The first values decide where the bins begin and how wide they are. */
const FIRST = 1024;

export interface Histogram {
  /** Lower end of the first bin. */
  readonly start: number;
  /** Width of each bin; the last one includes its upper end. */
  readonly width: number;
  /** Values in each bin: all finite values, exactly. */
  readonly counts: readonly number[];
}

/** Exact counts in equal bins, in one pass and constant memory: when a value lies outside, bins are joined in pairs until it lies inside. */
export class HistogramCounter {
  readonly #whole: boolean;
  #first: number[] = [];
  #start = 0;
  #width = 0;
  #counts: number[] | undefined;

  /** `whole` = only whole numbers come, and bins hold equally many of them. */
  constructor(whole: boolean) {
    this.#whole = whole;
  }

  /** A finite number. */
  add(value: number): void {
    if (this.#counts !== undefined) this.#count(value);
    else if (this.#first.push(value) === FIRST) this.#settle();
  }

  /** At most `bins` bins from the least to the greatest value; `undefined` without values. */
  result(bins: number): Histogram | undefined {
    if (this.#first.length === 0 && this.#counts === undefined) return undefined;
    this.#settle();
    let counts = this.#counts ?? [];
    let start = this.#start;
    let width = this.#width;
    const trim = (): void => {
      const from = counts.findIndex((n) => n > 0);
      start += from * width;
      counts = counts.slice(from, counts.findLastIndex((n) => n > 0) + 1);
    };
    for (trim(); counts.length > bins; trim()) {
      counts = pairs(counts);
      width *= 2;
    }
    return { start, width, counts };
  }

  #settle(): void {
    if (this.#counts !== undefined) return;
    const least = this.#first.reduce((a, b) => Math.min(a, b));
    const greatest = this.#first.reduce((a, b) => Math.max(a, b));
    this.#start = least;
    // Divided first, a range of nearly all doubles does not overflow.
    const even = greatest / BINS - least / BINS;
    const width = this.#whole ? Math.floor(even) + 1 : even;
    this.#width =
      width > 0 && least + width > least ? width : Math.max(Math.abs(least), Math.abs(greatest), 1) * 2 ** -40;
    this.#counts = new Array<number>(BINS).fill(0);
    for (const value of this.#first) this.#count(value);
    this.#first = [];
  }

  #count(value: number): void {
    let counts = this.#counts ?? [];
    const at = (): number => Math.floor(value / this.#width - this.#start / this.#width);
    while (at() < 0) {
      // Room below: the bins move up by half and the start down by as much.
      counts = [...new Array<number>(BINS / 2).fill(0), ...pairs(counts)];
      this.#start -= BINS * this.#width;
      this.#width *= 2;
    }
    while (at() > BINS || (at() === BINS && value > this.#start + BINS * this.#width)) {
      counts = [...pairs(counts), ...new Array<number>(BINS / 2).fill(0)];
      this.#width *= 2;
    }
    const bin = Math.min(at(), BINS - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
    this.#counts = counts;
  }
}

const pairs = (counts: readonly number[]): number[] =>
  Array.from({ length: Math.ceil(counts.length / 2) }, (_, i) => (counts[2 * i] ?? 0) + (counts[2 * i + 1] ?? 0));
