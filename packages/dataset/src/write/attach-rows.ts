import type { TableReader } from "@usr/formats";
import type { KeyIndex, KeySummary, OverlayKey } from "@usr/overlay";
import { matchKeys } from "@usr/overlay";
import { normalizeKeys } from "@usr/overlay/write";
import type { RowGroup } from "@usr/parquet";
import type { Column, DataType, Field } from "@usr/schema";
import { parseType } from "@usr/schema";
import { gatherColumns, nullColumn } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { ROW_GROUP_ROWS } from "./row-groups.ts";

export interface AttachRules {
  /** How the input is called in errors. */
  readonly path: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  /** The input column that holds the keys. */
  readonly keyColumn: string;
  /** Input columns to attach; absent = all but the key. */
  readonly columns: readonly string[] | undefined;
  /** Rows whose key no base row has are left out instead of refused. */
  readonly allowMissing: boolean;
  /** Registered columns of the namespace: full name and type as the registry spells it. One with a bad type keeps nobody from the others. */
  readonly registered: ReadonlyMap<string, string>;
  readonly index: KeyIndex;
}

/** The rows of an input that found their base row, in base row order. */
export interface AttachedRows {
  readonly rowsIncoming: number;
  readonly rowsMatched: number;
  readonly rowsMissing: number;
  /** Attached columns by full name, in registry order. */
  readonly fields: readonly Field[];
  /** The key column first, then the attached ones; groups are sized by rows and bytes. */
  rowGroups(): Iterable<RowGroup>;
}

const SAMPLES = 5;
const GROUP_BYTES = 64 * 1024 * 1024;
const KEY_TYPE: DataType = { kind: "string" };

/**
 * Reads a whole input, converted to the registered types, and puts its rows in base order. Every rule about keys is checked over all
 * rows before anything is refused, so counts are of the whole input. Memory: the attached columns once, plus one row group.
 */
export const attachedRows = async (table: TableReader, rules: AttachRules): Promise<AttachedRows> => {
  const plan = planColumns(table, rules);
  const matcher = matchKeys(rules.index);
  const keys: Column[] = [];
  const values = new Map<string, (Column | undefined)[]>();
  const placed: PlacedRow = { batch: [], row: [], base: [] };
  const blank: number[] = [];
  const unknown: number[] = [];

  for await (const batch of table.batches(plan.resolve)) {
    const column = batch.columns.get(rules.keyColumn) ?? nullColumn(KEY_TYPE, batch.numRows);
    const targets = matcher.match(column);
    const row = new Int32Array(batch.numRows);
    const base = new Int32Array(batch.numRows);
    let kept = 0;
    for (let i = 0; i < targets.length; i++) {
      const at = targets[i]!;
      if (at >= 0) {
        row[kept] = i;
        base[kept++] = at;
      } else {
        const found = at === -1 ? unknown : blank;
        if (found.length < SAMPLES) found.push(batch.firstRow + i);
      }
    }
    placed.batch.push(new Int32Array(kept).fill(keys.length));
    placed.row.push(row.subarray(0, kept));
    placed.base.push(base.subarray(0, kept));
    for (const [name, from] of plan.wanted) {
      const cells = values.get(name) ?? [];
      values.set(name, cells);
      cells[keys.length] = batch.columns.get(from);
    }
    keys.push(normalizeKeys(rules.key, column));
  }
  plan.atEnd();
  const summary = matcher.summary();
  refuse(rules, summary, { blank, unknown });

  const fields = [...rules.registered]
    .filter(([name]) => plan.wanted.has(name))
    .map(([name, type]) => ({ name, type: parseType(type), nullable: true }));
  if (fields.length === 0) {
    throw new DatasetError(
      "MISSING_COLUMN",
      `${rules.path} holds nothing to attach beside the key column ${rules.keyColumn}`,
      {
        hint: "Add a column that the namespace registers.",
        details: { file: rules.path, keyColumn: rules.keyColumn },
      },
    );
  }
  return {
    rowsIncoming: summary.rows,
    rowsMatched: summary.matched,
    rowsMissing: summary.orphans,
    fields,
    rowGroups: () => groupsOf(fields, keys, values, baseOrder(placed)),
  };
};

