import { createSnapshot } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { count } from "../text.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const data = await createSnapshot(await session.writableRoot(), argument(typed, 0), {
    label: text(typed, "name"),
    dryRun,
  });
  const what = `${data.name}, ${count(data.rows ?? 0, "row")}\n`;
  return { kind: "document", data, text: () => (dryRun ? `Dry run. Would keep ${what}` : `Kept ${what}`) };
};
