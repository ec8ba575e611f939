import { resolve } from "node:path";
import type { RemoteProfile, VerifyMode } from "@usr/remotes";
import { withRemote } from "@usr/remotes/config";
import type { Outcome, RunCommand, Typed } from "../command.ts";
import { UsageError } from "../errors.ts";
import { remotesPath, remotesText, writeRemotes } from "../remote/remotes-file.ts";
import { argument, flag, requiredText, text } from "../typed.ts";
import { whereOf } from "./remotes-list.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const profile = profileOf(typed);
  const path = remotesPath(session);
  const after = await withRemote(await remotesText(session), profile, { replace: flag(typed, "overwrite") });
  const dryRun = flag(typed, "dryRun");
  if (!dryRun) await writeRemotes(session, after);
  return {
    kind: "document",
    data: { name: profile.name, type: profile.type, where: whereOf(profile), path },
    text: () => `${dryRun ? "Would write" : "Wrote"} the remote ${profile.name} (${whereOf(profile)}) to ${path}\n`,
  };
};

const MODES: readonly VerifyMode[] = ["auto", "hash", "size", "parquet"];

/** Options that go with each type; any other one that was typed is an error. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  ssh: ["host", "user", "baseDir", "sshKeyEnv"],
  file: ["baseDir"],
  http: ["url"],
};

const profileOf = (typed: Typed): RemoteProfile => {
  const type = requiredText(typed, "type");
  const own = FIELDS[type] ?? [];
  for (const name of ["host", "user", "baseDir", "sshKeyEnv", "url"]) {
    if (text(typed, name) === undefined || own.includes(name)) continue;
    const option = `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    throw new UsageError(`${option} does not go with --type ${type}`, {
      hint: "Leave it out.",
      details: { option, type },
    });
  }
  const common = { name: argument(typed, 0), verify: MODES.find((mode) => mode === text(typed, "verify")) };
  if (type === "http") return { ...common, type, url: requiredText(typed, "url") };
  // Read from another folder, a relative path would be another place.
  if (type === "file") return { ...common, type, baseDir: resolve(requiredText(typed, "baseDir")) };
  return {
    ...common,
    type: "ssh",
    host: requiredText(typed, "host"),
    user: requiredText(typed, "user"),
    baseDir: requiredText(typed, "baseDir"),
    sshKeyEnv: text(typed, "sshKeyEnv"),
    batchMode: !flag(typed, "interactive"),
  };
};
