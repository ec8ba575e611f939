/** Writes an object and says where it starts. Objects come after what refers to them, so everything is written forwards. */
export type ObjectWriter = (out: Output) => number;

/** One slot of a table: a number of `size` bytes, an object, or nothing. */
export type Slot = { readonly size: 1 | 2 | 4 | 8; readonly value: number } | ObjectWriter | undefined;

export interface Output {
  bytes: Uint8Array;
  length: number;
}

const encoder = new TextEncoder();

/** A whole flatbuffer with one root, padded to 8 bytes. */
export function writeFlatbuffer(root: ObjectWriter): Uint8Array {
  const out: Output = { bytes: new Uint8Array(1024), length: 0 };
  const at = claim(out, 4, 4);
  link(out, at, root(out));
  claim(out, 8, 0);
  return out.bytes.slice(0, out.length);
}

export function table(slots: readonly Slot[]): ObjectWriter {
  return (out) => {
    const vtableSize = 4 + 2 * slots.length;
    const vtable = claim(out, 2, vtableSize);
    // Slots lie at multiples of their size from a start that is a multiple of 8.
    let size = 4;
    const offsets = slots.map((slot) => {
      if (slot === undefined) {
        return 0;
      }
      const width = typeof slot === "function" ? 4 : slot.size;
      const offset = Math.ceil(size / width) * width;
      size = offset + width;
      return offset;
    });
    const start = claim(out, 8, size);
    const view = viewOf(out);
    view.setUint16(vtable, vtableSize, true);
    view.setUint16(vtable + 2, size, true);
    view.setInt32(start, start - vtable, true);
    for (const [i, slot] of slots.entries()) {
      view.setUint16(vtable + 4 + 2 * i, offsets[i]!, true);
      if (slot !== undefined && typeof slot !== "function") {
        putNumber(view, start + offsets[i]!, slot.size, slot.value);
      }
    }
    for (const [i, slot] of slots.entries()) {
      if (typeof slot === "function") {
        link(out, start + offsets[i]!, slot(out));
      }
    }
    return start;
  };
}

export function vector(items: readonly ObjectWriter[]): ObjectWriter {
  return (out) => {
    const start = claim(out, 4, 4 + 4 * items.length);
    viewOf(out).setUint32(start, items.length, true);
    for (const [i, item] of items.entries()) {
      link(out, start + 4 + 4 * i, item(out));
    }
    return start;
  };
}

/** A vector of structs of 64-bit numbers. */
export function structs(items: readonly (readonly number[])[]): ObjectWriter {
  return (out) => {
    const width = 8 * (items[0]?.length ?? 0);
    // The elements are to lie at a multiple of 8, so the count before them lies 4 after one.
    const start = claim(out, 8, 8 + width * items.length) + 4;
    const view = viewOf(out);
    view.setUint32(start, items.length, true);
    for (const [i, item] of items.entries()) {
      for (const [j, value] of item.entries()) {
        view.setBigInt64(start + 4 + width * i + 8 * j, BigInt(value), true);
      }
    }
    return start;
  };
}

export function text(value: string): ObjectWriter {
  return (out) => {
    const bytes = encoder.encode(value);
    const start = claim(out, 4, 4 + bytes.length + 1);
    viewOf(out).setUint32(start, bytes.length, true);
    out.bytes.set(bytes, start + 4);
    return start;
  };
}

export const int8 = (value: number): Slot => ({ size: 1, value });
export const int16 = (value: number): Slot => ({ size: 2, value });
export const int32 = (value: number): Slot => ({ size: 4, value });
export const int64 = (value: number): Slot => ({ size: 8, value });

function putNumber(view: DataView, at: number, size: 1 | 2 | 4 | 8, value: number): void {
  switch (size) {
    case 1:
      view.setInt8(at, value);
      break;
    case 2:
      view.setInt16(at, value, true);
      break;
    case 4:
      view.setInt32(at, value, true);
      break;
    case 8:
      view.setBigInt64(at, BigInt(value), true);
      break;
  }
}

/** Reserves `size` zeroed bytes at the next multiple of `align`. */
function claim(out: Output, align: number, size: number): number {
  const start = Math.ceil(out.length / align) * align;
  const end = start + size;
  if (end > out.bytes.length) {
    const grown = new Uint8Array(Math.max(out.bytes.length * 2, end));
    grown.set(out.bytes);
    out.bytes = grown;
  }
  out.length = end;
  return start;
}

function link(out: Output, at: number, target: number): void {
  viewOf(out).setUint32(at, target - at, true);
}

function viewOf(out: Output): DataView {
  return new DataView(out.bytes.buffer, out.bytes.byteOffset, out.bytes.byteLength);
}
