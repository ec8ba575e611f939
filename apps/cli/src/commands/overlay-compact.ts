import { compactOverlay } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const namespace = requiredText(typed, "namespace");
  const dryRun = flag(typed, "dryRun");
  const data = await compactOverlay(await session.writableRoot(), argument(typed, 0), {
    namespace,
    form: text(typed, "form") === "file" ? "file" : "parts",
    dryRun,
  });
  const what = `${count(data.parts_in, "part")} of ${namespace}, ${count(data.rows, "row")}`;
  return {
    kind: "document",
    data,
    text: () => (dryRun ? `Dry run. One file of ${what}\n` : `One file of ${what}: ${data.part}\n`),
  };
};
