import type { RemoteProfile } from "@usr/remotes";
import type { Outcome, RunCommand } from "../command.ts";
import { readRemotes } from "../remote/remotes-file.ts";
import { align } from "../text.ts";

export const run: RunCommand = async (session): Promise<Outcome> => {
  const entries = await readRemotes(session);
  const data = entries.map((entry) =>
    "profile" in entry
      ? {
          name: entry.name,
          type: entry.profile.type,
          where: whereOf(entry.profile),
          verify: entry.profile.verify ?? null,
        }
      : { name: entry.name, type: null, where: null, verify: null, problem: entry.problem },
  );
  return {
    kind: "document",
    data,
    text: () =>
      data.length === 0
        ? "No remotes.\n"
        : align(
            ["remote", "type", "where", "verify"],
            data.map(({ name, type, where, verify, ...rest }) => [
              name,
              type ?? "broken",
              where ?? ("problem" in rest ? rest.problem : ""),
              verify ?? "",
            ]),
            [],
          ),
  };
};

/** Where the root of a remote lies, in one line. */
export const whereOf = (profile: RemoteProfile): string => {
  switch (profile.type) {
    case "ssh":
      return `${profile.user}@${profile.host}:${profile.baseDir}`;
    case "file":
      return profile.baseDir;
    case "http":
      return profile.url;
  }
};
