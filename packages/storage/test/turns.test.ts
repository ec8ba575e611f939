import { expect, test } from "vitest";
import { takingTurns } from "../src/node/turns.ts";

test("works on one key run one after the other, in their order, also after one that fails; others do not wait", async () => {
  const inTurn = takingTurns();
  const told: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (key: string, name: string): Promise<string> =>
    inTurn(key, async () => {
      told.push(`${name} starts`);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      if (name === "first") throw new Error("failed");
      return name;
    });
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

  const first = work("k", "first");
  const second = work("k", "second");
  const other = work("l", "other");
  await settled();
  expect(told).toEqual(["first starts", "other starts"]);
  ends.get("first")?.();
  await expect(first).rejects.toThrow("failed");
  await settled();
  // The second is at work: who comes now waits for it, though the first is through.
  const third = work("k", "third");
  await settled();
  expect(told).toEqual(["first starts", "other starts", "second starts"]);
  ends.get("second")?.();
  expect(await second).toBe("second");
  await settled();
  expect(told.at(-1)).toBe("third starts");
  ends.get("third")?.();
  ends.get("other")?.();
  expect([await third, await other]).toEqual(["third", "other"]);
});
