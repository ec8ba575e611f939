import { removeOverlay } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { argument, flag, requiredText } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const [archive, remove] = [flag(typed, "archive"), flag(typed, "delete")];
  if (archive === remove) {
    throw new UsageError("type one of --archive and --delete", {
      hint: "--archive sets the overlay aside under _derived/_archived; --delete is for good.",
    });
  }
  const id = argument(typed, 0);
  const o = { namespace: requiredText(typed, "namespace"), how: archive ? "archive" : "delete" } as const;
  const root = await session.writableRoot();
  const plan = await removeOverlay(root, id, { ...o, dryRun: true });
  const what = `the overlay ${o.namespace} of ${id}`;
  if (flag(typed, "dryRun")) return { kind: "document", data: plan, text: () => `Dry run. Would ${o.how} ${what}\n` };
  await session.confirm(archive ? `Archive ${what}` : `Delete ${what} for good`);
  const data = await removeOverlay(root, id, o);
  return {
    kind: "document",
    data,
    text: () => (data.path === null ? `Deleted ${what}\n` : `Archived ${what}: ${data.path}\n`),
  };
};
