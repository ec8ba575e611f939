import type { TableReader } from "@usr/formats";
import type { KeySummary } from "@usr/overlay";
import { matchKeys } from "@usr/overlay";
import { normalizeKeys } from "@usr/overlay/write";
import type { Column, Field } from "@usr/schema";
import { parseType } from "@usr/schema";
import { gatherColumns, nullColumn } from "@usr/schema/columns";
import { DatasetError } from "../../error.ts";
import { KEY_TYPE } from "../key-type.ts";
import { checkRows } from "../table-rows.ts";
import type { Staged } from "../types.ts";
import { planColumns } from "./columns.ts";
import { type PlacedRows, stageInBaseOrder } from "./order.ts";
import type { AttachRules } from "./rules.ts";

/** The rows of an input that found their base row. */
export interface AttachedRows {
  readonly rowsIncoming: number;
  readonly rowsMatched: number;
  readonly rowsMissing: number;
  /** Attached columns by full name, in registry order. */
  readonly fields: readonly Field[];
  /** The part, the key column first; `undefined` without rows or target. */
  readonly staged: Staged | undefined;
}

const SAMPLES = 5;

/**
 * Reads a whole input, converted to the registered types, and stages its rows in base order as they come. Every rule about keys is checked
 * over all rows before anything is refused, so counts are of the whole input. Memory: see `stageInBaseOrder`, and 4 bytes a row.
 */
export const attachedRows = async (
  table: TableReader,
  rules: AttachRules,
  refuseFields: (fields: readonly Field[]) => void,
): Promise<AttachedRows> => {
  const plan = planColumns(table, rules);
  const matcher = matchKeys(rules.base.index);
  const blank: number[] = [];
  const unknown: number[] = [];
  const unfit: unknown[] = [];
  const fields = (): readonly Field[] =>
    [...rules.registered]
      .filter(([name]) => plan.wanted.has(name))
      .map(([name, type]) => ({ name, type: parseType(type), nullable: true }));

  async function* placed(): AsyncGenerator<PlacedRows, void, undefined> {
    for await (const batch of table.batches(plan.resolve)) {
      checkRows(batch, plan.types);
      const column = batch.columns.get(rules.keyColumn) ?? nullColumn(KEY_TYPE, batch.numRows);
      await rules.base.ask(column);
      const targets = matcher.match(column);
      const chosen = foundRows(targets, (i) => {
        const samples = targets[i] === -1 ? unknown : blank;
        if (samples.length < SAMPLES) samples.push(batch.firstRow + i);
      });
      if (chosen?.length === 0 || batch.numRows === 0) continue;
      const pick = (from: Column): Column =>
        chosen === undefined ? from : gatherColumns(from.type, [from], undefined, chosen);
      const columns = new Map<string, Column>();
      for (const [name, from] of plan.wanted) {
        const cells = batch.columns.get(from);
        if (cells !== undefined) columns.set(name, pick(cells));
      }
      if (unfit.length === 0) {
        try {
          for (const [name, cells] of columns) rules.check(name, cells);
        } catch (error) {
          unfit.push(error);
        }
      }
      yield {
        base: chosen === undefined ? targets : chosen.map((row) => targets[row]!),
        key: rules.base.keys === undefined ? pick(normalizeKeys(rules.key, column)) : undefined,
        columns,
      };
    }
  }

  const layout = { fields, numRows: rules.base.index.numRows, keys: () => rules.base.keys };
  const staged = await stageInBaseOrder(placed(), layout, rules.target, () => {
    plan.atEnd();
    refuse(rules, matcher.summary(), { blank, unknown });
    if (fields().length === 0) throw nothingToAttach(rules);
    refuseFields(fields());
    if (unfit.length > 0) throw unfit[0];
  });
  const summary = matcher.summary();
  return {
    rowsIncoming: summary.rows,
    rowsMatched: summary.matched,
    rowsMissing: summary.orphans,
    fields: fields(),
    staged,
  };
};

/** Which rows have a target; `undefined` = all of them. The others are told one by one. */
const foundRows = (targets: Int32Array, missed: (row: number) => void): Int32Array | undefined => {
  let first = 0;
  while (first < targets.length && targets[first]! >= 0) first++;
  if (first === targets.length) return undefined;
  const found = new Int32Array(targets.length);
  let kept = 0;
  for (let i = 0; i < targets.length; i++) {
    if (targets[i]! >= 0) found[kept++] = i;
    else missed(i);
  }
  return found.subarray(0, kept);
};

const nothingToAttach = (rules: AttachRules): DatasetError =>
  new DatasetError("MISSING_COLUMN", `${rules.path} holds nothing to attach beside the key column ${rules.keyColumn}`, {
    hint: "Add a column that the namespace registers.",
    details: { file: rules.path, keyColumn: rules.keyColumn },
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
