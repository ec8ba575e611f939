import type { Storage } from "@usr/storage";
import { faultStorage } from "@usr/storage/testing";
import { expect, test } from "vitest";
import { add, bytesAt, cloneStorage, demo, place, pull, push, SEQUENCES, score, world } from "./support.ts";

// Lines without an id, as other programs write them, may say the same twice. A sync brings the one that lacks, also where it was interrupted.

const LOG = "demo/.events.log";
const LINE = '{"note":"washed"}\n';

const textOf = async (storage: Storage): Promise<string> => new TextDecoder().decode(await bytesAt(storage, LOG));

const times = async (storage: Storage): Promise<number> => (await textOf(storage)).split(LINE).length - 1;

test("a line that the target has once and the source twice arrives once, wherever the pull dies", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await here.root.storage.append!(LOG, new TextEncoder().encode(LINE));
  await push(here, there);
  await there.root.storage.append!(LOG, new TextEncoder().encode(LINE));
  await add(there, ["AAAAA"]);
  await score(there, { AAAAA: 1 });
  expect([await times(here.root.storage), await times(there.root.storage)]).toEqual([1, 2]);

  const whole = faultStorage(await cloneStorage(here.root.storage));
  await pull(place(w, "here", whole.storage), there);
  expect(await times(whole.storage)).toBe(2);

  let cut = 0;
  for (const [at, call] of whole.calls.entries()) {
    if (/^(open|list|read|debris|digest)\b/.test(call)) continue;
    for (const plan of [{ on: "before" }, { on: "after" }, { shortWrite: true }] as const) {
      const inner = await cloneStorage(here.root.storage);
      const dying = faultStorage(inner, { kind: "die", failAt: at + 1, ...plan });
      const error = await pull(place(w, "here", dying.storage), there).catch((cause: unknown) => cause);
      if (error instanceof Error) cut++;
      // The next writer finishes what was under way, or sweeps it.
      const after = place(w, "here", inner);
      await add(after, SEQUENCES);
      const where = `call ${at + 1} (${call}), ${JSON.stringify(plan)}`;
      const pulled = (await textOf(inner)).includes('"action":"pull"');
      expect(await times(inner), where).toBe(pulled ? 2 : 1);
      await pull(after, there);
      expect(await times(inner), where).toBe(2);
    }
  }
  expect(cut).toBeGreaterThan(10);
});
