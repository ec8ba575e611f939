import { restoreRows } from "@usr/dataset/records";
import type { Outcome, RunCommand } from "../command.ts";
import { recordOptions, recordOutcome } from "../records.ts";
import { argument, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const root = await session.writableRoot();
  const o = { ...(await recordOptions(session, typed, root)), reason: text(typed, "reason") };
  const result = await restoreRows(root, argument(typed, 0), o);
  return recordOutcome(session, typed, result, { did: "Restored", would: "restore" });
};
