import type { DataType } from "@usr/schema";
import { type ArrowSchema, decodeArrowSchema, type OtherType } from "@usr/schema/ipc";
import { ParquetError } from "./error.ts";
import type { Footer } from "./footer/read.ts";
import type { Origin } from "./footer/shape.ts";

export const ARROW_SCHEMA_KEY = "ARROW:schema";

export interface Origins {
  /** By position; empty where the file has no usable `ARROW:schema`. */
  readonly origins: readonly Origin[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * What `ARROW:schema` makes of the file, as pyarrow has it: with as many fields as the file has columns it is applied by position and its
 * own metadata replaces the raw key/values, even by none; otherwise it is ignored. Throws `CORRUPT` where it cannot be decoded.
 */
export function originsOf(footer: Footer): Origins {
  const metadata = new Map(footer.keyValues);
  const text = metadata.get(ARROW_SCHEMA_KEY);
  metadata.delete(ARROW_SCHEMA_KEY);
  if (text === undefined) return { origins: [], metadata };
  const arrow = decode(text);
  if (arrow.fields.length !== footer.columns.length) return { origins: [], metadata };
  const embedded = new Map(arrow.metadata);
  embedded.delete(ARROW_SCHEMA_KEY);
  return { origins: arrow.fields.map((f) => originOf(f.type)), metadata: embedded };
}

function decode(text: string): ArrowSchema {
  try {
    return decodeArrowSchema(text);
  } catch (cause) {
    throw new ParquetError("CORRUPT", "The ARROW:schema of the file cannot be decoded.", { cause });
  }
}

/** Seconds are no type of Parquet: such a column is stored as milliseconds, in the zone its Arrow type names. */
const SECONDS = /^timestamp\[s, (.*)\]$/;

export function originOf(type: DataType | OtherType): Origin {
  switch (type.kind) {
    case "timestamp":
      return { kind: "timestamp", timezone: type.timezone, children: [] };
    case "other":
      // To Parquet a duration is a plain integer; only its Arrow type tells.
      if (/\bduration\b/.test(type.name)) return { kind: "duration", children: [] };
      return { kind: "timestamp", timezone: SECONDS.exec(type.name)?.[1], children: [] };
    case "list":
      return { kind: "list", children: [originOf(type.item)] };
    case "fixed_size_list":
      return { kind: "fixed_size_list", size: type.size, children: [originOf(type.item)] };
    case "struct":
      return { kind: "struct", children: type.fields.map((f) => originOf(f.type)) };
    default:
      return { kind: "other", children: [] };
  }
}
