import { gardenEventLog } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { count } from "../text.ts";
import { argument, flag, integer, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const write = flag(typed, "write");
  if (write && !flag(typed, "acknowledgeNotifyCursorReset")) {
    throw new UsageError("--write needs --acknowledge-notify-cursor-reset", {
      hint: "Programs that remember a byte of the log have to start over: stop them first, then type the option.",
    });
  }
  const id = argument(typed, 0);
  const root = await session.writableRoot();
  const o = { retainLast: integer(typed, "retainLast") ?? 1000, reason: text(typed, "reason") };
  const plan = await gardenEventLog(root, id, { ...o, dryRun: true });
  const what = `${count(plan.archived_lines, "line")} of the event log of ${id}`;
  if (!write || flag(typed, "dryRun")) {
    const next = plan.archived_lines === 0 ? "" : "; do it with --write";
    return {
      kind: "document",
      data: plan,
      text: () => `Plan. Would archive ${what} and keep ${plan.retained_lines}${next}\n`,
    };
  }
  if (plan.archived_lines > 0) await session.confirm(`Archive ${what} and keep ${plan.retained_lines}`);
  const data = await gardenEventLog(root, id, o);
  return {
    kind: "document",
    data,
    text: () =>
      data.archive === null
        ? `The log is short enough: ${count(data.total_lines, "line")}\n`
        : `Archived ${count(data.archived_lines, "line")}: ${data.archive}\n`,
  };
};
