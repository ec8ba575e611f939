import * as arrow from "apache-arrow";
import { formatType } from "../format-type.ts";
import { integerKind } from "../ipc/codes.ts";
import type { OtherType } from "../ipc/decode.ts";
import type { DataType, Schema, StructField } from "../types.ts";

/** Deeper types are refused, as `parseType` refuses them. */
const MAX_DEPTH = 64;

/**
 * The type of the column that `fromArrow` makes: dictionary-encoded, large and view forms count as what they hold, timestamps in seconds as
 * milliseconds, for Parquet has no seconds.
 */
export function typeFromArrow(type: arrow.DataType, depth = 1): DataType | OtherType {
  if (depth > MAX_DEPTH) {
    return { kind: "other", name: "deeply nested" };
  }
  if (arrow.DataType.isDictionary(type)) {
    return typeFromArrow(type.dictionary, depth);
  }
  if (arrow.DataType.isNull(type)) {
    return { kind: "null" };
  }
  if (arrow.DataType.isBool(type)) {
    return { kind: "bool" };
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type) || arrow.DataType.isUtf8View(type)) {
    return { kind: "string" };
  }
  if (arrow.DataType.isInt(type)) {
    const kind = integerKind(type.bitWidth, type.isSigned);
    return kind === undefined ? other(type) : { kind };
  }
  if (arrow.DataType.isFloat(type)) {
    const kinds = {
      [arrow.Precision.HALF]: "float16",
      [arrow.Precision.SINGLE]: "float32",
      [arrow.Precision.DOUBLE]: "float64",
    } as const;
    return { kind: kinds[type.precision] };
  }
  if (arrow.DataType.isTimestamp(type)) {
    const units = {
      [arrow.TimeUnit.SECOND]: "ms",
      [arrow.TimeUnit.MILLISECOND]: "ms",
      [arrow.TimeUnit.MICROSECOND]: "us",
      [arrow.TimeUnit.NANOSECOND]: "ns",
    } as const;
    const { timezone } = type;
    const unit = units[type.unit];
    return timezone ? { kind: "timestamp", unit, timezone } : { kind: "timestamp", unit };
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isLargeList(type)) {
    const item = typeFromArrow(type.valueType, depth + 1);
    return item.kind === "other" ? { kind: "other", name: `list<${item.name}>` } : { kind: "list", item };
  }
  if (arrow.DataType.isFixedSizeList(type)) {
    const item = typeFromArrow(type.valueType, depth + 1);
    return item.kind === "other" || type.listSize < 1
      ? { kind: "other", name: `fixed_size_list<${nameOf(item)}>[${type.listSize}]` }
      : { kind: "fixed_size_list", item, size: type.listSize };
  }
  if (arrow.DataType.isStruct(type)) {
    const fields: StructField[] = [];
    for (const child of type.children) {
      const childType = typeFromArrow(child.type, depth + 1);
      if (childType.kind === "other") {
        return { kind: "other", name: `struct with ${child.name}:${childType.name}` };
      }
      fields.push({ name: child.name, type: childType });
    }
    return { kind: "struct", fields };
  }
  return other(type);
}

function other(type: arrow.DataType): OtherType {
  return { kind: "other", name: String(type).slice(0, 200) };
}

function nameOf(type: DataType | OtherType): string {
  return type.kind === "other" ? type.name : formatType(type);
}

export function schemaToArrow(schema: Schema): arrow.Schema {
  return new arrow.Schema(
    schema.fields.map((field) => new arrow.Field(field.name, typeToArrow(field.type), field.nullable)),
    new Map(schema.metadata),
  );
}

function typeToArrow(type: DataType): arrow.DataType {
  switch (type.kind) {
    case "null":
      return new arrow.Null();
    case "string":
      return new arrow.Utf8();
    case "bool":
      return new arrow.Bool();
    case "int8":
      return new arrow.Int8();
    case "int16":
      return new arrow.Int16();
    case "int32":
      return new arrow.Int32();
    case "int64":
      return new arrow.Int64();
    case "uint8":
      return new arrow.Uint8();
    case "uint16":
      return new arrow.Uint16();
    case "uint32":
      return new arrow.Uint32();
    case "uint64":
      return new arrow.Uint64();
    case "float16":
      return new arrow.Float16();
    case "float32":
      return new arrow.Float32();
    case "float64":
      return new arrow.Float64();
    case "timestamp": {
      const units = {
        ms: arrow.TimeUnit.MILLISECOND,
        us: arrow.TimeUnit.MICROSECOND,
        ns: arrow.TimeUnit.NANOSECOND,
      } as const;
      return new arrow.Timestamp(units[type.unit], type.timezone);
    }
    case "list":
      return new arrow.List(new arrow.Field("item", typeToArrow(type.item), true));
    case "fixed_size_list":
      return new arrow.FixedSizeList(type.size, new arrow.Field("item", typeToArrow(type.item), true));
    case "struct":
      return new arrow.Struct(type.fields.map((field) => new arrow.Field(field.name, typeToArrow(field.type), true)));
  }
}
