/** Orders two byte ranges; of UTF-8 texts that is the order of their code points. */
export const compareBytes = (
  a: Uint8Array,
  startA: number,
  endA: number,
  b: Uint8Array,
  startB: number,
  endB: number,
): number => {
  const common = Math.min(endA - startA, endB - startB);
  for (let i = 0; i < common; i++) {
    const difference = a[startA + i]! - b[startB + i]!;
    if (difference !== 0) return difference;
  }
  return endA - startA - (endB - startB);
};

/** Whether `needle` lies in `data[start, end)`. */
export const containsBytes = (data: Uint8Array, start: number, end: number, needle: Uint8Array): boolean => {
  if (needle.length === 0) return true;
  const first = needle[0]!;
  for (let at = start; at <= end - needle.length; at++) {
    if (data[at] !== first) continue;
    let same = 1;
    while (same < needle.length && data[at + same] === needle[same]) same++;
    if (same === needle.length) return true;
  }
  return false;
};
