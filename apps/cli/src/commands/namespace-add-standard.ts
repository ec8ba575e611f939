import { type RegisterOptions, type RegisterResult, registerNamespace } from "@usr/dataset/write";
import { emptyRegistry, type Registry } from "@usr/registry";
import { STANDARD, standardRequest } from "@usr/registry/standard";
import type { Outcome, RunCommand } from "../command.ts";
import { readRegistry } from "../registry.ts";
import { flag, variadic } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const named = [...new Set(variadic(typed, 0))];
  const names = named.length > 0 ? named : STANDARD.map(({ namespace }) => namespace);
  const dryRun = flag(typed, "dryRun");
  const root = await session.writableRoot();
  const registry = await readRegistry(session).catch((error: unknown): Registry => {
    if (error instanceof Error && "code" in error && (error.code === "NO_REGISTRY" || error.code === "NOT_FOUND"))
      return emptyRegistry();
    throw error;
  });
  // Every request is made and tried before the first is carried out: one that conflicts keeps them all out.
  const requests = names.map((name): RegisterOptions => standardRequest(registry, name));
  let data: RegisterResult[] = [];
  for (const request of requests) data.push(await registerNamespace(root, { ...request, dryRun: true }));
  if (!dryRun) {
    data = [];
    for (const request of requests) data.push(await registerNamespace(root, request));
  }
  const verb = (result: RegisterResult): string =>
    result.created
      ? "Registered"
      : result.changed.length === 0
        ? "Unchanged:"
        : `Changed ${result.changed.join(", ")} of`;
  return {
    kind: "document",
    data,
    text: () => data.map((result) => `${dryRun ? "Dry run. " : ""}${verb(result)} ${result.namespace}\n`).join(""),
  };
};
