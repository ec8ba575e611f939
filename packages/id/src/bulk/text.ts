/** The two hex digits of every byte, in the order of the text whatever the machine's. */
const DIGITS = new Uint16Array(256);
const digits = new Uint8Array(DIGITS.buffer);
for (let byte = 0; byte < 256; byte++) {
  const text = byte.toString(16).padStart(2, "0");
  digits[byte * 2] = text.charCodeAt(0);
  digits[byte * 2 + 1] = text.charCodeAt(1);
}

/** The first `count` ids of `words`, five words each, as 40 ASCII hex digits each, end to end. */
export function idText(words: Int32Array, count: number): Uint8Array<ArrayBuffer> {
  const out = new Uint16Array(count * 20);
  let to = 0;
  for (let i = 0; i < count * 5; i++) {
    const word = words[i]!;
    out[to] = DIGITS[word >>> 24]!;
    out[to + 1] = DIGITS[(word >>> 16) & 255]!;
    out[to + 2] = DIGITS[(word >>> 8) & 255]!;
    out[to + 3] = DIGITS[word & 255]!;
    to += 4;
  }
  return new Uint8Array(out.buffer);
}
