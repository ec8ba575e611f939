import { withoutRemote } from "@usr/remotes/config";
import type { Outcome, RunCommand } from "../command.ts";
import { readRemotes, remotesPath, remotesText, writeRemotes } from "../remote/remotes-file.ts";
import { argument, flag } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const name = argument(typed, 0);
  await readRemotes(session);
  const after = await withoutRemote((await remotesText(session)) ?? "", name);
  const dryRun = flag(typed, "dryRun");
  if (!dryRun) await writeRemotes(session, after);
  const path = remotesPath(session);
  return {
    kind: "document",
    data: { name, path },
    text: () =>
      `${dryRun ? "Would take" : "Took"} the remote ${name} out of ${path}; its datasets stay where they are\n`,
  };
};
