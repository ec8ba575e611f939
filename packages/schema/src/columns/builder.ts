import type { CellInput, Column, DataType } from "../types.ts";
import { boolBuilder, nullBuilder } from "./build-bool.ts";
import { fixedBuilder } from "./build-fixed.ts";
import { fixedListBuilder, listBuilder, structBuilder } from "./build-nested.ts";
import { utf8Builder } from "./build-utf8.ts";
import type { Builder } from "./inner-builder.ts";
import { toSchemaError } from "./mismatch.ts";
import { conform } from "./sources.ts";

/** Grows a column row by row. Appending is amortised constant time per byte. */
export interface ColumnBuilder {
  readonly type: DataType;
  /** Rows so far. */
  readonly length: number;
  /** Bytes the rows so far take in Arrow's layout. */
  readonly byteLength: number;
  /**
   * Adds a row. The value must be one of the type, exactly: integers in range (int64 and uint64 as bigint or safe integer, timestamps as bigint),
   * well-formed strings, arrays or typed arrays for lists, objects for structs (missing fields are NULL, unknown ones refused). Floats round to the nearest value of
   * their width, ties to even.
   *
   * @throws SchemaError `TYPE_MISMATCH` with `details.value`, `details.expected` and `details.path`; `TOO_LARGE` past 2^31 - 1 text bytes or list
   * elements. The builder is then as it was before.
   */
  append(value: CellInput): void;
  /** Adds a row of another column of the same type, without decoding it. Arrow's null type counts as missing rows. */
  appendFrom(column: Column, row: number): void;
  /** The rows as a column. The builder is empty afterwards and can be used again. */
  finish(): Column;
}

/** A builder for one type. */
export function columnBuilder(type: DataType): ColumnBuilder {
  const inner = innerBuilder(type);
  let known: Column | undefined;
  let conformed: Column | undefined;
  return {
    type,
    get length() {
      return inner.length();
    },
    get byteLength() {
      return inner.byteLength();
    },
    append(value) {
      try {
        inner.append(value);
      } catch (error) {
        throw toSchemaError(error);
      }
    },
    appendFrom(column, row) {
      if (!(row >= 0 && row < column.length)) {
        throw new RangeError(`Row ${row} does not exist: the column has ${column.length} rows.`);
      }
      if (column !== known || conformed === undefined) {
        conformed = conform(type, column);
        known = column;
      }
      inner.appendFrom(conformed, row);
    },
    finish: () => inner.finish(),
  };
}

/**
 * A column of the values, `null` for missing rows. Numbers that lie in a typed array of the type's class need no copy:
 * `{ layout: "fixed", type, length, values }` is a column too.
 *
 * @throws as `ColumnBuilder.append`, with `details.row`, counted from 1
 */
export function columnOf(type: DataType, values: Iterable<CellInput>): Column {
  const builder = innerBuilder(type);
  try {
    for (const value of values) {
      builder.append(value);
    }
  } catch (error) {
    throw toSchemaError(error, builder.length() + 1);
  }
  return builder.finish();
}

function innerBuilder(type: DataType): Builder {
  switch (type.kind) {
    case "string":
      return utf8Builder(type);
    case "bool":
      return boolBuilder(type);
    case "list":
      return listBuilder(type, innerBuilder(type.item));
    case "fixed_size_list":
      return fixedListBuilder(type, innerBuilder(type.item));
    case "struct":
      return structBuilder(
        type,
        type.fields.map((field) => innerBuilder(field.type)),
      );
    case "null":
      return nullBuilder(type);
    default:
      return fixedBuilder(type);
  }
}
