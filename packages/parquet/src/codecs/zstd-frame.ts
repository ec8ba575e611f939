// The little of RFC 8878 that is needed to put frames together without the compressor, and to tell where one ends.

/** A frame with the bytes as they are, at most 255, as zstd itself makes one of what does not shrink: magic, size of the content, a last raw block. */
export function storedFrame(bytes: Uint8Array): Uint8Array {
  const size = bytes.length;
  const out = new Uint8Array(9 + size);
  out.set([0x28, 0xb5, 0x2f, 0xfd, 0x20, size, ((size << 3) | 1) & 255, size >> 5, 0]);
  out.set(bytes, 9);
  return out;
}

/** The frame that some bytes begin with, which a compressor made. */
export function firstFrame(bytes: Uint8Array): Uint8Array {
  const flags = bytes[4]!;
  const single = (flags >> 5) & 1;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = [single, 2, 4, 8][flags >> 6]!;
  let at = 5 + 1 - single + dictionaryBytes + sizeBytes;
  for (let last = 0; last === 0; ) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    last = header & 1;
    // a run-length block is one byte, however long the run
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  return bytes.subarray(0, at + ((flags & 4) === 0 ? 0 : 4));
}