interface ColumnPlan {
  /** Full name of each attached column, and the input column it comes from. */
  readonly wanted: Map<string, string>;
  readonly resolve: (name: string) => DataType | undefined;
  /** Throws where a chosen column has not come. */
  readonly atEnd: () => void;
}

const planColumns = (table: TableReader, rules: AttachRules): ColumnPlan => {
  const wanted = new Map<string, string>();
  const selected =
    rules.columns === undefined ? undefined : new Set(rules.columns.map((c) => fullName(rules.namespace, c)));
  const known = table.columns?.map(({ name }) => name);
  if (known !== undefined && !known.includes(rules.keyColumn)) {
    throw new DatasetError("MISSING_COLUMN", `${rules.path} has no key column ${rules.keyColumn}`, {
      hint: `Its columns are: ${known.join(", ") || "none"}. Name the key column with --key-column.`,
      details: { file: rules.path, column: rules.keyColumn, columns: known },
    });
  }
  for (const name of selected ?? []) if (!rules.registered.has(name)) throw notRegistered(rules, name);
  const refuseAbsent = (columns: readonly string[]): void => {
    const there = new Set(columns.filter((c) => c !== rules.keyColumn).map((c) => fullName(rules.namespace, c)));
    for (const name of selected ?? []) {
      if (there.has(name)) continue;
      throw new DatasetError("MISSING_COLUMN", `${rules.path} has no column ${name}`, {
        hint: `Its columns are: ${columns.join(", ") || "none"}. ${rules.namespace}__ may be left out.`,
        details: { file: rules.path, column: name, columns },
      });
    }
  };
  if (known !== undefined) refuseAbsent(known);
  const met: string[] = [];
  return {
    wanted,
    // The columns of jsonl are known at its end.
    atEnd: () => refuseAbsent(known ?? met),
    resolve: (name) => {
      met.push(name);
      if (name === rules.keyColumn) return KEY_TYPE;
      const full = fullName(rules.namespace, name);
      if (selected !== undefined && !selected.has(full)) return undefined;
      const registered = rules.registered.get(full);
      if (registered === undefined) throw notRegistered(rules, full);
      const type = parseType(registered);
      const before = wanted.get(full);
      if (before !== undefined) {
        throw new DatasetError("DUPLICATE_COLUMN", `${rules.path} holds ${full} twice, as ${before} and as ${name}`, {
          hint: "Remove one of them, or choose with --columns.",
          details: { file: rules.path, column: full, columns: [before, name] },
        });
      }
      wanted.set(full, name);
      return type;
    },
  };
};

/** `a` stands for `ns__a`. */
export const fullName = (namespace: string, column: string): string =>
  column.startsWith(`${namespace}__`) ? column : `${namespace}__${column}`;

const notRegistered = (rules: AttachRules, column: string): DatasetError =>
  new DatasetError("COLUMN_NOT_REGISTERED", `${column} is not a column of the namespace ${rules.namespace}`, {
    hint: `Registered are: ${[...rules.registered.keys()].join(", ") || "none"}. Register it, or choose columns with --columns.`,
    details: { file: rules.path, namespace: rules.namespace, column },
  });

