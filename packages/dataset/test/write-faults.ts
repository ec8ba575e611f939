import type { Storage } from "@usr/storage";
import { DeadError, type FaultPlan, faultStorage } from "@usr/storage/testing";
import { testRuns } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { doctor } from "../src/maintain/index.ts";
import { initDataset } from "../src/write/index.ts";
import { DATASETS, prepared, recoverAll, type Seen, seen, type Verb } from "./verbs.ts";
import { cloneStorage, contentOf, importCsv, writableRoot } from "./write-support.ts";

const PLANS: readonly Omit<FaultPlan, "failAt">[] = [
  { kind: "error-once", on: "before", code: "IO" },
  { kind: "error-once", on: "after", code: "FULL" },
  { kind: "error-forever", on: "before", code: "FULL" },
  { kind: "error-forever", on: "after", code: "PERMISSION" },
  { kind: "die", on: "before" },
  { kind: "die", on: "after" },
  { kind: "die", shortWrite: true },
  { kind: "error-once", code: "FULL", shortWrite: true },
  { kind: "error-forever", code: "IO", shortWrite: true },
];

/**
 * A call that only reads leaves nothing behind: to die at it is to die before the next change, and storage that fails for ever from there on is
 * tried from that change on. So the usual run lets it fail once.
 * The long run tries the other plans at these calls all the same. Only an append can be short: an error in the middle of one is tried there.
 */
const READS: ReadonlySet<string> = new Set(["open", "read", "list", "digest"]);
const tries = (plan: Omit<FaultPlan, "failAt">, call: string): boolean =>
  (call.startsWith("append ") || plan.shortWrite !== true || plan.kind === "die") &&
  (testRuns(1) > 1 || !READS.has(call.split(" ", 1)[0] ?? "") || (plan.kind === "error-once" && plan.on === "before"));

/** Every verb under every plan at every storage call; one test file takes a share of the verbs, so that the cores share the work. */
export function failsAtEveryCall(verbs: readonly Verb[], atLeast: number): void {
  let runs = 0;
  let repairs = 0;
  describe.each(verbs)("$name fails or dies at every storage call", (verb) => {
    /** What was left so far: many faults leave the same, and the doctor looks at each once. */
    const left = new Set<string>();

    it.each(PLANS)("$kind $on $code short:$shortWrite", async (plan) => {
      const origin = await prepared(verb);
      const before = await seen(origin, verb);
      const whole = faultStorage(await cloneStorage(origin));
      await verb.run(writableRoot(whole.storage, 7));
      const counted = await cloneStorage(whole.storage);
      const after = await seen(counted, verb);
      expect(after.events - before.events).toBe(verb.events);

      for (const [index, call] of whole.calls.entries()) {
        if (!tries(plan, call)) continue;
        const n = index + 1;
        const inner = await cloneStorage(origin);
        const faulty = faultStorage(inner, { ...plan, failAt: n });
        let failed: unknown;
        try {
          await verb.run(writableRoot(faulty.storage, 7));
        } catch (error) {
          failed = error;
        }
        runs++;
        const where = `call ${n} (${call}), ${JSON.stringify(plan)}`;
        if (plan.kind === "die")
          expect(failed === undefined || failed instanceof DeadError || hasDeadCause(failed), where).toBe(true);
        const found = await seen(inner, verb);
        expect([before.view, after.view], where).toContain(found.view);
        if (failed === undefined) expect(found.view, where).toBe(after.view);
        if (failed !== undefined && plan.kind === "error-once" && plan.on === "before")
          expect(found.view, where).toBe(before.view);

        const due = failed === undefined || found.view === after.view ? verb.events : 0;
        const allowed = before.view === after.view && failed !== undefined ? [0, verb.events] : [due];
        const content = await contentOf(inner);
        if (!left.has(content)) {
          left.add(content);
          if (await repaired(await cloneStorage(inner), verb, { found, before, allowed }, where)) repairs++;
        }

        await recoverAll(inner);
        const recovered = await seen(inner, verb);
        expect(recovered.view, where).toBe(found.view);
        const own = recovered.events - before.events;
        expect(allowed, where).toContain(own);

        // Mutations work again, and leave no debris behind.
        const survivor = writableRoot(inner, 123);
        await importCsv(survivor, "demo", "sequence\nTTTTTTTTTT\n");
        await initDataset(survivor, "second").catch(() => undefined);
        for (const id of DATASETS) {
          for await (const { path } of inner.list(`${id}/.staging/`)) expect.fail(`${where}: debris ${path}`);
        }
        const last = await seen(inner, verb);
        expect(last.events - recovered.events, where).toBe(verb.name === "init" && own === 1 ? 1 : 2);
      }
    });
  });

  it("tried the calls of these verbs", () => {
    console.log(`${runs} faults, ${repairs} repairs of what they left`);
    expect(runs).toBeGreaterThan(atLeast);
    expect(repairs).toBeGreaterThan(50);
  });
}

/** An append that was cut off leaves half a line: it is ended, by the next append or by a repair, and stays. */
const HALF_LINE = "EVENT_INVALID";

/**
 * The doctor finds what a fault has left and mends all of it: readers see what they saw, the log speaks of each commit once, no debris is left.
 * Returns whether there was something to mend.
 */
const repaired = async (
  storage: Storage,
  verb: Verb,
  { found, before, allowed }: { readonly found: Seen; readonly before: Seen; readonly allowed: readonly number[] },
  where: string,
): Promise<boolean> => {
  let repairs = 0;
  for (const id of DATASETS) {
    await using base = await storage.open(`${id}/records.parquet`);
    if (base === undefined) continue;
    const { findings } = await doctor(writableRoot(storage, 11), id);
    for await (const { path } of storage.list(`${id}/.staging/`))
      if (!path.endsWith("pending.json"))
        expect(
          findings.map((f) => `${id}/${f.where}`),
          `${where}: debris is found`,
        ).toContain(path);
    expect(
      findings.filter(({ repairable, code }) => !repairable && code !== HALF_LINE),
      where,
    ).toEqual([]);
    if (!findings.some(({ repairable }) => repairable)) continue;
    const mended = await doctor(writableRoot(storage, 12), id, { repair: true });
    expect([mended.ok, mended.findings.filter((f) => !f.repaired && f.code !== HALF_LINE)], where).toEqual([true, []]);
    const last = await doctor(writableRoot(storage, 13), id);
    expect(
      last.findings.filter(({ code }) => code !== HALF_LINE),
      where,
    ).toEqual([]);
    for await (const { path } of storage.list(`${id}/.staging/`)) expect.fail(`${where}: the doctor left ${path}`);
    repairs++;
  }
  const after = await seen(storage, verb);
  expect(after.view, `${where}: after the repair`).toBe(found.view);
  // A repair logs itself, once.
  if (repairs > 0) expect(allowed, `${where}: after the repair`).toContain(after.events - before.events - repairs);
  return repairs > 0;
};

const hasDeadCause = (error: unknown): boolean =>
  error instanceof Error && (error instanceof DeadError || (error.cause !== undefined && hasDeadCause(error.cause)));
