import { type MergeOptions, type MergeResult, mergeDatasets } from "@usr/dataset/curate";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { count } from "../text.ts";
import { flag, list, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const [union, same] = [flag(typed, "unionColumns"), flag(typed, "requireSameColumns")];
  if (union === same) {
    throw new UsageError("type one of --union-columns and --require-same-columns", {
      hint: "--union-columns takes the columns of both; --require-same-columns refuses where they differ.",
    });
  }
  const o: MergeOptions = {
    dest: requiredText(typed, "dest"),
    src: requiredText(typed, "src"),
    columns: union ? "union" : "same",
    ifDuplicate: oneOf(DUPLICATES, text(typed, "ifDuplicate")),
    casefold: oneOf(CASEFOLD, text(typed, "casefold")),
    coerceOverlap: oneOf(COERCE, text(typed, "coerceOverlap")),
    carryNamespaces: list(typed, "carryNamespace"),
  };
  const root = await session.writableRoot();
  const plan = await mergeDatasets(root, { ...o, dryRun: true });
  if (flag(typed, "dryRun")) return outcome(plan, "Dry run. Would merge");
  if (plan.rows_added + plan.duplicates_replaced === 0) return outcome(plan, "Nothing to merge:");
  await session.confirm(told(plan, "Merge"));
  return outcome(await mergeDatasets(root, o), "Merged");
};

const DUPLICATES = ["error", "skip", "prefer-src", "prefer-dest"] as const;
const CASEFOLD = ["keep", "skip", "error"] as const;
const COERCE = ["none", "to-dest"] as const;

/** The parser has checked the choice. */
const oneOf = <T extends string>(choices: readonly T[], value: string | undefined): T | undefined =>
  choices.find((choice) => choice === value);

const outcome = (data: MergeResult, verb: string): Outcome => ({
  kind: "document",
  data,
  text: () => `${told(data, verb)}\n`,
});

const told = (result: MergeResult, verb: string): string =>
  [
    `${verb} ${count(result.rows_added, "row")} of ${result.src} into ${result.dest}`,
    ...(result.duplicates_total > 0
      ? [
          `${count(result.duplicates_total, "duplicate")}: ${result.duplicates_skipped} skipped, ${result.duplicates_replaced} replaced`,
        ]
      : []),
    ...(result.casefold_total > 0
      ? [`${count(result.casefold_total, "row")} equal but for letter case, ${result.casefold_skipped} skipped`]
      : []),
    ...(result.rows_src_deleted > 0
      ? [`${count(result.rows_src_deleted, "deleted row")} of ${result.src} left out`]
      : []),
    ...(result.columns_added.length > 0 ? [`new columns ${result.columns_added.join(", ")}`] : []),
    ...result.carried.map(({ namespace, rows }) => `${namespace} carried for ${count(rows, "row")}`),
  ].join("; ");
