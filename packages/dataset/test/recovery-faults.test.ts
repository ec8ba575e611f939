import type { Storage } from "@usr/storage";
import { DeadError, type FaultPlan, faultStorage } from "@usr/storage/testing";
import { testRuns } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { prepared, recoverAll, seen, VERBS } from "./verbs.ts";
import { cloneStorage, contentOf, importCsv, writableRoot } from "./write-support.ts";

// A writer died, and the recovery by the next mutation fails or dies as well, at every call that changes something: the one after it finishes.
// What was committed stays committed, what was not stays undone, and the log tells it once.

const NAMES: ReadonlySet<string> = new Set([
  "import",
  "attach under a new registry",
  "materialize",
  "overlay remove, names against time",
  "snapshot restore",
  "delete more under a new registry",
]);
const CHOSEN = VERBS.filter(({ name }) => NAMES.has(name));

const LONG = testRuns(1) > 1;

const DEATHS: readonly Omit<FaultPlan, "failAt">[] = [
  { kind: "die", on: "before" },
  { kind: "die", on: "after" },
  { kind: "die", shortWrite: true },
];
const PLANS: readonly Omit<FaultPlan, "failAt">[] = [
  ...DEATHS,
  { kind: "error-once", on: "before", code: "IO" },
  { kind: "error-forever", on: "before", code: "FULL" },
];

/**
 * To die before a call is to die after the change before it, only an append can be short, and storage that fails for ever lets a mutation do
 * as little as death does: the usual run takes one plan of those that do the same.
 */
const tries = (plan: Omit<FaultPlan, "failAt">, call: string): boolean => {
  if (LONG || plan.kind === "error-once") return true;
  return plan.kind === "die" && (plan.shortWrite === true ? call.startsWith("append ") : plan.on === "after");
};

/** The calls, counted from 1, that change something: what only looks leaves nothing behind wherever it fails. */
const changing = (calls: readonly string[]): readonly number[] =>
  calls.flatMap((call, i) => (/^(open|list|read|debris|digest)\b/.test(call) ? [] : [i + 1]));

/** A mutation that recovers first, and that changes nothing of its own. */
const recovering = (storage: Storage): Promise<unknown> =>
  importCsv(writableRoot(storage, 99), "demo", "sequence\nAAAA\n", { onConflict: "ignore" });

let dead = 0;
let runs = 0;

describe.each(CHOSEN)("$name, and its recovery fails", (verb) => {
  it("the mutation after it finishes", { timeout: 120_000 }, async () => {
    const origin = await prepared(verb);
    const whole = faultStorage(await cloneStorage(origin));
    await verb.run(writableRoot(whole.storage, 7));

    const left = new Map<string, Storage>();
    for (const n of changing(whole.calls)) {
      for (const plan of DEATHS) {
        if (!tries(plan, whole.calls[n - 1]!)) continue;
        const inner = await cloneStorage(origin);
        const faulty = faultStorage(inner, { ...plan, failAt: n });
        await verb.run(writableRoot(faulty.storage, 7)).catch(() => undefined);
        left.set(await contentOf(inner), inner);
      }
    }
    dead += left.size;

    for (const broken of left.values()) {
      const found = await seen(broken, verb);
      const counted = faultStorage(await cloneStorage(broken));
      await recovering(counted.storage);
      const recovered = await seen(counted.storage, verb);
      expect(recovered.view).toBe(found.view);
      for (const n of changing(counted.calls)) {
        for (const plan of PLANS) {
          if (!tries(plan, counted.calls[n - 1]!)) continue;
          runs++;
          const where = `call ${n} (${counted.calls[n - 1]}) of the recovery, ${JSON.stringify(plan)}`;
          const inner = await cloneStorage(broken);
          const faulty = faultStorage(inner, { ...plan, failAt: n });
          const failed: unknown = await recovering(faulty.storage).catch((error: unknown) => error);
          if (plan.kind === "die" && failed instanceof Error && !("code" in failed))
            expect(failed, where).toBeInstanceOf(DeadError);
          if (LONG) expect((await seen(inner, verb)).view, where).toBe(found.view);

          await recoverAll(inner);
          expect(await seen(inner, verb), where).toEqual(recovered);
          for await (const { path } of inner.list("demo/.staging/")) expect.fail(`${where}: debris ${path}`);
        }
      }
    }
  });
});

it("tried so many states and faults", () => {
  expect([CHOSEN.length, dead > 40, runs > 800], `${dead} states, ${runs} faults`).toEqual([NAMES.size, true, true]);
});
