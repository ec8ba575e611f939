import type { Storage } from "@usr/storage";
import { beforeAll, describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import type { Problem } from "../src/types.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { FAULTS, type Fault, healthyRoot } from "./faults.ts";
import { bytesUnder, changedPaths, cloneStorage, writableRoot } from "./write-support.ts";

let healthy: Storage;
beforeAll(async () => {
  healthy = (await healthyRoot()).storage;
});

const copy = async (): Promise<WritableRoot> => writableRoot(await cloneStorage(healthy));

const problemsOf = async (root: WritableRoot): Promise<readonly Problem[]> => {
  const { ok, problems } = await validate(root, "demo", { strict: true, nowUs: root.clock() });
  expect(ok).toBe(problems.every(({ severity }) => severity === "warning"));
  return problems;
};

const isOf = (fault: Fault, { severity, code, message, where }: Problem): boolean =>
  severity === (fault.severity ?? "error") &&
  code === fault.code &&
  where.startsWith(fault.where) &&
  message.includes(fault.says ?? "");

test("a healthy dataset with one of everything has no problem", async () => {
  expect(await problemsOf(await copy())).toEqual([]);
});

describe("each fault is found, by its code and place", () => {
  test.each(FAULTS)("$name", async (fault) => {
    const root = await copy();
    await fault.plant(root);
    const before = await bytesUnder(root.storage);
    const problems = await problemsOf(root);
    expect(problems.filter((problem) => isOf(fault, problem))).toHaveLength(1);
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });
});

test("all that hide none of the others are found at once", async () => {
  const root = await copy();
  const together = FAULTS.filter(({ hides }) => hides !== true);
  for (const { plant } of together) await plant(root);
  const problems = await problemsOf(root);
  const missed = together.filter((fault) => !problems.some((problem) => isOf(fault, problem)));
  expect(missed.map(({ name }) => name)).toEqual([]);
  expect(together.length).toBeGreaterThanOrEqual(40);
});
