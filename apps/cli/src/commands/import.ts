import { importAnnotated } from "@usr/dataset/overlays";
import { type ImportResult, importRows } from "@usr/dataset/write";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { formatFor, openInput, sha256OfFile } from "../input.ts";
import { requireDataset } from "../registry.ts";
import { count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const sequencesOnly = flag(typed, "sequencesOnly");
  const id = argument(typed, 0);
  const path = requiredText(typed, "path");
  const annotated = formatFor(path, text(typed, "from")).format === "genbank";
  if (sequencesOnly && !annotated) {
    throw new UsageError("--sequences-only is for genbank", { hint: "Other formats bring no annotations." });
  }
  const root = await session.writableRoot();
  await requireDataset(root, id);
  await using input = await openInput(session, path, { from: text(typed, "from") });
  const o = {
    path: input.name,
    bioType: text(typed, "bioType"),
    alphabet: text(typed, "alphabet"),
    source: text(typed, "source"),
    onConflict: text(typed, "onConflict") === "ignore" ? "ignore" : "error",
    dryRun,
  } as const;
  const { ignored_columns: ignored, ...data }: ImportResult & { readonly rows_annotated?: number } =
    annotated && !sequencesOnly
      ? await importAnnotated(root, id, input.table, { ...o, sourceSha256: await sha256OfFile(path) })
      : await importRows(root, id, input.table, o);
  if (ignored.length > 0)
    session.say(`note: an import does not look at the column(s) ${ignored.join(", ")}; attach them instead`);
  const skipped = data.rows_skipped > 0 ? `, skipped ${count(data.rows_skipped, "stored row")}` : "";
  const annotations = data.rows_annotated === undefined ? "" : `, annotations for ${count(data.rows_annotated, "row")}`;
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would import" : "Imported"} ${count(data.rows_added, "row")} into ${data.dataset}${skipped}${annotations}\n`,
  };
};
