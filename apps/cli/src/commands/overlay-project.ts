import { projectOverlay } from "@usr/dataset/overlays";
import type { Outcome, RunCommand } from "../command.ts";
import { count } from "../text.ts";
import { flag, list, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const data = await projectOverlay(await session.writableRoot(), {
    src: requiredText(typed, "src"),
    dest: requiredText(typed, "dest"),
    namespace: requiredText(typed, "namespace"),
    srcJoin: text(typed, "srcJoin"),
    destJoin: text(typed, "destJoin"),
    columns: list(typed, "columns"),
    overwrite: flag(typed, "overwrite"),
    allowMissing: flag(typed, "allowMissing"),
    dryRun,
  });
  const { columns, src, dest, rows_matched, rows_missing } = data;
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would project" : "Projected"} ${columns.join(", ")} of ${src} to ${count(rows_matched, "row")} of ${dest}${rows_missing > 0 ? `; ${count(rows_missing, "row")} without a counterpart` : ""}\n`,
  };
};
