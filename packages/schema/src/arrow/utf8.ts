import { SchemaError } from "../error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Checks that every row is UTF-8. Rows without a byte above 0x7f cost one pass.
 *
 * @throws SchemaError `CORRUPT` naming the first row (0-based) that is not.
 */
export function checkUtf8(data: Uint8Array, offsets: Int32Array): void {
  const rows = offsets.length - 1;
  for (let row = 0; row < rows; row += 1) {
    const start = offsets[row]!;
    const end = offsets[row + 1]!;
    let at = start;
    while (at < end && data[at]! < 0x80) {
      at += 1;
    }
    if (at < end) {
      try {
        decoder.decode(data.subarray(at, end));
      } catch (cause) {
        throw new SchemaError("CORRUPT", `The text of row ${row} is not UTF-8.`, { cause, details: { row } });
      }
    }
  }
}
