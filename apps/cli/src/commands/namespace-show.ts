import { contractHash, RegistryError } from "@usr/registry";
import type { Outcome, RunCommand } from "../command.ts";
import { readRegistry } from "../registry.ts";
import { renderPairs } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const namespace = argument(typed, 0);
  const registry = await readRegistry(session);
  const entry = registry.namespaces.get(namespace);
  if (entry === undefined) {
    throw new RegistryError("NAMESPACE_NOT_REGISTERED", `the namespace ${namespace} is not registered`, {
      hint: `Registered are: ${[...registry.namespaces.keys()].join(", ")}.`,
      details: { namespace },
    });
  }
  const { owner, description, columns } = entry;
  const hash = await contractHash(entry);
  return {
    kind: "document",
    data: { namespace, owner, description, columns, contract_hash: hash },
    text: () =>
      renderPairs([
        ["namespace", namespace],
        ["owner", owner === null ? "" : String(owner)],
        ["description", description === null ? "" : String(description)],
        ["contract hash", hash],
        ...columns.map(({ name, type }) => [name, type] as const),
      ]),
  };
};
