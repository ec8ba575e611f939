import { registerNamespace } from "@usr/dataset/write";
import { parseColumnSpecs } from "@usr/registry";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const namespace = argument(typed, 0);
  const specs = text(typed, "columns");
  const result = await registerNamespace(await session.writableRoot(), {
    namespace,
    columns: specs === undefined ? undefined : parseColumnSpecs(namespace, specs),
    owner: text(typed, "owner"),
    description: text(typed, "description"),
    overwrite: flag(typed, "overwrite"),
    force: flag(typed, "force"),
    dryRun: flag(typed, "dryRun"),
  });
  const what = result.created
    ? "Registered"
    : result.changed.length === 0
      ? "Unchanged:"
      : `Changed ${result.changed.join(", ")} of`;
  return {
    kind: "document",
    data: result,
    text: () =>
      `${flag(typed, "dryRun") ? "Dry run. " : ""}${what} ${namespace} (${result.columns.map(({ name, type }) => `${name}: ${type}`).join(", ")})\n`,
  };
};
