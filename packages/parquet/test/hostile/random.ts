/** A whole number in `[0, below)`. */
export type Pick = (below: number) => number;

/** Seeded, so that a case can be repeated by its number alone. */
export function picker(seed: number, number: number): Pick {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function oneOf<T>(pick: Pick, items: readonly T[]): T {
  const item = items[pick(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

/** Numbers at the borders of what a count, size or offset may be, near `value`, and small ones. */
export function borderNumber(pick: Pick, value: number): number {
  return oneOf(pick, [
    0,
    -1,
    1,
    value + 1,
    value - 1,
    value * 2,
    Math.floor(value / 2),
    -value,
    pick(64),
    pick(4096),
    2 ** (pick(31) + 1) - pick(2),
    65_536,
    2 ** 31 - 1,
    -(2 ** 31),
  ]);
}