const refuse = (
  rules: AttachRules,
  found: KeySummary,
  rows: { readonly blank: readonly number[]; readonly unknown: readonly number[] },
): void => {
  const details = { file: rules.path, column: rules.keyColumn };
  if (found.blank > 0) {
    throw new DatasetError(
      "MISSING_KEY",
      `${rules.path} has ${found.blank} row(s) without a key in ${rules.keyColumn}, the first at row ${rows.blank[0]}`,
      {
        hint: "Every row needs a key; remove the rows or fill them.",
        details: { ...details, count: found.blank, samples: rows.blank.map((row) => ({ row })) },
      },
    );
  }
  if (found.duplicates > 0) {
    throw new DatasetError(
      "DUPLICATE_KEY",
      `${rules.path} holds ${found.duplicates} key(s) more than once, the first at rows ${found.duplicateSamples[0]?.rows.join(" and ")}`,
      {
        hint: "A key may stand once in an input, compared after stripping (and in upper case for sequence_ci).",
        details: { ...details, count: found.duplicates, samples: found.duplicateSamples },
      },
    );
  }
  if (found.orphans > 0 && !rules.allowMissing) {
    throw new DatasetError(
      "UNKNOWN_KEY",
      `${rules.path} has ${found.orphans} key(s) that no row of the dataset has, the first at row ${rows.unknown[0]}`,
      {
        hint: "Import the sequences first, or leave these rows out with --allow-missing.",
        details: {
          ...details,
          count: found.orphans,
          samples: found.orphanSamples.map((key, i) => ({ key, row: rows.unknown[i] })),
        },
      },
    );
  }
};

/** Input rows that found their base row, batch by batch. */
interface PlacedRow {
  readonly batch: Int32Array[];
  readonly row: Int32Array[];
  readonly base: Int32Array[];
}

/** For each output row, in base order: the batch and the row in it. */
interface RowOrder {
  readonly length: number;
  readonly batch: Int32Array;
  readonly row: Int32Array;
}

const baseOrder = (placed: PlacedRow): RowOrder => {
  const batch = joined(placed.batch);
  const row = joined(placed.row);
  const base = joined(placed.base);
  if (base.every((value, i) => i === 0 || base[i - 1]! < value)) return { length: base.length, batch, row };
  const permutation = Int32Array.from({ length: base.length }, (_, i) => i).sort((a, b) => base[a]! - base[b]!);
  return { length: base.length, batch: permutation.map((i) => batch[i]!), row: permutation.map((i) => row[i]!) };
};

const joined = (pieces: readonly Int32Array[]): Int32Array => {
  const all = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

function* groupsOf(
  fields: readonly Field[],
  keys: readonly Column[],
  values: ReadonlyMap<string, readonly (Column | undefined)[]>,
  order: RowOrder,
): Generator<RowGroup> {
  const cells = fields.map(({ name, type }) => {
    const columns = values.get(name) ?? [];
    // A jsonl key seen late is absent from earlier batches: its cells there are missing.
    return {
      type,
      columns: keys.map((_, b) => columns[b] ?? nullColumn(type, 0)),
      absent: keys.map((_, b) => columns[b] === undefined),
    };
  });
  const bytes = cells.reduce((sum, { columns }) => sum + columns.reduce((s, c) => s + byteSize(c), 0), 0);
  const perRow = bytes / Math.max(1, order.length) + 40;
  const size = Math.max(1024, Math.min(ROW_GROUP_ROWS, Math.floor(GROUP_BYTES / perRow)));
  for (let start = 0; start < order.length; start += size) {
    const end = Math.min(order.length, start + size);
    const batch = order.batch.subarray(start, end);
    const row = order.row.subarray(start, end);
    yield {
      numRows: end - start,
      columns: [
        gatherColumns(KEY_TYPE, keys, batch, row),
        ...cells.map(({ type, columns, absent }) =>
          gatherColumns(
            type,
            columns,
            absent.includes(true) ? batch.map((b) => (absent[b] === true ? -1 : b)) : batch,
            row,
          ),
        ),
      ],
    };
  }
}

const byteSize = (column: Column): number => {
  switch (column.layout) {
    case "fixed":
    case "bool":
      return column.values.byteLength;
    case "utf8":
      return column.data.byteLength + column.offsets.byteLength;
    case "list":
      return column.offsets.byteLength + byteSize(column.child);
    case "fixed_list":
      return byteSize(column.child);
    case "struct":
      return column.children.reduce((sum, child) => sum + byteSize(child), 0);
    case "null":
      return 0;
  }
};
