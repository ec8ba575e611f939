import type { Outcome, RunCommand } from "../command.ts";
import { readRegistry } from "../registry.ts";
import { align } from "../text.ts";

export const run: RunCommand = async (session): Promise<Outcome> => {
  const registry = await readRegistry(session);
  const entries = [...registry.namespaces.values()].toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  return {
    kind: "document",
    data: entries.map(({ namespace, owner, description, columns }) => ({ namespace, owner, description, columns })),
    text: (width) =>
      align(
        ["namespace", "columns"],
        entries.map(({ namespace, columns }) => [
          namespace,
          columns.map(({ name, type }) => `${name}: ${type}`).join(", "),
        ]),
        [false, false],
        width,
      ),
  };
};
