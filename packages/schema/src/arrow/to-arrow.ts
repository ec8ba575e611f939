import * as arrow from "apache-arrow";
import { checkColumn } from "../check/column.ts";
import { conform } from "../columns/sources.ts";
import { SchemaError } from "../error.ts";
import type { Batch, Column } from "../types.ts";
import { schemaToArrow } from "./types.ts";

/** The batch as an apache-arrow record batch over the same memory. */
export function toArrow(batch: Batch): arrow.RecordBatch {
  return recordBatch(batch, schemaToArrow(batch.schema));
}

/** As `toArrow`, under a schema that record batches share. @throws SchemaError `TYPE_MISMATCH` if a column is not of its field's type, `CORRUPT` if its memory is not what it says. */
export function recordBatch(batch: Batch, schema: arrow.Schema): arrow.RecordBatch {
  const children = batch.schema.fields.map((field, i) => {
    const column = batch.columns[i];
    if (column?.length !== batch.numRows) {
      const found = column === undefined ? "is missing" : `has ${column.length} rows, not ${batch.numRows}`;
      throw new SchemaError("CORRUPT", `Column ${JSON.stringify(field.name)} of a batch ${found}.`, {
        details: { column: field.name, rows: column?.length, expected: batch.numRows },
      });
    }
    checkColumn(column, field.name);
    return toData(conform(field.type, column), schema.fields[i]!.type);
  });
  const type = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, arrow.makeData({ type, length: batch.numRows, nullCount: 0, children }));
}

function toData(column: Column, type: arrow.DataType): arrow.Data {
  const { length } = column;
  const nullBitmap = column.validity;
  const nullCount = nullBitmap === undefined ? 0 : -1;
  const buffers = { length, nullCount, ...(nullBitmap === undefined ? {} : { nullBitmap }) };
  switch (column.layout) {
    case "null":
      return arrow.makeData({ type: new arrow.Null(), length });
    case "bool":
      return arrow.makeData({ ...buffers, type: new arrow.Bool(), data: column.values });
    case "utf8":
      return arrow.makeData({ ...buffers, type: new arrow.Utf8(), valueOffsets: column.offsets, data: column.data });
    case "fixed":
      return new arrow.Data(type, 0, length, nullCount, {
        [arrow.BufferType.DATA]: column.values,
        ...(nullBitmap === undefined ? {} : { [arrow.BufferType.VALIDITY]: nullBitmap }),
      });
    case "list": {
      const child = toData(column.child, type.children[0]!.type);
      const list = new arrow.List(type.children[0]!);
      return arrow.makeData({ ...buffers, type: list, valueOffsets: column.offsets, child });
    }
    case "fixed_list": {
      const child = toData(column.child, type.children[0]!.type);
      const list = new arrow.FixedSizeList(column.size, type.children[0]!);
      return arrow.makeData({ ...buffers, type: list, child });
    }
    case "struct": {
      const children = column.children.map((child, i) => toData(child, type.children[i]!.type));
      return arrow.makeData({ ...buffers, type: new arrow.Struct(type.children), children });
    }
  }
}
