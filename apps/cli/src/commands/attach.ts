import { attach } from "@usr/dataset/write";
import type { OverlayKey } from "@usr/overlay";
import type { Outcome, RunCommand } from "../command.ts";
import { openInput } from "../input.ts";
import { requireDataset } from "../registry.ts";
import { count } from "../text.ts";
import { argument, flag, list, requiredText, text } from "../typed.ts";

const KEYS: readonly OverlayKey[] = ["id", "sequence", "sequence_norm", "sequence_ci"];

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const typedKey = requiredText(typed, "key");
  const key = KEYS.find((known) => known === typedKey) ?? "id";
  const id = argument(typed, 0);
  const root = await session.writableRoot();
  await requireDataset(root, id);
  await using input = await openInput(session, requiredText(typed, "path"), {
    from: text(typed, "from"),
    allowRounding: flag(typed, "allowRounding"),
  });
  const data = await attach(root, id, input.table, {
    path: input.name,
    namespace: requiredText(typed, "namespace"),
    key,
    keyColumn: text(typed, "keyColumn"),
    columns: list(typed, "columns"),
    allowMissing: flag(typed, "allowMissing"),
    overwrite: flag(typed, "overwrite") || flag(typed, "allowOverwrite"),
    note: text(typed, "note"),
    dryRun,
  });
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would attach" : "Attached"} ${data.columns.join(", ")} to ${count(data.rows_matched, "row")} of ${data.dataset}${data.rows_missing > 0 ? `; ${count(data.rows_missing, "row")} of the input matched nothing` : ""}\n`,
  };
};
