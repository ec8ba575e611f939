import { findRemote } from "@usr/remotes/config";
import type { Outcome, RunCommand } from "../command.ts";
import { readRemotes } from "../remote/remotes-file.ts";
import { renderPairs } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const profile = findRemote(await readRemotes(session), argument(typed, 0));
  const data = {
    name: profile.name,
    type: profile.type,
    ...(profile.type === "ssh"
      ? {
          host: profile.host,
          user: profile.user,
          base_dir: profile.baseDir,
          ssh_key_env: profile.sshKeyEnv ?? null,
          batch_mode: profile.batchMode,
        }
      : profile.type === "file"
        ? { base_dir: profile.baseDir }
        : { url: profile.url }),
    verify: profile.verify ?? null,
  };
  return {
    kind: "document",
    data,
    text: () => renderPairs(Object.entries(data).map(([key, value]) => [key, value === null ? "-" : String(value)])),
  };
};
