import type { RemoteProfile, Site } from "@usr/remotes";
import { findRemote } from "@usr/remotes/config";
import type { FarSite } from "@usr/remotes/ssh";
import type { Storage } from "@usr/storage";
import type { Outcome, RunCommand } from "../command.ts";
import { EXIT, exitCodeOf, isCoded } from "../errors.ts";
import { readRemotes } from "../remote/remotes-file.ts";
import { openSite, sshTargetOf } from "../remote/sites.ts";
import { safe } from "../safe.ts";
import type { Session } from "../session.ts";
import { bytesText, count } from "../text.ts";
import { argument } from "../typed.ts";

interface Check {
  readonly check: string;
  readonly ok: boolean;
  /** A pull or a push cannot do without it. */
  readonly needed: boolean;
  readonly message: string;
  /** What was found, as data. */
  readonly details: Readonly<Record<string, string | number>>;
}

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const profile = findRemote(await readRemotes(session), argument(typed, 0));
  const checks: Check[] = [];
  let failure: unknown;
  try {
    checks.push(...(await settingsOf(session, profile)));
    await using site = await openSite(session, profile);
    // Some sites are first asked here: before that nothing is known to answer.
    const answers = await checksOf(session, site);
    checks.push({ check: "reachable", ok: true, needed: true, message: `${profile.name} answers`, details: {} });
    checks.push(...answers);
  } catch (error) {
    if (!isCoded(error)) throw error;
    failure = error;
    const hint = error.hint === undefined ? "" : ` ${error.hint}`;
    checks.push({
      check: "reachable",
      ok: false,
      needed: true,
      message: `${error.message.replace(/\.$/, "")}.${hint}`,
      details: {},
    });
  }
  const ok = checks.every((check) => check.ok || !check.needed);
  return {
    kind: "document",
    data: { remote: profile.name, ok, checks },
    exitCode: ok ? EXIT.done : failure === undefined ? EXIT.unproved : exitCodeOf(failure),
    text: () =>
      `${checks.map(({ check, ok: good, message }) => `${good ? "ok" : "no"}  ${check}: ${safe(message)}\n`).join("")}${ok ? "OK" : "Not well"}\n`,
  };
};

/** What the user's own ssh would do on the way there, before it goes. */
const settingsOf = async (session: Session, profile: RemoteProfile): Promise<readonly Check[]> => {
  if (profile.type !== "ssh") return [];
  const { checksHostKeys, sshSettings } = await import("@usr/remotes/ssh");
  const settings = await sshSettings(sshTargetOf(session, profile), { signal: session.environment.signal });
  const host = settings.get("hostname") ?? profile.host;
  const port = settings.get("port") ?? "22";
  const checking = settings.get("stricthostkeychecking") ?? "ask";
  const ok = checksHostKeys(settings);
  return [
    {
      check: "host-keys",
      ok,
      needed: true,
      message: `${ok ? "checked" : "not checked"} (StrictHostKeyChecking ${checking}) for ${host}, port ${port}`,
      details: { host, port, strict_host_key_checking: checking },
    },
  ];
};

const checksOf = async ({ environment: { random, signal } }: Session, site: Site): Promise<readonly Check[]> => {
  const datasets = await site.datasets({ signal });
  const { storage } = site;
  const writable = "put" in storage;
  const refused = writable ? await whyNotWritten(storage, random) : undefined;
  const registry = await storage.open("registry.yaml", { signal });
  await registry?.[Symbol.asyncDispose]();
  const far = isFar(site) ? site : undefined;
  const locks = writable && storage.lock !== undefined && site.locks !== false;
  return [
    ...(far === undefined ? [] : [serverOf(far)]),
    { check: "datasets", ok: true, needed: true, message: count(datasets.length, "dataset"), details: {} },
    {
      check: "registry",
      ok: registry !== undefined,
      needed: datasets.length > 0,
      message: registry === undefined ? "there is no registry.yaml: a first push brings it" : "registry.yaml is there",
      details: {},
    },
    digestsOf(await canDigest(site, datasets[0], signal), far),
    {
      check: "writable",
      ok: writable && refused === undefined,
      needed: writable,
      message: !writable
        ? "read only: pull is possible, push is not"
        : (refused ?? (locks ? "push is possible" : "it takes files")),
      details: {},
    },
    {
      check: "locks",
      ok: locks,
      needed: writable,
      message: locks
        ? `writers over there are kept apart${far === undefined ? "" : ", by flock"}`
        : `no ${far === undefined ? "locks" : "flock over there"}: nothing can be pushed, pull is possible`,
      details: toolOf(far, "lock"),
    },
    ...(far === undefined ? [] : [await spaceOf(far, signal)]),
  ];
};

/** Why the root takes no file, `undefined` where it does: one is written there and taken away. */
const whyNotWritten = async (storage: Storage, random: (bytes: number) => Uint8Array): Promise<string | undefined> => {
  const name = `.usr-probe-${[...random(8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  try {
    await storage.put(name, new Uint8Array(1));
    await storage.delete(name);
    return undefined;
  } catch (error) {
    if (!isCoded(error) || error.code === "UNREACHABLE") throw error;
    return `pull is possible, push is not: ${error.message}`;
  }
};

const isFar = (site: Site): site is FarSite => "peer" in site && "freeBytes" in site;

const serverOf = ({ peer: { server } }: FarSite): Check => ({
  check: "server",
  ok: true,
  needed: false,
  message: server === "usr" ? "a usr over there does the work" : "no usr over there: a shell script does the work",
  details: { server },
});

const canDigest = async (site: Site, dataset: string | undefined, signal: AbortSignal): Promise<boolean> =>
  dataset === undefined
    ? site.storage.digest !== undefined
    : (await site.digestRanges(`${dataset}/records.parquet`, [], { signal })) !== undefined;

const digestsOf = (ok: boolean, far: FarSite | undefined): Check => {
  const tool = far?.peer.tools.get("sha256");
  return {
    check: "digests",
    ok,
    needed: false,
    message: ok
      ? `sha256 is computed over there${tool === undefined ? "" : `, by ${tool}`}`
      : "no sha256 over there: --verify hash proves less and exits 6",
    details: toolOf(far, "sha256"),
  };
};

const toolOf = (far: FarSite | undefined, name: string): Check["details"] =>
  far === undefined ? {} : { tool: far.peer.tools.get(name) ?? "none" };

const spaceOf = async (far: FarSite, signal: AbortSignal): Promise<Check> => {
  try {
    const bytes = await far.freeBytes({ signal });
    return {
      check: "space",
      ok: bytes > 0,
      needed: false,
      message: `${bytesText(bytes)} free over there`,
      details: { bytes },
    };
  } catch (error) {
    if (!isCoded(error) || error.code === "UNREACHABLE") throw error;
    return { check: "space", ok: false, needed: false, message: error.message, details: {} };
  }
};
