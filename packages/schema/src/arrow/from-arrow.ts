import * as arrow from "apache-arrow";
import { bitmapBytes, getBit, sliceBits } from "../columns/bits.ts";
import { concatColumns } from "../columns/concat.ts";
import { gatherColumns } from "../columns/gather.ts";
import { allocateFixed, checkOffset, MAX_OFFSET } from "../columns/layout.ts";
import { SchemaError } from "../error.ts";
import type { ArrowField } from "../ipc/decode.ts";
import type { Batch, Column, DataType, Field, FixedType, FixedValues } from "../types.ts";
import { copyViews } from "./string-views.ts";
import { typeFromArrow } from "./types.ts";
import { checkUtf8 } from "./utf8.ts";

/**
 * The record batch as a batch, over the same memory where the layouts agree. Dictionaries are looked up, large offsets narrowed, string views
 * copied together, seconds made milliseconds.
 *
 * @throws SchemaError `NOT_SUPPORTED` for a column of another type, `CORRUPT` for offsets, indices or text that cannot be, `TOO_LARGE` past 2^31 - 1.
 */
export function fromArrow(batch: arrow.RecordBatch): Batch {
  const fields = batch.schema.fields.map(describeField);
  return selectColumns(
    batch,
    new Map(batch.schema.metadata),
    fields.map((_, i) => i),
    fields,
  );
}

export function describeField(field: arrow.Field): ArrowField {
  return {
    name: field.name ?? "",
    nullable: field.nullable,
    type: typeFromArrow(field.type),
    metadata: new Map(field.metadata),
  };
}

/** The columns at `indices` of a record batch. */
export function selectColumns(
  batch: arrow.RecordBatch,
  metadata: ReadonlyMap<string, string>,
  indices: readonly number[],
  fields: readonly ArrowField[],
): Batch {
  const { numRows } = batch;
  if (numRows > MAX_OFFSET) {
    throw new SchemaError("TOO_LARGE", `A record batch of ${numRows} rows is too large.`, { details: { numRows } });
  }
  const picked: Field[] = [];
  const columns: Column[] = [];
  for (const index of indices) {
    const { name, nullable, type } = fields[index]!;
    if (type.kind === "other") {
      throw new SchemaError("NOT_SUPPORTED", `The column ${JSON.stringify(name)} is of the Arrow type ${type.name}.`, {
        hint: "Leave the column out, or write it as another type.",
        details: { column: name, type: type.name },
      });
    }
    const data = batch.data.children[index];
    if (data === undefined || data.length !== numRows) {
      throw corrupt(`the column ${JSON.stringify(name)} does not have ${numRows} rows`);
    }
    picked.push({ name, type, nullable });
    columns.push(fromData(type, data));
  }
  return { schema: { fields: picked, metadata }, columns, numRows };
}

function corrupt(why: string): SchemaError {
  return new SchemaError("CORRUPT", `The Arrow data is damaged: ${why}.`, { details: { why } });
}

function fromData(type: DataType, data: arrow.Data): Column {
  const { length } = data;
  if (arrow.DataType.isDictionary(data.type)) {
    return lookUp(type, data);
  }
  if (type.kind === "null") {
    return { layout: "null", type, length };
  }
  const validity = validityFrom(data);
  switch (type.kind) {
    case "bool": {
      const values = bytesFrom(data.values, "a bitmap");
      if (values.length < bitmapBytes(data.offset + length)) {
        throw corrupt("a bitmap is too short");
      }
      return { layout: "bool", type, length, validity, values: sliceBits(values, data.offset, length) };
    }
    case "string": {
      const bytes = length === 0 ? new Uint8Array(0) : undefined;
      if (arrow.DataType.isUtf8View(data.type)) {
        const { offsets, data: text } = copyViews(
          bytes ?? bytesFrom(data.values, "a view"),
          length,
          data.variadicBuffers,
          validity,
        );
        checkUtf8(text, offsets);
        return { layout: "utf8", type, length, validity, offsets, data: text };
      }
      const { offsets, base } = offsetsFrom(data);
      const text = bytes ?? bytesFrom(data.values, "text").subarray(base);
      if (offsets[length]! > text.length) {
        throw corrupt("text ends before its offsets");
      }
      checkUtf8(text, offsets);
      return { layout: "utf8", type, length, validity, offsets, data: text };
    }
    case "list": {
      const { offsets, base } = offsetsFrom(data);
      const inner = onlyChild(data);
      const child = fromData(type.item, base === 0 ? inner : inner.slice(base, Math.max(inner.length - base, 0)));
      if (offsets[length]! > child.length) {
        throw corrupt("a list ends after its elements");
      }
      return { layout: "list", type, length, validity, offsets, child };
    }
    case "fixed_size_list": {
      const { size } = type;
      const inner = onlyChild(data);
      checkOffset(length * size, "list elements");
      if (inner.length < length * size) {
        throw corrupt("a list ends after its elements");
      }
      const child = fromData(type.item, inner.length === length * size ? inner : inner.slice(0, length * size));
      return { layout: "fixed_list", type, length, validity, size, child };
    }
    case "struct": {
      const children = type.fields.map((field, i) => {
        const child = data.children[i];
        if (child === undefined || child.length < length) {
          throw corrupt(`the struct field ${JSON.stringify(field.name)} has too few rows`);
        }
        return fromData(field.type, child.length === length ? child : child.slice(0, length));
      });
      return { layout: "struct", type, length, validity, children };
    }
    default:
      return { layout: "fixed", type, length, validity, values: fixedFrom(type, data, validity) };
  }
}

