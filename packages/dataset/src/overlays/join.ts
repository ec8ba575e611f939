import { createKeyTable } from "@usr/overlay/write";
import type { Column, Field } from "@usr/schema";
import { formatType, sameType } from "@usr/schema";
import { gatherColumns, isValid } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { scanSnapshot } from "../read/scan.ts";
import { selectColumns, viewColumns } from "../read/view.ts";
import type { Snapshot } from "../types.ts";
import { KEY_TYPE } from "../write/key-type.ts";

/** One side of a join: a state of a dataset and the column whose values are compared. */
export interface JoinSide {
  readonly snapshot: Snapshot;
  readonly column: string;
}

/** Which row takes its values from which. Deleted rows take no part. */
export interface Join {
  /** Visible rows of the destination. */
  readonly rowsDest: number;
  readonly matched: number;
  /** For each visible row of the source the row of `keys` that takes its values; -1 = none. */
  readonly targets: Int32Array;
  /** The overlay keys of the destination's visible rows, batch by batch as they were read; `starts` says where each batch begins. */
  readonly keys: readonly Column[];
  readonly starts: readonly number[];
  /** Rows of the destination that get nothing: how many, how many of them without a join value, and up to five values. */
  readonly missing: { readonly count: number; readonly withoutValue: number; readonly samples: readonly string[] };
}

const SAMPLES = 5;

/**
 * Pairs the visible rows of two datasets by equal values of one column each: text byte by byte, integers by value. NULL pairs with nothing.
 * Reads the join columns and the destination's keys once. Memory: the values of the source's join column, packed, and the destination's keys.
 *
 * @throws DatasetError `UNKNOWN_COLUMN`; `TYPE_MISMATCH` where the columns are not of one text or integer type; `DUPLICATE_KEY` where a value
 * that stands on both sides stands on one of them twice, with counts and samples of all such values
 */
export const joinRows = async (source: JoinSide, dest: JoinSide, keyColumn: string): Promise<Join> => {
  requireJoinable(source, dest);
  const table = createKeyTable({ expected: source.snapshot.base.file.numRows, fold: false });
  const repeated = new Uint8Array(source.snapshot.base.file.numRows);
  let rowsSource = 0;
  for await (const { columns } of scanSnapshot(source.snapshot, { columns: [source.column] })) {
    const value = columns[0]!;
    const cells = cellReader(value);
    for (let i = 0; i < value.length; i++, rowsSource++) {
      if (!isValid(value, i)) continue;
      const { bytes, start, end } = cells(i);
      const first = table.add(bytes, start, end, rowsSource);
      if (first >= 0) repeated[first] = 1;
    }
  }

  const targets = new Int32Array(rowsSource).fill(-1);
  const keys: Column[] = [];
  const starts: number[] = [];
  const twice = { source: refusal(), dest: refusal() };
  const missing = { count: 0, withoutValue: 0, samples: [] as string[] };
  let rowsDest = 0;
  let matched = 0;
  for await (const { columns } of scanSnapshot(dest.snapshot, { columns: [dest.column, keyColumn] })) {
    const value = columns[0]!;
    const cells = cellReader(value);
    starts.push(rowsDest);
    keys.push(columns.at(-1)!);
    for (let i = 0; i < value.length; i++, rowsDest++) {
      const row = isValid(value, i) ? found(table, cells(i)) : -1;
      if (row < 0) {
        missing.count++;
        if (!isValid(value, i)) missing.withoutValue++;
        else if (missing.samples.length < SAMPLES) missing.samples.push(textOf(value, cells(i)));
      } else if (targets[row] !== -1) {
        note(twice.dest, textOf(value, cells(i)));
      } else {
        targets[row] = rowsDest;
        matched++;
        if (repeated[row] === 1) note(twice.source, textOf(value, cells(i)));
      }
    }
  }
  refuseRepeated(source, twice.source);
  refuseRepeated(dest, twice.dest);
  return { rowsDest, matched, targets, keys, starts, missing };
};

