import type { Storage } from "@usr/storage";
import { DeadError, type FaultPlan, faultStorage } from "@usr/storage/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { doctor } from "../src/maintain/index.ts";
import { FAULTS, healthyRoot } from "./faults.ts";
import { attachCsv, cloneStorage, rowsOf, writableRoot } from "./write-support.ts";

// A repair that fails or dies at every storage call: the next one finishes it, and no value is lost.

const NAMES = [
  "a folder named unlike its namespace",
  "a namespace in two places",
  "a folder that bears the name of another namespace",
  "a frozen registry that was altered",
  "pins of a snapshot that is gone",
  "a torn last line of the log",
  "a part whose event is not in the log",
  "a commit that stopped half way",
];

const PLANS: readonly Omit<FaultPlan, "failAt">[] = [
  { kind: "error-once", on: "before", code: "IO" },
  { kind: "die", on: "before" },
  { kind: "die", on: "after" },
  { kind: "die", shortWrite: true },
];

let broken: Storage;
beforeAll(async () => {
  const root = await healthyRoot();
  for (const { name, plant } of FAULTS) if (NAMES.includes(name)) await plant(root);
  broken = root.storage;
});

const view = (storage: Storage): Promise<unknown> =>
  rowsOf(writableRoot(storage), "demo", { includeDeleted: true }).catch((error: unknown) =>
    error instanceof Error && "code" in error ? error.code : error,
  );

describe.each(PLANS)("$kind $on short:$shortWrite", (plan) => {
  test("the next repair finishes, and the dataset works", { timeout: 600_000 }, async () => {
    const whole = faultStorage(await cloneStorage(broken));
    await doctor(writableRoot(whole.storage, 7), "demo", { repair: true });
    const healthy = await view(whole.storage);
    // Calls that only look change nothing wherever they fail.
    const changing = whole.calls.flatMap((call, i) => (/^(open|list|read|debris|digest)\b/.test(call) ? [] : [i + 1]));
    expect(changing.length).toBeGreaterThan(10);
    for (const n of changing) {
      const where = `call ${n} (${whole.calls[n - 1]})`;
      const inner = await cloneStorage(broken);
      const faulty = faultStorage(inner, { ...plan, failAt: n });
      await doctor(writableRoot(faulty.storage, 7), "demo", { repair: true }).catch((error: unknown) => {
        if (plan.kind === "die" && !(error instanceof DeadError || (error instanceof Error && error.cause instanceof DeadError))) throw error; // biome-ignore format: one line
      });
      const again = await doctor(writableRoot(inner, 99), "demo", { repair: true });
      expect(
        again.findings.filter(({ repairable, repaired }) => repairable && !repaired),
        where,
      ).toEqual([]);
      const last = await doctor(writableRoot(inner, 100), "demo");
      expect(
        last.findings.filter(({ repairable }) => repairable),
        where,
      ).toEqual([]);
      expect(await view(inner), where).toEqual(healthy);
      await attachCsv(writableRoot(inner, 101), "demo", "sequence,score\nAAAA,9\n", { overwrite: true });
    }
  });
});
