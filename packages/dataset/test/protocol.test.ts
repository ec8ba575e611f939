import { testRuns } from "@usr/testkit";
import { describe, expect, it, test } from "vitest";
import { decode, encode, LARGEST_CODE } from "./protocol/codec.ts";
import { type Exploration, explore } from "./protocol/explore.ts";
import { type Bugs, broken, type Operations, type State } from "./protocol/model.ts";
import { readerSteps } from "./protocol/reader.ts";
import { writerSteps } from "./protocol/writers.ts";

// All ways that two writers, a compactor and a reader can go, each dying anywhere (test/protocol/model.ts).

interface Size extends Exploration {
  /** Another number means another model: some of it may not be explored any more. */
  readonly states: number;
}

const USUAL: readonly Size[] = [
  { operations: [2, 2, 2], reads: 1, states: 490_568 },
  { operations: [1, 1, 1], reads: 2, states: 18_198 },
  { operations: [3, 2, 2], reads: 1, brief: true, states: 252_138 },
];
/** A quarter of an hour: with USR_TEST_RUNS of 2 and more. */
const LARGE: readonly Size[] = [
  { operations: [3, 3, 3], reads: 1, states: 8_972_642 },
  { operations: [4, 4, 4], reads: 1, brief: true, states: 4_505_815 },
];

const STEPS_OF_WRITERS = [
  "begin",
  ...["recover: no record", "recover: happened", "recover: not happened"],
  ...["plan: nothing", "plan: attach", "plan: compact", "plan: fold", "stage", "record"],
  ...["publish: attach", "publish: compact", "publish: fold", "leave", "leave, recovering"],
  ...["finish", "event", "event: known", "event: recovered"],
  ...["discard", "discard, recovering", "sweep", "sweep, recovering"],
  ...["recover", "plan", "stage", "record", "publish", "finish", "event", "discard", "sweep"].map((at) => `die: ${at}`),
  ...["finish", "event", "discard", "sweep"].map((at) => `die: ${at}, recovering`),
];
const STEPS_OF_READER = ["begins", "lists", "opens", "lists again", "starts over", "answers"];

test.each(testRuns(1) > 1 ? [...USUAL, ...LARGE] : USUAL)(
  "no law is broken: operations $operations, reads $reads, brief $brief",
  ({ states, ...exploration }) => {
    const began = performance.now();
    const found = explore(exploration);
    const seconds = Math.round((performance.now() - began) / 1000);
    const { operations, reads, brief = false } = exploration;
    console.log(`${found.states} states: ${JSON.stringify({ operations, reads, brief, depth: found.depth, seconds })}`);
    expect(found.broken).toBeUndefined();
    expect(found.states).toBe(states);
    const misses = brief ? [] : ["misses and lists again"];
    const reader = [...STEPS_OF_READER, ...misses].map((step) => `reader: ${step}`);
    expect([...found.taken.keys()].sort()).toEqual(["start", ...STEPS_OF_WRITERS, ...reader].sort());
  },
);

/** What can follow, each step with the state it leads to. */
const following = (s: State): readonly string[] => {
  const code = new Uint8Array(LARGEST_CODE);
  return [...writerSteps(s, {}), ...readerSteps(s, {})]
    .map(({ name, to }) => `${name} ${broken(to)} ${code.subarray(0, encode(to, code)).join()}`)
    .sort();
};

test("states that are taken for one go on alike", () => {
  const code = new Uint8Array(LARGEST_CODE);
  const differing: State[] = [];
  const each = (next: State): void => {
    encode(next, code);
    if (following(next).join("\n") !== following(decode(code)).join("\n")) differing.push(next);
  };
  explore({ operations: [2, 1, 1], reads: 1, brief: true, each });
  explore({ operations: [1, 1, 1], reads: 1, each });
  expect(differing).toEqual([]);
});

describe("a protocol that leaves something out is found out:", () => {
  it.each<{ readonly bugs: Bugs; readonly law: string; readonly operations: Operations }>([
    { bugs: { noLock: true }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { createdAtUnclamped: true }, law: "MonotonicCreatedAt", operations: [1, 0, 1] },
    { bugs: { noPendingRecord: true }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { recordBeforeStaged: true }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { eventBeforePublish: true }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { leavesBeforePublish: true }, law: "NoLostCommit", operations: [1, 0, 1] },
    { bugs: { newestLeavesFirst: true }, law: "NoLostCommit", operations: [2, 1, 1] },
    { bugs: { recoveryForgets: "leaves" }, law: "NothingLeftOver", operations: [2, 1, 1] },
    { bugs: { recoveryForgets: "event" }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { recoveryForgets: "to look for the event" }, law: "EventIffCommit", operations: [1, 0, 1] },
    { bugs: { stagedSweptFirst: true }, law: "EventIffCommit", operations: [2, 1, 1] },
    { bugs: { readerListsOnce: true }, law: "ConsistentRead", operations: [1, 0, 1] },
    { bugs: { readerForgetsParts: true }, law: "ConsistentRead", operations: [2, 1, 1] },
    { bugs: { readerKeepsBase: true }, law: "ConsistentRead", operations: [1, 0, 1] },
    { bugs: { tornListing: true }, law: "ConsistentRead", operations: [2, 0, 2] },
  ])("$bugs", ({ bugs, law, operations }) => {
    expect(explore({ operations, reads: 1, bugs }).broken).toBe(law);
    // What is left out of a brief exploration is what readers do wrong, not writers.
    if (law !== "ConsistentRead") expect(explore({ operations, reads: 1, bugs, brief: true }).broken).toBe(law);
  });
});
