import type { Overlay, Part } from "@usr/overlay";
import { normalizeKeys } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { Batch, Column, DataType, Field, Schema, Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { overlayDir, overlayFile, STATE_NAMESPACE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { TOMBSTONE_FIELDS } from "../read/view.ts";
import type { Snapshot } from "../types.ts";

/** A reserved namespace: one file, keyed by id, with fixed columns. */
export interface RecordKind {
  readonly namespace: string;
  /** What the file holds, for messages. */
  readonly holds: string;
  /** The columns beside the id. */
  readonly fields: readonly Field[];
}

const STRING: DataType = { kind: "string" };
const optional = (name: string, type: DataType): Field => ({ name, type, nullable: true });

export const TOMBSTONES: RecordKind = {
  namespace: TOMBSTONE_NAMESPACE,
  holds: "Deleted rows",
  fields: TOMBSTONE_FIELDS,
};

export const STATE: RecordKind = {
  namespace: STATE_NAMESPACE,
  holds: "Record states",
  fields: [
    optional("usr_state__masked", { kind: "bool" }),
    optional("usr_state__qc_status", STRING),
    optional("usr_state__split", STRING),
    optional("usr_state__supersedes", STRING),
    optional("usr_state__lineage", { kind: "list", item: STRING }),
  ],
};

/** The columns of one row beside its id, in the order of the kind's fields. */
export type Cells = readonly Value[];

/** A reserved file in memory. */
export interface RecordRows {
  /** In file order; `null` = a row without id, which says nothing and is kept. */
  readonly ids: (string | null)[];
  readonly cells: Cells[];
  /** Where the row of an id is. */
  readonly at: Map<string, number>;
}

/** What the snapshot opened of a kind; `undefined` where the dataset has none. */
export const overlayOf = (snapshot: Snapshot, { namespace }: RecordKind): Overlay | undefined =>
  namespace === TOMBSTONE_NAMESPACE
    ? snapshot.tombstones?.overlay
    : snapshot.overlays.find((overlay) => overlay.namespace === namespace);

/** Throws unless what is there is the single file, or nothing: writing beside anything else would hide it or break the namespace. */
export const requireSingleFile = (snapshot: Snapshot, kind: RecordKind): void => {
  const path = overlayFile(kind.namespace);
  const overlay = overlayOf(snapshot, kind);
  const folder = snapshot.entries.find(({ name, form }) => name === kind.namespace && form === "parts");
  const other = folder ?? (overlay !== undefined && overlay.entry.name !== kind.namespace ? overlay.entry : undefined);
  if (other !== undefined) {
    const found = other.form === "parts" ? overlayDir(other.name) : overlayFile(other.name);
    throw new DatasetError("NOT_SUPPORTED", `${kind.holds} are kept in the single file ${path}, not in ${found}`, {
      hint: `Move ${found} out of the dataset, or write what it holds as ${path}.`,
      details: { dataset: snapshot.id, namespace: kind.namespace, path: found },
    });
  }
  if (overlay === undefined && snapshot.entries.some(({ name }) => name === kind.namespace)) {
    throw new DatasetError("CORRUPT", `${path} says that it belongs to another namespace than ${kind.namespace}`, {
      hint: "Put back the file of another copy of the dataset.",
      details: { dataset: snapshot.id, path },
    });
  }
  if (overlay !== undefined && overlay.key !== "id") {
    throw new DatasetError("KEY_MISMATCH", `${path} is keyed by ${overlay.key}, not by id`, {
      hint: "Put back the file of another copy of the dataset.",
      details: { dataset: snapshot.id, path, key: overlay.key },
    });
  }
};

/** The rows of the single file in its order, with ids as keys are compared and values in the types of the kind. */
export const readRows = async (part: Part | undefined, kind: RecordKind): Promise<RecordRows> => {
  const rows: RecordRows = { ids: [], cells: [], at: new Map() };
  if (part === undefined) return rows;
  const held = kind.fields.filter(({ name }) => part.columns.includes(name));
  const columns = ["id", ...held.map(({ name }) => name)];
  for await (const batch of readBatches(part.file, { columns })) addBatch(rows, kind, held, batch, part.path);
  return rows;
};

const addBatch = (rows: RecordRows, kind: RecordKind, held: readonly Field[], batch: Batch, path: string): void => {
  const ids = normalizeKeys("id", batch.columns[0]!);
  const columns = kind.fields.map((field) =>
    held.includes(field) ? batch.columns[held.indexOf(field) + 1]! : undefined,
  );
  for (let row = 0; row < batch.numRows; row++) {
    const id = valueAt(ids, row);
    if (typeof id === "string") {
      if (rows.at.has(id)) {
        throw new DatasetError("DUPLICATE_KEY", `${path} holds the id ${id} more than once`, {
          hint: "Put back the file of another copy of the dataset, or write it with one row for each id.",
          details: { path, id },
        });
      }
      rows.at.set(id, rows.ids.length);
    }
    rows.ids.push(typeof id === "string" ? id : null);
    rows.cells.push(columns.map((column) => (column === undefined ? null : cellOf(column, row))));
  }
};

/** Early files of the tombstones hold nanoseconds of a clock of microseconds; they are rounded down, as readers do. */
const cellOf = (column: Column, row: number): Value => {
  const value = valueAt(column, row);
  if (typeof value !== "bigint" || column.type.kind !== "timestamp" || column.type.unit !== "ns") return value;
  return value >= 0n ? value / 1000n : (value - 999n) / 1000n;
};

/** The rows as one table of all columns of the kind. */
export const recordTable = (rows: RecordRows, kind: RecordKind, metadata: Schema["metadata"]): Batch => ({
  schema: { fields: [optional("id", STRING), ...kind.fields], metadata },
  columns: [columnOf(STRING, rows.ids), ...kind.fields.map(({ type }, c) => columnOf(type, cellsOf(rows.cells, c)))],
  numRows: rows.ids.length,
});

function* cellsOf(cells: readonly Cells[], column: number): Generator<Value> {
  for (const row of cells) yield row[column] ?? null;
}
