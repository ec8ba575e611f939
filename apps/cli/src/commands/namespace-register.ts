import { requireRegistry } from "@usr/dataset";
import { registerNamespace } from "@usr/dataset/write";
import { parseColumnSpecs } from "@usr/registry";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const namespace = argument(typed, 0);
  const specs = text(typed, "columns");
  const root = await session.writableRoot();
  const result = await registerNamespace(root, {
    namespace,
    columns: specs === undefined ? undefined : parseColumnSpecs(namespace, specs),
    owner: text(typed, "owner"),
    description: text(typed, "description"),
    overwrite: flag(typed, "overwrite"),
    force: flag(typed, "force"),
    dryRun: flag(typed, "dryRun"),
  });
  if (!flag(typed, "dryRun")) {
    // What can be stored here may still be nothing for the Python program, which reads the same file.
    for (const problem of (await requireRegistry(root.storage)).problems) {
      if (problem.namespace !== namespace) continue;
      session.say(`warning: ${problem.message} [${problem.code}]`);
      if (problem.hint !== undefined) session.say(`hint: ${problem.hint}`);
    }
  }
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
