import type { NamespaceEntry } from "@usr/registry";
import { type DataType, type Field, formatType, parseType, sameType } from "@usr/schema";
import { comparePaths } from "@usr/storage";
import { OverlayError } from "./error.ts";
import { lateParts } from "./late.ts";
import { type Registered, TOMBSTONE_COLUMNS, TOMBSTONES } from "./tombstones.ts";
import type { Overlay, OverlayEntry, Part } from "./types.ts";

/**
 * Puts the parts of one namespace in order, newest first, and checks all that can be known without reading rows. The namespace is what
 * the first part by file name says. `registered` is its registry entry; the reserved namespace `usr` needs none.
 *
 * @param entries every entry of the dataset that holds this namespace: one, or the refusal of two
 * @param parts the opened parts of `entries[0]`, in any order
 * @throws OverlayError `OVERLAY_BOTH_FORMS KEY_MISMATCH NAMESPACE_NOT_REGISTERED COLUMN_NOT_REGISTERED TYPE_MISMATCH LATE_PART
 *   MISSING_METADATA NOT_SUPPORTED`
 * @throws SchemaError `BAD_TYPE` where the registry holds a type that cannot be read for a column that a part holds
 */
export function assembleOverlay(
  entries: readonly OverlayEntry[],
  parts: readonly Part[],
  registered: NamespaceEntry | undefined,
): Overlay {
  const [entry] = entries;
  const byName = [...parts].sort((a, b) => comparePaths(a.name, b.name));
  const [first] = byName;
  if (entry === undefined || first === undefined)
    throw new RangeError("An overlay has one entry and one part at least.");
  const { namespace, key } = first;
  if (entries.length > 1) throw bothForms(namespace, entries);

  const keys = [...new Set(byName.map((part) => part.key))];
  if (keys.length > 1) {
    throw new OverlayError(
      "KEY_MISMATCH",
      `The parts of namespace ${namespace} are keyed differently: ${keys.join(", ")}.`,
      {
        hint: "Remove the parts of one kind, or write them under a namespace of their own.",
        details: { namespace, keys },
      },
    );
  }
  const columns = namespace === TOMBSTONES ? tombstoneColumns(entry, key) : registeredColumns(namespace, registered);
  for (const part of byName) checkPart(part, namespace, columns);
  checkLateParts(namespace, byName);

  const held = new Set(byName.flatMap((part) => part.columns));
  const fields: readonly Field[] = [...columns]
    .filter(([name]) => held.has(name))
    .map(([name, column]) => ({ name, type: column.type(), nullable: true }));
  return { namespace, entry, key, parts: byName.toSorted(newestFirst), fields };
}

/** By creation as an instant, then by file name, both descending. */
function newestFirst(a: Part, b: Part): number {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt ? -1 : 1;
  return comparePaths(b.name, a.name);
}

function bothForms(namespace: string, entries: readonly OverlayEntry[]): OverlayError {
  const places = entries.map((entry) =>
    entry.form === "file" ? `_derived/${entry.name}.parquet` : `_derived/${entry.name}/`,
  );
  return new OverlayError(
    "OVERLAY_BOTH_FORMS",
    `Namespace ${namespace} lies in more than one place: ${places.join(" and ")}.`,
    {
      hint: "Make one of them with: usr doctor DATASET --repair",
      details: { namespace, places },
    },
  );
}

function tombstoneColumns(entry: OverlayEntry, key: string): ReadonlyMap<string, Registered> {
  if (entry.form === "parts") {
    throw new OverlayError(
      "NOT_SUPPORTED",
      "Deleted rows are kept in the single file _derived/usr.parquet, not in parts.",
      {
        hint: "Move the folder _derived/usr out of the dataset.",
        details: { namespace: TOMBSTONES },
      },
    );
  }
  if (key !== "id") {
    throw new OverlayError("KEY_MISMATCH", `Deleted rows are keyed by id, not by ${key}.`, {
      details: { namespace: TOMBSTONES, key },
    });
  }
  return TOMBSTONE_COLUMNS;
}

function registeredColumns(namespace: string, registered: NamespaceEntry | undefined): ReadonlyMap<string, Registered> {
  if (registered === undefined || registered.namespace !== namespace) {
    throw new OverlayError("NAMESPACE_NOT_REGISTERED", `Namespace ${namespace} is not registered.`, {
      hint: `Register it with: usr namespace register ${namespace} --columns '…'`,
      details: { namespace },
    });
  }
  return new Map(
    registered.columns.map(({ name, type }) => {
      // Parsed on demand: a type that nobody stores may be wrong without harm.
      let parsed: DataType | undefined;
      const parse = (): DataType => {
        parsed ??= parseType(type);
        return parsed;
      };
      return [name, { type: parse, accepts: (stored) => sameType(stored, parse()) }];
    }),
  );
}

function checkPart(part: Part, namespace: string, columns: ReadonlyMap<string, Registered>): void {
  const { schema, columnNames, unsupported, numRows } = part.file;
  if (!columnNames.includes(part.key)) {
    throw new OverlayError(
      "KEY_MISMATCH",
      `${part.path} says it is keyed by ${part.key} but has no column of that name.`,
      {
        hint: "Restore the part from where it was copied, or move it out of _derived.",
        details: { namespace, file: part.path, key: part.key },
      },
    );
  }
  const types = new Map(schema.fields.map((field) => [field.name, field.type]));
  const key = types.get(part.key);
  // Nothing to misread where there are no rows: writers give an empty table whatever type they like.
  if (numRows > 0 && key?.kind !== "string" && key?.kind !== "null") {
    throw mismatch(part, namespace, part.key, "string", key ? formatType(key) : unsupported.get(part.key)!);
  }
  for (const name of part.columns) {
    const column = columns.get(name);
    if (column === undefined) throw notRegistered(part, namespace, name, types.get(name));
    const stored = types.get(name);
    if (stored?.kind === "null") continue;
    if (stored === undefined) throw mismatch(part, namespace, name, formatType(column.type()), unsupported.get(name)!);
    if (!column.accepts(stored)) throw mismatch(part, namespace, name, formatType(column.type()), formatType(stored));
  }
}

function notRegistered(part: Part, namespace: string, column: string, type: DataType | undefined): OverlayError {
  const spec = type === undefined ? column : `${column}:${formatType(type)}`;
  return new OverlayError(
    "COLUMN_NOT_REGISTERED",
    `${part.path} holds ${column}, which is not registered under ${namespace}.`,
    {
      hint: `Register the namespace again with the column added: usr namespace register ${namespace} --columns '…,${spec}'`,
      details: { namespace, file: part.path, column },
    },
  );
}

function mismatch(part: Part, namespace: string, column: string, wanted: string, stored: string): OverlayError {
  return new OverlayError(
    "TYPE_MISMATCH",
    `${part.path} stores ${column} as ${stored}, and it is registered as ${wanted}.`,
    {
      hint: "Write the part again with the registered type, or correct the registry.",
      details: { namespace, file: part.path, column, registered: wanted, stored },
    },
  );
}

function checkLateParts(namespace: string, parts: readonly Part[]): void {
  for (const { part, compaction } of lateParts(parts)) {
    throw new OverlayError(
      "LATE_PART",
      `${part.path} (${part.createdAtText}) is older than the compaction ${compaction.name} (${compaction.createdAtText}), which does not list it.`,
      {
        hint: "It arrived after the compaction: attach its rows again, or move it out of _derived.",
        details: { namespace, file: part.path, created_at: part.createdAtText, compaction: compaction.name },
      },
    );
  }
}
