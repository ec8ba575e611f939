import type { Storage } from "@usr/storage";
import { type FaultPlan, faultStorage } from "@usr/storage/testing";
import { beforeAll, describe, expect, it } from "vitest";
import {
  add,
  cloneStorage,
  compact,
  demo,
  eventsOf,
  idsOf,
  place,
  pull,
  push,
  registerMock,
  remove,
  score,
  state,
  viewOf,
  world,
} from "./support.ts";

/** So many places in every transfer are tried with each fault. */
const CUTS = 40;

const PLANS: readonly Omit<FaultPlan, "failAt">[] = [
  { kind: "error-once", on: "before", code: "IO" },
  { kind: "error-once", on: "after", code: "FULL" },
  { kind: "die", on: "before" },
  { kind: "die", on: "after" },
  { kind: "die", shortWrite: true },
];

/** Two sites that both have work the other lacks: a grown base, parts, a compaction, states, deletions, a registry. */
let here: Storage;
let there: Storage;

beforeAll(async () => {
  const w = world();
  const [a, b] = [place(w, "here"), place(w, "there")];
  await demo(a);
  await score(a, { AAAA: 1 });
  await score(a, { AAAA: 2, CCCC: 2 });
  await push(a, b);
  const ids = await idsOf(a);
  await registerMock(b, "other");
  await add(b, ["AAAAA", "CCCCC"]);
  await score(b, { GGGG: 3 }, { namespace: "other" });
  await compact(b);
  await score(b, { TTTT: 4 });
  await remove(b, [ids[0]!], "bad");
  await state(b, [ids[1]!], "pass");
  await state(a, [ids[2]!], "fail");
  here = a.root.storage;
  there = b.root.storage;
});

describe.each(["pull", "push"] as const)("%s", (direction) => {
  describe.each(["source", "target"] as const)("cut at calls of the %s", (side) => {
    it.each(PLANS)("$kind $on $code short:$shortWrite", async (fault) => {
      const w = world();
      w.now += 1_000_000_000n;
      const run = async (local: Storage, remote: Storage): Promise<unknown> =>
        // What `there` has goes to `here`, by a pull that runs here or a push that runs there.
        direction === "pull"
          ? pull(place(w, "here", local), place(w, "there", remote))
          : push(place(w, "there", remote), place(w, "here", local));
      const wholeFault = async (plan?: FaultPlan) => {
        const target = await cloneStorage(here);
        const source = await cloneStorage(there);
        const faulty = faultStorage(side === "target" ? target : source, plan);
        const failed = await run(
          side === "target" ? faulty.storage : target,
          side === "source" ? faulty.storage : source,
        ).then(
          () => undefined,
          (error: unknown) => error,
        );
        return { target, source, calls: faulty.calls, failed };
      };
      const whole = await wholeFault();
      expect(whole.failed).toBeUndefined();
      const wanted = await viewOf(place(w, "here", whole.target));
      const events = new Set(await eventsOf(place(w, "here", whole.target)));
      const before = await viewOf(place(w, "here", here));
      expect(wanted).not.toEqual(before);
      const step = Math.max(1, whole.calls.length / CUTS);
      for (let at = 1; at <= whole.calls.length; at += step) {
        const call = Math.floor(at);
        const where = `call ${call} of ${whole.calls.length} (${whole.calls[call - 1]}), ${JSON.stringify(fault)}`;
        const { target, source, failed } = await wholeFault({ ...fault, failAt: call });
        const after = place(w, "here", target);
        // Whatever happened, the target can be read, and its own work is there.
        const view = await viewOf(after);
        expect(view.length, where).toBeGreaterThanOrEqual(before.length);
        if (failed === undefined) expect(view, where).toEqual(wanted);
        for (const event of await eventsOf(place(w, "here", here)))
          expect(await eventsOf(after), where).toContain(event);
        // And again: it goes on where it ended.
        await run(target, source);
        expect(await viewOf(after), where).toEqual(wanted);
        expect(new Set(await eventsOf(after)), where).toEqual(events);
        for await (const { path } of target.list("demo/.incoming/")) expect.fail(`${where}: ${path}`);
        // What could not even be swept is swept by the next writer.
        await score(after, { ACGT: 1 });
        for await (const { path } of target.list("demo/.staging/")) expect.fail(`${where}: ${path}`);
      }
    });
  });
});
