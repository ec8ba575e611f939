/** Repetition levels of lists that all have `width` elements: a 0 at `phase`, `phase + width`, … and 1 elsewhere. */
export interface EvenLevels {
  readonly width: number;
  /** Entries before the first row that starts here: the rest of one that started in an earlier page. */
  readonly phase: number;
}

/**
 * Sees from the runs of `bytes[start..end)`, without writing them out, whether `count` repetition levels of one bit are those of lists of
 * one width, 2 or more. `undefined` = they are not, or tell too little, or are broken: the general way decides.
 */
export function evenLevels(bytes: Uint8Array, start: number, end: number, count: number): EvenLevels | undefined {
  let at = start;
  let done = 0;
  let phase = -1;
  let last = -1;
  let width = 0;
  while (done < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28) return undefined;
      const b = bytes[at++]!;
      header += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) break;
    }
    const packed = (header & 1) === 1;
    const groups = packed ? (header - 1) / 2 : 1;
    const length = packed ? groups * 8 : header / 2;
    if (length === 0 || at + groups > end) return undefined;
    if (!packed) {
      const value = bytes[at++]!;
      if (value !== 1 && (value !== 0 || length > 1)) return undefined;
      if (value === 0) {
        if (phase < 0) phase = done;
        else if (width === 0) width = done - last;
        else if (done - last !== width) return undefined;
        last = done;
      }
      done += length;
      continue;
    }
    for (let group = 0; group < groups && done < count; group++, done += 8) {
      // Bits past the count are padding.
      const room = count - done;
      let zeros = ~bytes[at + group]! & (room < 8 ? (1 << room) - 1 : 255);
      for (; zeros !== 0; zeros &= zeros - 1) {
        const place = done + 31 - Math.clz32(zeros & -zeros);
        if (phase < 0) phase = place;
        else if (width === 0) width = place - last;
        else if (place - last !== width) return undefined;
        last = place;
      }
    }
    at += groups;
  }
  // The last row may go on in the next page, and the one before the first began in the page before: neither can be longer.
  return width < 2 || phase >= width || count - last > width ? undefined : { width, phase };
}

/** The levels written out. */
export function writtenOut({ width, phase }: EvenLevels, count: number): Uint8Array {
  const levels = new Uint8Array(count).fill(1);
  for (let at = phase; at < count; at += width) levels[at] = 0;
  return levels;
}

/** Rows that start before entry `end`. */
export function rowsBefore({ width, phase }: EvenLevels, end: number): number {
  return end <= phase ? 0 : Math.ceil((end - phase) / width);
}
