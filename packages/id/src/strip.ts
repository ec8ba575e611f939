/** Python's `str.isspace` for ASCII: tab to carriage return, the four separators U+001C-001F, and the blank. */
const isAsciiSpace = (code: number): boolean => (code > 8 && code < 14) || (code > 27 && code < 33);

const isSpace = (code: number): boolean =>
  code < 128
    ? isAsciiSpace(code)
    : code === 0x85 ||
      code === 0xa0 ||
      code === 0x1680 ||
      (code >= 0x2000 && code <= 0x200a) ||
      code === 0x2028 ||
      code === 0x2029 ||
      code === 0x202f ||
      code === 0x205f ||
      code === 0x3000;

/**
 * Removes what Python's `str.strip()` removes from both ends, and nothing else. `String.prototype.trim` differs: it keeps U+001C-001F and
 * U+0085, and removes U+FEFF.
 */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  // Past either end there is no code unit, which is no white space.
  while (isSpace(text.charCodeAt(start))) start++;
  while (isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The code point of the 2 or 3 byte UTF-8 sequence at `at`, as far as white space needs it; other bytes give a value that is no white space. */
const wide = (bytes: Uint8Array, at: number, width: number): number => {
  const lead = bytes[at]!;
  if (width === 2 ? lead !== 0xc2 : lead < 0xe1 || lead > 0xe3) return 0;
  let code = width === 2 ? lead & 31 : lead & 15;
  for (let k = 1; k < width; k++) {
    const next = bytes[at + k]!;
    // Not UTF-8: a letter behind a stray byte is a letter.
    if ((next & 0xc0) !== 0x80) return 0;
    code = (code << 6) | (next & 63);
  }
  return code;
};

/** `strip` on the UTF-8 bytes `[start, end)`: the range that is left. An all-blank range gives an empty one. */
export function stripRange(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  const width = (at: number, limit: number): number => {
    if (isAsciiSpace(bytes[at]!)) return 1;
    for (let n = 2; n < 4 && at + n <= limit; n++) if (isSpace(wide(bytes, at, n))) return n;
    return 0;
  };
  for (let n = 1; n > 0 && start < end; start += n) n = width(start, end);
  for (let n = 1; n > 0 && start < end; end -= n) {
    n = isAsciiSpace(bytes[end - 1]!) ? 1 : 0;
    for (let k = 2; n === 0 && k < 4 && end - k >= start; k++) if (isSpace(wide(bytes, end - k, k))) n = k;
  }
  return [start, end];
}
