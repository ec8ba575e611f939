import { strip } from "@usr/id";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { rangesOf, readRanges } from "../read/rows.ts";
import type { Snapshot } from "../types.ts";
import type { WritableRoot } from "../write/types.ts";
import type { RecordOptions, RecordResult } from "./change.ts";
import { changeRecords } from "./change.ts";
import type { Cells } from "./record-file.ts";
import { STATE } from "./record-file.ts";

const QC_STATUSES = ["pass", "fail", "warn", "unknown"] as const;
const SPLITS = ["train", "val", "test", "holdout"] as const;

export type QcStatus = (typeof QC_STATUSES)[number];
export type Split = (typeof SPLITS)[number];

/** The values given are set for every id; what is not given stays as it is. */
export interface SetStateOptions extends RecordOptions {
  readonly masked?: boolean | undefined;
  readonly qcStatus?: QcStatus | undefined;
  readonly split?: Split | undefined;
  /** What the rows replace; white space around it is dropped. */
  readonly supersedes?: string | undefined;
  /** Where the rows come from, one step an item; replaces the list that stands. */
  readonly lineage?: readonly string[] | undefined;
}

/**
 * Sets states of rows, deleted ones too. Rows that have those values already do not change.
 *
 * @throws DatasetError `UNKNOWN_ID`; `USAGE` without ids, without a value to set, or for a value that no state can have; `NOT_SUPPORTED` where
 * the states are not in their single file
 */
export const setState = async (root: WritableRoot, id: string, o: SetStateOptions): Promise<RecordResult> => {
  const named = namedCells(o);
  return changeRecords(root, id, o, {
    kind: STATE,
    command: "state set",
    action: "state_set",
    takesBack: false,
    args: {
      masked: o.masked ?? null,
      qc_status: o.qcStatus ?? "",
      split: o.split ?? "",
      supersedes: strip(o.supersedes ?? ""),
      lineage_count: o.lineage?.length ?? 0,
    },
    change: (before) => {
      const after = STATE.fields.map((_, c) => named[c] ?? before?.[c] ?? null);
      return before !== undefined && sameCells(before, after) ? undefined : after;
    },
  });
};

/**
 * Takes states back: not masked, and nothing else said. Rows that have nothing to take back do not change.
 *
 * @throws DatasetError as `setState`; `NOT_SUPPORTED` where the base itself holds states of the rows, which would go on being shown
 */
export const clearState = (root: WritableRoot, id: string, o: RecordOptions): Promise<RecordResult> =>
  changeRecords(root, id, o, {
    kind: STATE,
    command: "state clear",
    action: "state_clear",
    takesBack: true,
    args: {},
    refuse: refuseFolded,
    change: (before) => (before?.some((cell) => cell !== null && cell !== false) ? CLEARED : undefined),
  });

const CLEARED: Cells = [false, null, null, null, null];

/** A value that another program folded into the base stays below the states: no value of a state is the absence of one. */
const refuseFolded = async ({ id, base }: Snapshot, stored: ReadonlyMap<string, readonly number[]>): Promise<void> => {
  const columns = STATE.fields.map(({ name }) => name).filter((name) => base.file.columnNames.includes(name));
  if (columns.length === 0) return;
  const ranges = rangesOf(
    [...new Set([...stored.values()].flat())].sort((a, b) => a - b),
    1,
  );
  for await (const { batch } of readRanges(base.file, ranges, columns)) {
    for (const [c, column] of batch.columns.entries()) {
      for (let row = 0; row < batch.numRows; row++) {
        const value = valueAt(column, row);
        if (value === null || value === false) continue;
        throw new DatasetError("NOT_SUPPORTED", `The base of ${id} itself holds ${columns[c]} of these rows.`, {
          hint: "A program that folds states into the base did that. Set another value with usr state set, or have the column taken out of the base.",
          details: { dataset: id, column: columns[c] },
        });
      }
    }
  }
};

/** The values given, by column; `undefined` = not given. */
const namedCells = (o: SetStateOptions): readonly (Value | undefined)[] => {
  const cells = [
    oneOf("masked", [true, false], o.masked),
    oneOf("qc status", QC_STATUSES, o.qcStatus),
    oneOf("split", SPLITS, o.split),
    o.supersedes === undefined ? undefined : notBlank("supersedes", o.supersedes),
    o.lineage === undefined ? undefined : o.lineage.map((item) => notBlank("lineage", item)),
  ];
  if (o.lineage?.length === 0)
    throw new DatasetError("USAGE", "a lineage has one item at least", { hint: "Take it back with: usr state clear" });
  if (cells.every((cell) => cell === undefined)) {
    throw new DatasetError("USAGE", "no state is given", {
      hint: "Say what to set: --masked, --unmasked, --qc-status, --split, --supersedes or --lineage.",
    });
  }
  return cells;
};

const oneOf = <T extends string | boolean>(
  what: string,
  allowed: readonly T[],
  value: T | undefined,
): T | undefined => {
  if (value === undefined || allowed.includes(value)) return value;
  throw new DatasetError("USAGE", `${JSON.stringify(value)} is no ${what}`, {
    hint: `Allowed: ${allowed.join(", ")}.`,
    details: { value, allowed },
  });
};

const notBlank = (what: string, value: string): string => {
  const text = strip(value);
  if (text === "")
    throw new DatasetError("USAGE", `${what} cannot be blank`, { hint: "Leave it out, or say something." });
  return text;
};

const sameCells = (a: Cells, b: Cells): boolean => a.every((cell, c) => sameCell(cell, b[c]));

const sameCell = (a: Value, b: Value | undefined): boolean =>
  Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((item, i) => item === b[i]) : a === b;