/** The keys of the source rows `[start, end)` that have a target, and which rows these are. */
export const keysOf = (
  { targets, keys, starts }: Join,
  start: number,
  end: number,
): { readonly rows: Int32Array; readonly keys: Column } => {
  const rows = new Int32Array(end - start);
  const batch = new Int32Array(end - start);
  const row = new Int32Array(end - start);
  let count = 0;
  for (let i = start; i < end; i++) {
    const target = targets[i]!;
    if (target < 0) continue;
    const at = batchOf(starts, target);
    rows[count] = i - start;
    batch[count] = at;
    row[count++] = target - starts[at]!;
  }
  return {
    rows: rows.subarray(0, count),
    keys: gatherColumns(KEY_TYPE, keys, batch.subarray(0, count), row.subarray(0, count)),
  };
};

/** The last batch that begins at or before `row`. */
const batchOf = (starts: readonly number[], row: number): number => {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return low;
};

const INTEGERS: ReadonlySet<string> = new Set([
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
]);

const requireJoinable = (source: JoinSide, dest: JoinSide): void => {
  const [from, to] = [fieldOf(source), fieldOf(dest)];
  const joinable = from.type.kind === "string" || INTEGERS.has(from.type.kind);
  if (joinable && sameType(from.type, to.type)) return;
  const [a, b] = [formatType(from.type), formatType(to.type)];
  throw new DatasetError(
    "TYPE_MISMATCH",
    a === b
      ? `${source.column} and ${dest.column} are ${a}, and only text and integers can be joined by`
      : `${source.column} of ${source.snapshot.id} is ${a}, but ${dest.column} of ${dest.snapshot.id} is ${b}`,
    {
      hint: "Join by columns of one type, text or integer.",
      details: { src: source.snapshot.id, src_join: source.column, src_type: a, dest_join: dest.column, dest_type: b },
    },
  );
};

const fieldOf = ({ snapshot, column }: JoinSide): Field =>
  selectColumns(viewColumns(snapshot.base.file.schema.fields, snapshot.overlays, undefined), [column], snapshot.id)[0]!
    .field;

/** The bytes of a cell: text as it is, an integer as its 64 bits. Valid until the next call. */
interface CellBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const cellReader = (column: Column): ((row: number) => CellBytes) => {
  if (column.layout === "utf8")
    return (row) => ({ bytes: column.data, start: column.offsets[row]!, end: column.offsets[row + 1]! });
  if (column.layout !== "fixed") return () => ({ bytes: new Uint8Array(0), start: 0, end: 0 });
  const word = new BigInt64Array(1);
  const bytes = new Uint8Array(word.buffer);
  return (row) => {
    word[0] = BigInt.asIntN(64, BigInt(column.values[row]!));
    return { bytes, start: 0, end: 8 };
  };
};

const found = (table: ReturnType<typeof createKeyTable>, { bytes, start, end }: CellBytes): number =>
  table.find(bytes, start, end);

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const textOf = (column: Column, { bytes, start, end }: CellBytes): string => {
  if (column.layout === "utf8") return decoder.decode(bytes.subarray(start, end));
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
  return String(column.type.kind === "uint64" ? BigInt.asUintN(64, value) : value);
};

interface Refusal {
  count: number;
  readonly samples: string[];
}

const refusal = (): Refusal => ({ count: 0, samples: [] });

const note = (refused: Refusal, value: string): void => {
  refused.count++;
  if (refused.samples.length < SAMPLES) refused.samples.push(value);
};

const refuseRepeated = ({ snapshot, column }: JoinSide, { count, samples }: Refusal): void => {
  if (count === 0) return;
  throw new DatasetError(
    "DUPLICATE_KEY",
    `${column} of ${snapshot.id} holds ${count} value(s) to join by more than once: ${samples.map((s) => JSON.stringify(s)).join(", ")}`,
    {
      hint: "Join by a column whose values stand once in each dataset; values that only one of the datasets has do not matter.",
      details: { dataset: snapshot.id, column, count, samples },
    },
  );
};
