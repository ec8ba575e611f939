import { type Column, type DataType, sameType } from "@usr/schema";

/** The reserved namespace of deleted rows. */
export const TOMBSTONES = "usr";

/** What a registry says about a column: its type, and which stored types stand for it. */
export interface Registered {
  type(): DataType;
  accepts(stored: DataType): boolean;
}

const BOOL: DataType = { kind: "bool" };
const STRING: DataType = { kind: "string" };
const DELETED_AT: DataType = { kind: "timestamp", unit: "us", timezone: "UTC" };
/** What pandas made of the same column in files of early 2026. */
const DELETED_AT_NS: DataType = { kind: "timestamp", unit: "ns", timezone: "UTC" };

const exactly = (type: DataType): Registered => ({ type: () => type, accepts: (stored) => sameType(stored, type) });

export const TOMBSTONE_COLUMNS: ReadonlyMap<string, Registered> = new Map([
  ["usr__deleted", exactly(BOOL)],
  [
    "usr__deleted_at",
    { type: () => DELETED_AT, accepts: (stored) => sameType(stored, DELETED_AT) || sameType(stored, DELETED_AT_NS) },
  ],
  ["usr__deleted_reason", exactly(STRING)],
]);

/**
 * `column` as `type`, which accepts the type that it has. Only the tombstones' time of deletion is ever stored otherwise: nanoseconds become microseconds, rounded down
 * (they come from a clock of microseconds, so nothing is lost in files that exist).
 */
export function asRegistered(column: Column, type: DataType): Column {
  if (column.layout !== "fixed" || !(column.values instanceof BigInt64Array) || sameType(column.type, type))
    return column;
  const values = column.values.map((ns) => (ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n);
  return { layout: "fixed", type, length: column.length, validity: column.validity, values };
}
