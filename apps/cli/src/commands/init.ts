import { initDataset } from "@usr/dataset/write";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const data = await initDataset(await session.writableRoot(), argument(typed, 0), {
    source: text(typed, "source"),
    notes: text(typed, "notes"),
    dryRun,
  });
  return { kind: "document", data, text: () => `${dryRun ? "Would create" : "Created"} ${data.dataset}\n` };
};
