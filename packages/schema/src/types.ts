/** Units that Parquet timestamps hold. Seconds are refused: Parquet has no such unit. */
export type TimestampUnit = "ms" | "us" | "ns";

export type IntegerKind = "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64";
export type FloatKind = "float16" | "float32" | "float64";

/** A column type, in the vocabulary of the namespace registry. */
export type DataType =
  | { readonly kind: "string" }
  | { readonly kind: "bool" }
  | { readonly kind: IntegerKind }
  | { readonly kind: FloatKind }
  | { readonly kind: "timestamp"; readonly unit: TimestampUnit; readonly timezone?: string | undefined }
  | { readonly kind: "list"; readonly item: DataType }
  | { readonly kind: "fixed_size_list"; readonly item: DataType; readonly size: number }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] }
  /** Arrow's null type: read as all-missing, never registered and never written. */
  | { readonly kind: "null" };

export interface StructField {
  readonly name: string;
  readonly type: DataType;
}

export interface Field extends StructField {
  readonly nullable: boolean;
}

export interface Schema {
  readonly fields: readonly Field[];
  /** Key/value metadata of the table. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** One cell as a JavaScript value. int64, uint64 and timestamps are bigint (timestamps count their unit since the epoch, UTC). */
export type Value = null | string | boolean | number | bigint | readonly Value[] | { readonly [field: string]: Value };

/**
 * What a cell can be made of: its value, with a typed array wherever a list of numbers is wanted. Its elements are values, as those of any list: of a
 * `Uint16Array` for float16 numbers, not bits.
 */
export type CellInput =
  | null
  | string
  | boolean
  | number
  | bigint
  | FixedValues
  | readonly CellInput[]
  | { readonly [field: string]: CellInput };

/** The types whose values lie side by side in slots of one width. */
export type FixedType = Exclude<
  DataType,
  { readonly kind: "string" | "bool" | "list" | "fixed_size_list" | "struct" | "null" }
>;

export type FixedValues =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Bit i (LSB first, byte i >> 3) set = row i has a value. Absent = every row has one. The bit offset is always 0. */
export type Validity = Uint8Array;

interface ColumnShape {
  readonly type: DataType;
  readonly length: number;
  readonly validity?: Validity | undefined;
}

/** Integers, floats and timestamps: one slot a row. float16 holds raw IEEE 754 half bits in a Uint16Array; int64 and timestamps a BigInt64Array. */
export interface FixedColumn extends ColumnShape {
  readonly layout: "fixed";
  readonly values: FixedValues;
}

/** One bit a row, LSB first. */
export interface BoolColumn extends ColumnShape {
  readonly layout: "bool";
  readonly values: Uint8Array;
}

/** Row i is the UTF-8 bytes `data[offsets[i] .. offsets[i + 1])`. `offsets` has length + 1 entries and need not start at 0. */
export interface Utf8Column extends ColumnShape {
  readonly layout: "utf8";
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** Row i is the child rows `offsets[i] .. offsets[i + 1]`. */
export interface ListColumn extends ColumnShape {
  readonly layout: "list";
  readonly offsets: Int32Array;
  readonly child: Column;
}

/** Row i is the child rows `i * size .. (i + 1) * size`; a NULL row occupies its child slots. */
export interface FixedListColumn extends ColumnShape {
  readonly layout: "fixed_list";
  readonly size: number;
  readonly child: Column;
}

/** A NULL struct row occupies a slot in every child. Children are in the order of the type's fields. */
export interface StructColumn extends ColumnShape {
  readonly layout: "struct";
  readonly children: readonly Column[];
}

/** Arrow null type. */
export interface NullColumn extends ColumnShape {
  readonly layout: "null";
}

/** A column in Arrow's memory layout. */
export type Column = FixedColumn | BoolColumn | Utf8Column | ListColumn | FixedListColumn | StructColumn | NullColumn;

/** Rows as columns: `columns[i]` belongs to `schema.fields[i]`, all `numRows` long. */
export interface Batch {
  readonly schema: Schema;
  readonly columns: readonly Column[];
  readonly numRows: number;
}
