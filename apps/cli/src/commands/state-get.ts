import { eventLog } from "@usr/dataset";
import { readState } from "@usr/dataset/records";
import type { Outcome, RunCommand } from "../command.ts";
import { idsOf } from "../records.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const root = await session.root();
  const id = argument(typed, 0);
  // Nothing is read from stdin for a dataset that is not there.
  await eventLog(root, id);
  const o = {
    ids: await idsOf(session, typed),
    where: text(typed, "where"),
    allowMissing: flag(typed, "allowMissing"),
    signal: session.environment.signal,
  };
  return { kind: "rows", batches: readState(root, id, o) };
};