function fixedFrom(type: FixedType, data: arrow.Data, validity: Uint8Array | undefined): FixedValues {
  const values: unknown = data.values;
  const expected = allocateFixed(type, 0);
  if (!isSameArray(values, expected) || values.length < data.length) {
    if (data.length === 0) {
      return expected;
    }
    throw corrupt(`values of ${type.kind} are too few or of another width`);
  }
  const slots = values.subarray(0, data.length);
  if (
    arrow.DataType.isTimestamp(data.type) &&
    data.type.unit === arrow.TimeUnit.SECOND &&
    slots instanceof BigInt64Array
  ) {
    return slots.map((seconds, row) => {
      const milliseconds = seconds * 1000n;
      if (BigInt.asIntN(64, milliseconds) === milliseconds) {
        return milliseconds;
      }
      if (validity !== undefined && !getBit(validity, row)) {
        return 0n;
      }
      throw new SchemaError("TOO_LARGE", `The timestamp of ${seconds} seconds does not fit milliseconds.`, {
        details: { seconds },
      });
    });
  }
  return slots;
}

function isSameArray(values: unknown, like: FixedValues): values is FixedValues {
  return ArrayBuffer.isView(values) && Object.getPrototypeOf(values) === Object.getPrototypeOf(like);
}

function bytesFrom(values: unknown, what: string): Uint8Array {
  if (!(values instanceof Uint8Array)) {
    throw corrupt(`${what} is missing`);
  }
  return values;
}

function validityFrom(data: arrow.Data): Uint8Array | undefined {
  const bitmap: unknown = data.nullBitmap;
  if (!(bitmap instanceof Uint8Array) || bitmap.length === 0) {
    return undefined;
  }
  if (bitmap.length < bitmapBytes(data.offset + data.length)) {
    throw corrupt("a validity bitmap is too short");
  }
  return data.nullCount === 0 ? undefined : sliceBits(bitmap, data.offset, data.length);
}

/** Offsets that start at 0 or more and never fall, narrowed to 32 bits by taking `base` off. */
function offsetsFrom(data: arrow.Data): { readonly offsets: Int32Array; readonly base: number } {
  const { length } = data;
  const raw: unknown = data.valueOffsets;
  if (length === 0) {
    return { offsets: new Int32Array(1), base: 0 };
  }
  if (!(raw instanceof Int32Array || raw instanceof BigInt64Array) || raw.length <= length) {
    throw corrupt("offsets are too few");
  }
  const base = raw instanceof Int32Array ? 0 : Number(raw[0]);
  const offsets = raw instanceof Int32Array ? raw.subarray(0, length + 1) : narrow(raw, length, base);
  if (base < 0 || offsets[0]! < 0) {
    throw corrupt("an offset is negative");
  }
  for (let row = 0; row < length; row += 1) {
    if (offsets[row + 1]! < offsets[row]!) {
      throw corrupt("offsets fall");
    }
  }
  return { offsets, base };
}

function narrow(raw: BigInt64Array, length: number, base: number): Int32Array {
  const offsets = new Int32Array(length + 1);
  for (let row = 0; row <= length; row += 1) {
    const offset = Number(raw[row]) - base;
    if (offset < 0) {
      throw corrupt("offsets fall");
    }
    checkOffset(offset, "bytes of text or list elements");
    offsets[row] = offset;
  }
  return offsets;
}

function onlyChild(data: arrow.Data): arrow.Data {
  const [child] = data.children;
  if (child === undefined) {
    throw corrupt("a list has no elements");
  }
  return child;
}

function lookUp(type: DataType, data: arrow.Data): Column {
  const chunks = data.dictionary?.data ?? [];
  const words = concatColumns(
    type,
    chunks.map((chunk) => fromData(type, chunk)),
  );
  const validity = validityFrom(data);
  const indices: unknown = data.values;
  if (!isIndexArray(indices) || indices.length < data.length) {
    if (data.length === 0) {
      return gatherColumns(type, [words], undefined, new Int32Array(0));
    }
    throw corrupt("dictionary indices are too few");
  }
  const rows = new Int32Array(data.length);
  for (let row = 0; row < data.length; row += 1) {
    const index = validity === undefined || getBit(validity, row) ? Number(indices[row]) : -1;
    if (index >= words.length || (index < 0 && (validity === undefined || getBit(validity, row)))) {
      throw corrupt(`index ${index} is not in a dictionary of ${words.length}`);
    }
    rows[row] = index;
  }
  return gatherColumns(type, [words], undefined, rows);
}

function isIndexArray(values: unknown): values is Exclude<FixedValues, Float32Array | Float64Array> {
  return ArrayBuffer.isView(values) && !(values instanceof Float32Array) && !(values instanceof Float64Array);
}
