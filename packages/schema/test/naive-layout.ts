import type { Column, DataType, FixedType, FixedValues, Value } from "@usr/schema";

/** The column of the rows as Arrow's specification describes it, written for clarity: what builders, joins and gathers must make, to the byte. */
export function naiveLayout(type: DataType, rows: readonly Value[]): Column {
  const { length } = rows;
  const validity = rows.includes(null) ? bitmap(rows.map((row) => row !== null)) : undefined;
  switch (type.kind) {
    case "null":
      return { layout: "null", type, length };
    case "bool":
      return { layout: "bool", type, length, validity, values: bitmap(rows.map((row) => row === true)) };
    case "string": {
      const texts = rows.map((row) => Buffer.from(typeof row === "string" ? row : ""));
      const data = new Uint8Array(Buffer.concat(texts));
      return { layout: "utf8", type, length, validity, offsets: offsetsOf(texts), data };
    }
    case "list": {
      const lists = rows.map(itemsOf);
      const child = naiveLayout(type.item, lists.flat());
      return { layout: "list", type, length, validity, offsets: offsetsOf(lists), child };
    }
    case "fixed_size_list": {
      const { size } = type;
      const items = rows.flatMap((row) => (row === null ? new Array<null>(size).fill(null) : itemsOf(row)));
      return { layout: "fixed_list", type, length, validity, size, child: naiveLayout(type.item, items) };
    }
    case "struct": {
      const children = type.fields.map(({ name, type }) =>
        naiveLayout(
          type,
          rows.map((row) => fieldOf(row, name)),
        ),
      );
      return { layout: "struct", type, length, validity, children };
    }
    default:
      return { layout: "fixed", type, length, validity, values: slotsOf(type, rows) };
  }
}

function bitmap(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) if (bit) bytes[Math.floor(i / 8)]! += 2 ** (i % 8);
  return bytes;
}

function offsetsOf(parts: readonly { readonly length: number }[]): Int32Array {
  const offsets = [0];
  for (const part of parts) offsets.push(offsets.at(-1)! + part.length);
  return Int32Array.from(offsets);
}

const itemsOf = (row: Value): readonly Value[] => (Array.isArray(row) ? row : []);

const fieldOf = (row: Value, name: string): Value =>
  typeof row === "object" && row !== null ? (Object.entries(row).find(([key]) => key === name)?.[1] ?? null) : null;

function slotsOf(type: FixedType, rows: readonly Value[]): FixedValues {
  const numbers = (): number[] => rows.map(Number);
  const bigints = (): bigint[] => rows.map((row) => (typeof row === "bigint" ? row : 0n));
  switch (type.kind) {
    case "int8":
      return Int8Array.from(numbers());
    case "int16":
      return Int16Array.from(numbers());
    case "int32":
      return Int32Array.from(numbers());
    case "uint8":
      return Uint8Array.from(numbers());
    case "uint16":
      return Uint16Array.from(numbers());
    case "uint32":
      return Uint32Array.from(numbers());
    case "float16":
      return Uint16Array.from(numbers(), halfBits);
    case "float32":
      return Float32Array.from(numbers());
    case "float64":
      return Float64Array.from(numbers());
    case "uint64":
      return BigUint64Array.from(bigints());
    case "int64":
    case "timestamp":
      return BigInt64Array.from(bigints());
  }
}

/** The bits of a number that is a half. */
function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign + 0x7c00;
  let exponent = 0;
  // The exponent whose fraction is a whole number of 1,024ths below 2,048; subnormals share that of the smallest normal numbers.
  while (size * 2 ** (24 - exponent) >= 2048) exponent += 1;
  const fraction = size * 2 ** (24 - exponent);
  return sign + (fraction < 1024 ? fraction : 1024 * (exponent + 1) + fraction - 1024);
}
