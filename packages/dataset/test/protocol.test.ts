import { testRuns } from "@usr/testkit";
import { describe, expect, it, test } from "vitest";
import { explore } from "./protocol/explore.ts";
import type { Bugs, Operations } from "./protocol/model.ts";

// All ways that two writers, a compactor and a reader can go, each dying anywhere (test/protocol/model.ts).

interface Size {
  readonly operations: Operations;
  readonly reads: number;
}

const USUAL: readonly Size[] = [
  { operations: [2, 2, 2], reads: 1 },
  { operations: [1, 1, 1], reads: 2 },
];
/** Minutes and gigabytes: with USR_TEST_RUNS of 2 and more. */
const LARGE: readonly Size[] = [
  { operations: [2, 2, 2], reads: 2 },
  { operations: [4, 0, 2], reads: 1 },
  { operations: [3, 2, 2], reads: 1 },
];

test.each(testRuns(1) > 1 ? [...USUAL, ...LARGE] : USUAL)(
  "no law is broken: operations $operations, $reads reads",
  ({ operations, reads }) => {
    const found = explore(operations, reads);
    expect(found.broken).toBeUndefined();
    expect(found.states).toBeGreaterThan(5000);
  },
);

describe("a protocol that leaves something out is found out:", () => {
  it.each<{ readonly bugs: Bugs; readonly law: string }>([
    { bugs: { readerListsOnce: true }, law: "ConsistentRead" },
    { bugs: { createdAtUnclamped: true }, law: "MonotonicCreatedAt" },
    { bugs: { noPendingRecord: true }, law: "EventIffCommit" },
    { bugs: { eventBeforePublish: true }, law: "EventIffCommit" },
    { bugs: { newestLeavesFirst: true }, law: "NoLostCommit" },
  ])("$bugs", ({ bugs, law }) => {
    expect(explore([2, 1, 1], 1, bugs).broken).toBe(law);
  });
});
