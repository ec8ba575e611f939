import { getBit } from "../columns/bits.ts";
import { checkOffset } from "../columns/layout.ts";
import { SchemaError } from "../error.ts";

const VIEW = 16;
/** Texts up to this size lie in the view itself. */
const INLINE = 12;

/**
 * Text of Arrow's view layout, copied together. A view is the size, then either the text or a prefix, the number of a buffer and an offset in it.
 *
 * @throws SchemaError `CORRUPT` for a view that points outside the buffers, `TOO_LARGE` past 2^31 - 1 bytes.
 */
export function copyViews(
  views: Uint8Array,
  length: number,
  buffers: readonly Uint8Array[],
  validity: Uint8Array | undefined,
): { readonly offsets: Int32Array; readonly data: Uint8Array } {
  if (views.length < length * VIEW) {
    throw new SchemaError("CORRUPT", "The Arrow data is damaged: string views are too few.");
  }
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const offsets = new Int32Array(length + 1);
  let total = 0;
  for (let row = 0; row < length; row += 1) {
    const size = validity === undefined || getBit(validity, row) ? view.getInt32(row * VIEW, true) : 0;
    if (size < 0) {
      throw new SchemaError("CORRUPT", `The Arrow data is damaged: the text of row ${row} has a negative size.`);
    }
    total += size;
    checkOffset(total, "bytes of text");
    offsets[row + 1] = total;
  }
  // Sources are looked up before the target is allocated, so that a lie about sizes costs nothing.
  const sources: Uint8Array[] = [];
  for (let row = 0; row < length; row += 1) {
    sources.push(sourceOf(views, view, row, offsets[row + 1]! - offsets[row]!, buffers));
  }
  const data = new Uint8Array(total);
  for (const [row, source] of sources.entries()) {
    data.set(source, offsets[row]!);
  }
  return { offsets, data };
}

function sourceOf(
  views: Uint8Array,
  view: DataView,
  row: number,
  size: number,
  buffers: readonly Uint8Array[],
): Uint8Array {
  const at = row * VIEW;
  if (size <= INLINE) {
    return views.subarray(at + 4, at + 4 + size);
  }
  const buffer = buffers[view.getInt32(at + 8, true)];
  const offset = view.getInt32(at + 12, true);
  if (buffer === undefined || offset < 0 || offset + size > buffer.length) {
    throw new SchemaError("CORRUPT", `The Arrow data is damaged: the text of row ${row} lies outside its buffers.`);
  }
  return buffer.subarray(offset, offset + size);
}
