import { readState } from "@usr/dataset/records";
import type { Outcome, RunCommand } from "../command.ts";
import { idsOf } from "../records.ts";
import { argument, flag } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const o = {
    ids: await idsOf(session, typed),
    allowMissing: flag(typed, "allowMissing"),
    signal: session.environment.signal,
  };
  return { kind: "rows", batches: readState(await session.root(), argument(typed, 0), o) };
};
