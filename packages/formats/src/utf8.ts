/** Length of the UTF-8 character at `at`; 0 = not valid UTF-8, -1 = cut off by `end`. */
export function utf8Step(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + 1 >= end) return -1;
  const second = bytes[at + 1]!;
  // overlong forms, surrogates and code points past U+10FFFF show in the second byte
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) {
    if (at + i >= end) return -1;
    if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  }
  return length;
}

const decoder: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of valid UTF-8 bytes. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < 24) {
    // short ASCII is the common case, and a decoder call costs more than it
    let text = "";
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

const encoder: TextEncoder = new TextEncoder();

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}
