import { SchemaError } from "../error.ts";
import type { Column, FixedType, FixedValues } from "../types.ts";

/** Arrow offsets are signed 32-bit. */
export const MAX_OFFSET = 2_147_483_647;

/** Zeroed slots of the array class that holds the type: raw bits for float16, BigInt64Array for int64 and timestamps. @throws SchemaError `BAD_TYPE` for what is no type. */
export function allocateFixed(type: FixedType, length: number): FixedValues {
  switch (type.kind) {
    case "int8":
      return new Int8Array(length);
    case "int16":
      return new Int16Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint8":
      return new Uint8Array(length);
    case "uint16":
    case "float16":
      return new Uint16Array(length);
    case "uint32":
      return new Uint32Array(length);
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "uint64":
      return new BigUint64Array(length);
    case "int64":
    case "timestamp":
      return new BigInt64Array(length);
    default:
      throw unknownType(type);
  }
}

/** For callers without types. */
function unknownType(type: never): SchemaError {
  return new SchemaError("BAD_TYPE", `${JSON.stringify(type)} is not a type: parseType makes one of its spelling.`);
}

/** @throws SchemaError `TOO_LARGE` when a 32-bit offset cannot say `size`. */
export function checkOffset(size: number, what: string): void {
  if (size > MAX_OFFSET) {
    throw new SchemaError("TOO_LARGE", `A column cannot hold ${size} ${what}: offsets end at ${MAX_OFFSET}.`, {
      hint: "Use smaller batches.",
      details: { size, limit: MAX_OFFSET },
    });
  }
}

/** @throws RangeError when `row` is not a row of the column: a mistake of the caller, not of the data. */
export function checkRow(column: Column, row: number): void {
  if (!(row >= 0 && row < column.length)) {
    throw new RangeError(`Row ${row} does not exist: the column has ${column.length} rows.`);
  }
}
