import { corrupt } from "../error.ts";
import { nativeBuffer } from "../native.ts";

/** Throws `CORRUPT` unless every text of the column is UTF-8 of its own. */
export function checkUtf8(data: Uint8Array, offsets: Int32Array): void {
  const native = nativeBuffer();
  // In ASCII any border is one between characters.
  if (native?.isAscii?.(data) === true) return;
  if (!(native?.isUtf8 === undefined ? isUtf8(data) : native.isUtf8(data)))
    throw corrupt("a text column holds bytes that are not UTF-8");
  // The whole is valid, so each part is, unless a border lies inside of a character.
  for (let i = 1; i < offsets.length - 1; i++) {
    const at = offsets[i]!;
    if (at < data.length && (data[at]! & 0xc0) === 0x80) throw corrupt("a text column holds bytes that are not UTF-8");
  }
}

function isUtf8(data: Uint8Array): boolean {
  let high = 0;
  for (let i = 0; i < data.length; i++) high |= data[i]!;
  if (high < 0x80) return true;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const step = 1 << 20;
  try {
    for (let at = 0; at < data.length; at += step) decoder.decode(data.subarray(at, at + step), { stream: true });
    decoder.decode();
    return true;
  } catch {
    return false;
  }
}
