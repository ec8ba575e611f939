import { restoreSnapshot } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { count } from "../text.ts";
import { argument, flag, requiredText } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const name = requiredText(typed, "name");
  const root = await session.writableRoot();
  const plan = await restoreSnapshot(root, id, { name, dryRun: true });
  const what = `the base of ${id} from ${name}, ${count(plan.rows ?? 0, "row")}`;
  if (flag(typed, "dryRun")) return { kind: "document", data: plan, text: () => `Dry run. Would restore ${what}\n` };
  await session.confirm(`Restore ${what}; the base of now is kept as a snapshot`);
  const data = await restoreSnapshot(root, id, { name });
  return { kind: "document", data, text: () => `Restored ${what}\n` };
};
