import { type DedupeKey, type DedupeOptions, type DedupeResult, dedupe } from "@usr/dataset/curate";
import { writeTable } from "@usr/formats";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { formatFor } from "../input.ts";
import { orphansText } from "../orphans.ts";
import { checkOutput, writeOutput } from "../output.ts";
import type { Session } from "../session.ts";
import { count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

const KEYS: readonly DedupeKey[] = ["id", "sequence", "sequence_norm", "sequence_ci", "sequence_canonical"];

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const typedKey = requiredText(typed, "key");
  const key = KEYS.find((known) => known === typedKey);
  if (key === undefined) throw new UsageError(`--key ${typedKey} is none of ${KEYS.join(", ")}`);
  const keep = text(typed, "keep")?.endsWith("last") === true ? "last" : "first";
  const pruneOverlays = flag(typed, "pruneOverlays");
  const root = await session.writableRoot();
  const file = text(typed, "report");
  const report = file === undefined ? undefined : await reportTo(session, file, root.label);
  const o = { key, keep, pruneOverlays } as const;
  const dryRun = flag(typed, "dryRun");
  const plan = await dedupe(root, id, { ...o, dryRun: true, report: dryRun ? report : undefined });
  if (dryRun) return outcome(id, plan, `Dry run. ${told(id, plan, pruneOverlays, "Would drop")}`);
  if (plan.rows_dropped > 0) await session.confirm(told(id, plan, pruneOverlays, "Drop"));
  const data = await dedupe(root, id, { ...o, report });
  return outcome(id, data, told(id, data, pruneOverlays, "Dropped"));
};

const outcome = (id: string, data: DedupeResult, line: string): Outcome => ({
  kind: "document",
  data,
  text: () => (data.rows_dropped === 0 ? `No row of ${id} is a duplicate.\n` : `${line}\n`),
});

const told = (id: string, result: DedupeResult, prune: boolean, verb: string): string => {
  return `${verb} ${count(result.rows_dropped, "row")} of ${count(result.rows_total, "row")} of ${id}, duplicates in ${count(result.groups, "group")}${orphansText(result.orphans, prune)}`;
};

/** Writes the report whole or not at all. */
const reportTo = async (session: Session, path: string, root: string): Promise<DedupeOptions["report"]> => {
  const { format, compression } = path === "-" ? { format: "-", compression: undefined } : formatFor(path, undefined);
  if (format !== "csv" && format !== "tsv" && format !== "jsonl")
    throw new UsageError(`a report is written as csv, tsv or jsonl, not to ${JSON.stringify(path)}`, {
      hint: "Name a file with one of these suffixes, also with .gz or .zst after it.",
      details: { path },
    });
  await checkOutput(path, root);
  const { signal } = session.environment;
  return async (schema, rows) => {
    const { compress } = await import("@usr/formats/node");
    const bytes = writeTable(schema, rows, { format, signal });
    await writeOutput(path, compression === undefined ? bytes : compress(bytes, compression), signal);
  };
};
