import { importRows } from "@usr/dataset/write";
import type { Outcome, RunCommand } from "../command.ts";
import { openInput } from "../input.ts";
import { requireDataset } from "../registry.ts";
import { count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const id = argument(typed, 0);
  const root = await session.writableRoot();
  await requireDataset(root, id);
  await using input = await openInput(session, requiredText(typed, "path"), { from: text(typed, "from") });
  const { ignored_columns: ignored, ...data } = await importRows(root, id, input.table, {
    path: input.name,
    bioType: text(typed, "bioType"),
    alphabet: text(typed, "alphabet"),
    source: text(typed, "source"),
    onConflict: text(typed, "onConflict") === "ignore" ? "ignore" : "error",
    dryRun,
  });
  if (ignored.length > 0)
    session.say(`note: an import does not look at the column(s) ${ignored.join(", ")}; attach them instead`);
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would import" : "Imported"} ${count(data.rows_added, "row")} into ${data.dataset}${data.rows_skipped > 0 ? `, skipped ${count(data.rows_skipped, "stored row")}` : ""}\n`,
  };
};
