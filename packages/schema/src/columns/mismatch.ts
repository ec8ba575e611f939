import { SchemaError } from "../error.ts";
import { formatType } from "../format-type.ts";
import type { DataType } from "../types.ts";

/** A value that does not fit, on its way up: every level adds where it stood, so that the good case pays nothing for paths. */
export class Mismatch extends Error {
  readonly value: unknown;
  readonly expected: DataType;
  readonly reason: string | undefined;
  readonly path: (string | number)[] = [];

  constructor(value: unknown, expected: DataType, reason?: string) {
    super();
    this.value = value;
    this.expected = expected;
    this.reason = reason;
  }
}

/** What to throw to the caller: a SchemaError `TYPE_MISMATCH` for a Mismatch, of a row (from 1) where it is known, anything else as it is. */
export function toSchemaError(error: unknown, row?: number): unknown {
  if (!(error instanceof Mismatch)) {
    return error;
  }
  const expected = formatType(error.expected);
  const path = error.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
  const where = path === "" ? "" : ` at ${path}`;
  const reason = error.reason === undefined ? "" : `: ${error.reason}`;
  const at = row === undefined ? "" : `Row ${row}: `;
  return new SchemaError(
    "TYPE_MISMATCH",
    `${at}${describe(error.value)}${where} is no value of ${expected}${reason}.`,
    {
      details: { value: error.value, expected, path: [...error.path], reason: error.reason, ...(row && { row }) },
    },
  );
}

/** A value as a short text for messages. Never throws. */
function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value);
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "object":
      return value === null ? "null" : Array.isArray(value) ? `An array of ${value.length}` : "An object";
    case "function":
    case "symbol":
      return `A ${typeof value}`;
    default:
      return String(value);
  }
}
