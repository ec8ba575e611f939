import type { Site } from "@usr/remotes";
import { findRemote } from "@usr/remotes/config";
import type { Outcome, RunCommand } from "../command.ts";
import { EXIT, exitCodeOf, isCoded } from "../errors.ts";
import { readRemotes } from "../remote/remotes-file.ts";
import { openSite } from "../remote/sites.ts";
import { safe } from "../safe.ts";
import type { Session } from "../session.ts";
import { count } from "../text.ts";
import { argument } from "../typed.ts";

interface Check {
  readonly check: string;
  readonly ok: boolean;
  /** A pull or a push cannot do without it. */
  readonly needed: boolean;
  readonly message: string;
}

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const profile = findRemote(await readRemotes(session), argument(typed, 0));
  const checks: Check[] = [];
  let failure: unknown;
  try {
    await using site = await openSite(session, profile);
    checks.push({ check: "reachable", ok: true, needed: true, message: `${profile.name} answers` });
    checks.push(...(await checksOf(session, site)));
  } catch (error) {
    if (!isCoded(error)) throw error;
    failure = error;
    const hint = error.hint === undefined ? "" : ` ${error.hint}`;
    checks.push({ check: "reachable", ok: false, needed: true, message: `${error.message}.${hint}` });
  }
  const ok = checks.every((check) => check.ok || !check.needed);
  return {
    kind: "document",
    data: { remote: profile.name, ok, checks },
    exitCode: ok ? EXIT.done : failure === undefined ? EXIT.remote : exitCodeOf(failure),
    text: () =>
      `${checks.map(({ check, ok: good, message }) => `${good ? "ok" : "no"}  ${check}: ${safe(message)}\n`).join("")}${ok ? "OK" : "Not well"}\n`,
  };
};

const checksOf = async ({ environment: { signal } }: Session, site: Site): Promise<readonly Check[]> => {
  const datasets = await site.datasets({ signal });
  const [first] = datasets;
  const { storage } = site;
  const writable = "put" in storage;
  const digests =
    first === undefined
      ? storage.digest !== undefined
      : (await site.digestRanges(`${first}/records.parquet`, [], { signal })) !== undefined;
  const registry = await storage.open("registry.yaml", { signal });
  await registry?.[Symbol.asyncDispose]();
  return [
    { check: "datasets", ok: true, needed: true, message: count(datasets.length, "dataset") },
    {
      check: "registry",
      ok: registry !== undefined,
      needed: datasets.length > 0,
      message: registry === undefined ? "there is no registry.yaml: a first push brings it" : "registry.yaml is there",
    },
    {
      check: "digests",
      ok: digests,
      needed: false,
      message: digests
        ? "sha256 is computed over there"
        : "no sha256 over there: --verify hash proves less and exits 6",
    },
    {
      check: "writable",
      ok: writable,
      needed: false,
      message: writable ? "push is possible" : "read only: pull is possible, push is not",
    },
    {
      check: "locks",
      ok: writable && storage.lock !== undefined,
      needed: writable,
      message:
        writable && storage.lock !== undefined
          ? "writers over there are kept apart"
          : "no locks: nothing can be pushed",
    },
  ];
};
