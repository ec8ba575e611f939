import { freezeRegistry } from "@usr/dataset/write";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const data = await freezeRegistry(await session.writableRoot(), argument(typed, 0), {
    dryRun: flag(typed, "dryRun"),
  });
  return {
    kind: "document",
    data,
    text: () =>
      `${data.updated ? (flag(typed, "dryRun") ? "Would freeze" : "Froze") : "Frozen already:"} ${data.path}\n`,
  };
};
