import { resolve } from "node:path";
import {
  RemoteError,
  type RemoteProfile,
  type Site,
  type SshProfile,
  type SyncContext,
  type SyncOptions,
  storageSite,
  type VerifyMode,
} from "@usr/remotes";
import { findRemote } from "@usr/remotes/config";
import type { SshTarget } from "@usr/remotes/ssh";
import type { Typed } from "../command.ts";
import { UsageError } from "../errors.ts";
import { patientStorage } from "../patience.ts";
import { safeLines } from "../safe.ts";
import type { Session } from "../session.ts";
import { text } from "../typed.ts";
import { openDigests } from "./digest-cache.ts";
import { httpSite } from "./http-site.ts";
import { readRemotes } from "./remotes-file.ts";

/** Both ends of a command, open until it is disposed. */
export interface Ends extends AsyncDisposable {
  readonly profile: RemoteProfile;
  readonly local: Site;
  readonly remote: Site;
}

export interface OpenOptions {
  /** `false` reads every file again, whatever is known of it. */
  readonly cached?: boolean | undefined;
}

/** Opens the root and the remote of that name. */
export const openEnds = async (session: Session, name: string, o: OpenOptions = {}): Promise<Ends> => {
  const profile = findRemote(await readRemotes(session), name);
  const { storage, label } = await session.writableRoot();
  const digests = await openDigests(session);
  const cacheOf = (place: string) => (o.cached === false ? undefined : digests.of(place));
  const local = storageSite(storage, { label, cache: cacheOf(resolve(label)) });
  const remote = await openSite(session, profile, cacheOf);
  return {
    profile,
    local,
    remote,
    async [Symbol.asyncDispose](): Promise<void> {
      await remote[Symbol.asyncDispose]();
      await digests[Symbol.asyncDispose]();
    },
  };
};

type CacheOf = (place: string) => Parameters<typeof storageSite>[1]["cache"];

/** The root that a profile names. */
export const openSite = async (
  session: Session,
  profile: RemoteProfile,
  cacheOf: CacheOf = () => undefined,
): Promise<Site> => {
  switch (profile.type) {
    case "file":
      return fileSite(session, profile, cacheOf);
    case "http":
      return httpSite(profile);
    case "ssh": {
      const decoder = new TextDecoder();
      const { openSsh } = await import("@usr/remotes/ssh");
      const { host, user, baseDir, batchMode } = profile;
      return openSsh(sshTargetOf(session, profile), {
        label: profile.name,
        cache: cacheOf(`${user}@${host}:${baseDir}`),
        signal: session.environment.signal,
        // What ssh explains beside its questions; its questions themselves go to the terminal.
        onStderr: batchMode ? undefined : (bytes) => session.environment.stderr(safeLines(decoder.decode(bytes))),
      });
    }
  }
};

/** Where ssh has to go for a remote. */
export const sshTargetOf = (session: Session, profile: SshProfile): SshTarget => {
  const { host, user, baseDir, batchMode } = profile;
  return { host, user, baseDir, interactive: !batchMode, ...keyOf(session, profile) };
};

const fileSite = async (
  { environment, say }: Session,
  { name, baseDir }: Extract<RemoteProfile, { type: "file" }>,
  cacheOf: CacheOf,
): Promise<Site> => {
  const { stat } = await import("node:fs/promises");
  const found = await stat(baseDir).catch(() => undefined);
  // A share that is not mounted looks like an empty folder that is not there: never "no datasets".
  if (found?.isDirectory() !== true) {
    throw new RemoteError("UNREACHABLE", `the folder ${baseDir} of the remote ${name} is not there`, {
      hint: "Mount the share, or make the folder if the remote is new.",
      details: { remote: name, path: baseDir },
    });
  }
  const { diskStorage } = await import("@usr/storage/node");
  const storage = patientStorage(diskStorage(baseDir, { random: environment.random }), {
    signal: environment.signal,
    say,
  });
  return { ...storageSite(storage, { label: name, cache: cacheOf(resolve(baseDir)) }), root: baseDir };
};

const keyOf = ({ environment }: Session, { name, sshKeyEnv }: SshProfile): { readonly identityFile?: string } => {
  if (sshKeyEnv === undefined) return {};
  const path = environment.variables[sshKeyEnv];
  if (path !== undefined && path !== "") return { identityFile: path };
  throw new UsageError(`the remote ${name} takes its key from ${sshKeyEnv}, which is not set`, {
    hint: `Set ${sshKeyEnv} to the path of the private key.`,
    details: { remote: name, variable: sshKeyEnv },
  });
};

const MODES: readonly VerifyMode[] = ["auto", "hash", "size", "parquet"];

/** How equality is to be proved: typed, or said by the remote. Nothing is assumed: throws `USAGE`. */
export const verifyOf = (typed: Typed, { name, verify }: RemoteProfile): VerifyMode => {
  const wanted = text(typed, "verify");
  const mode = MODES.find((known) => known === wanted) ?? verify;
  if (mode !== undefined) return mode;
  throw new UsageError("--verify is missing", {
    hint: `Type --verify auto|hash|size|parquet, or write verify: hash into the remote ${name}.`,
    details: { remote: name },
  });
};

/** What the files of a remote may make this program allocate, as for every input of strangers. */
export const limitsOf = async ({ options }: Session): Promise<SyncOptions["limits"]> => {
  const { decodeLimits } = await import("@usr/formats");
  return decodeLimits({ maxDecodedBytes: options.memoryBytes, maxRatio: options.maxRatio });
};

/** Who syncs. */
export const contextOf = async (session: Session): Promise<Omit<SyncContext, "onProgress">> => {
  const { clock, random, actor, owner, lockTimeoutMs, eventSha256 } = await session.writableRoot();
  return { clock, random, actor, owner, lockTimeoutMs, eventSha256 };
};
