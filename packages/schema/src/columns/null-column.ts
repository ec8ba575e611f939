import type { Column, DataType } from "../types.ts";
import { bitmapBytes } from "./bits.ts";
import { allocateFixed, checkOffset } from "./layout.ts";

/** `length` missing rows of a type. @throws SchemaError `TOO_LARGE` when the slots of a fixed_size_list outgrow 32 bits. */
export function nullColumn(type: DataType, length: number): Column {
  const needed = length > 0 && type.kind !== "null";
  return emptySlots(type, length, needed ? new Uint8Array(bitmapBytes(length)) : undefined);
}

function emptySlots(type: DataType, length: number, validity: Uint8Array | undefined): Column {
  switch (type.kind) {
    case "null":
      return { layout: "null", type, length };
    case "string":
      return { layout: "utf8", type, length, validity, offsets: new Int32Array(length + 1), data: new Uint8Array(0) };
    case "bool":
      return { layout: "bool", type, length, validity, values: new Uint8Array(bitmapBytes(length)) };
    case "list":
      return {
        layout: "list",
        type,
        length,
        validity,
        offsets: new Int32Array(length + 1),
        child: nullColumn(type.item, 0),
      };
    case "fixed_size_list": {
      checkOffset(length * type.size, "list elements");
      const child = nullColumn(type.item, length * type.size);
      return { layout: "fixed_list", type, length, validity, size: type.size, child };
    }
    case "struct": {
      const children = type.fields.map((field) => nullColumn(field.type, length));
      return { layout: "struct", type, length, validity, children };
    }
    default:
      return { layout: "fixed", type, length, validity, values: allocateFixed(type, length) };
  }
}
