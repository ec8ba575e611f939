import { pinSnapshot } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag, requiredText } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const data = await pinSnapshot(await session.writableRoot(), argument(typed, 0), {
    name: requiredText(typed, "name"),
    dryRun,
  });
  return { kind: "document", data, text: () => `${dryRun ? "Dry run. Would pin" : "Pinned"} ${data.name}\n` };
};
