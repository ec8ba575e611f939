import { nativeZlib } from "../native.ts";

let table: Uint32Array | undefined;

function makeTable(): Uint32Array {
  const out = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    out[n] = c >>> 0;
  }
  return out;
}

/** CRC-32 of gzip and of Parquet's page checksums, unsigned. */
export function crc32(bytes: Uint8Array): number {
  const native = nativeZlib()?.crc32;
  if (native !== undefined) return native(bytes);
  table ??= makeTable();
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
