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
  { operations: [2, 2, 2], reads: 1, states: 378_468 },
  { operations: [1, 1, 1], reads: 2, states: 13_624 },
  { operations: [2, 2, 2], reads: 1, brief: true, second: "import", states: 88_506 },
  { operations: [3, 3, 3], reads: 1, brief: true, states: 320_868 },
];
/** A quarter of an hour: with USR_TEST_RUNS of 2 and more. */
const LARGE: readonly Size[] = [
  { operations: [4, 4, 4], reads: 1, brief: true, states: 1_454_815 },
  { operations: [4, 4, 4], reads: 1, brief: true, second: "import", states: 7_653_489 },
  { operations: [2, 2, 2], reads: 1, second: "import", states: 741_796 },
  { operations: [3, 3, 3], reads: 1, states: 6_890_983 },
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
const STEPS_OF_READER = ["begins", "lists", "opens", "lists again", "answers"];

test.each(testRuns(1) > 1 ? [...USUAL, ...LARGE] : USUAL)(
  "no law is broken: operations $operations, reads $reads, brief $brief, second $second",
  ({ states, ...exploration }) => {
    const began = performance.now();
    const found = explore(exploration);
    const seconds = Math.round((performance.now() - began) / 1000);
    const { brief = false, second = "attach" } = exploration;
    console.log(`${found.states} states, ${found.depth} steps, ${seconds} s: ${JSON.stringify(exploration)}`);
    expect(found.broken).toBeUndefined();
    expect(found.states).toBe(states);
    const again = brief ? [] : ["starts over", "misses and lists again"];
    const reader = [...STEPS_OF_READER, ...again].map((step) => `reader: ${step}`);
    const ofImports = second === "import" ? ["plan: import", "publish: import"] : [];
    expect([...found.taken.keys()].sort()).toEqual(["start", ...STEPS_OF_WRITERS, ...ofImports, ...reader].sort());
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
  explore({ operations: [1, 1, 1], reads: 1, second: "import", each });
  expect(differing).toEqual([]);
});

describe("a protocol that leaves something out is found out:", () => {
  it.each<{ readonly bugs: Bugs; readonly law: string; readonly size: Omit<Exploration, "reads"> }>([
    { bugs: { noLock: true }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { createdAtUnclamped: true }, law: "MonotonicCreatedAt", size: { operations: [1, 0, 1] } },
    { bugs: { noPendingRecord: true }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { recordBeforeStaged: true }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { eventBeforePublish: true }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { leavesBeforePublish: true }, law: "NoLostCommit", size: { operations: [1, 0, 1] } },
    { bugs: { newestLeavesFirst: true }, law: "NoLostCommit", size: { operations: [2, 1, 1] } },
    { bugs: { recoveryForgets: "leaves" }, law: "NothingLeftOver", size: { operations: [2, 1, 1] } },
    { bugs: { recoveryForgets: "event" }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { recoveryForgets: "to look for the event" }, law: "EventIffCommit", size: { operations: [1, 0, 1] } },
    { bugs: { stagedSweptFirst: true }, law: "EventIffCommit", size: { operations: [2, 1, 1] } },
    { bugs: { tornListing: true }, law: "ConsistentRead", size: { operations: [3, 0, 2] } },
    { bugs: { baseListedBeside: true }, law: "ConsistentRead", size: { operations: [1, 1, 1], second: "import" } },
  ])("$bugs", ({ bugs, law, size }) => {
    for (const brief of [false, true]) expect(explore({ ...size, reads: 1, bugs, brief }).broken).toBe(law);
  });

  // A brief exploration takes for granted that these are done.
  it.each<{ readonly bugs: Bugs; readonly operations: Operations }>([
    { bugs: { readerListsOnce: true }, operations: [1, 0, 1] },
    { bugs: { readerForgetsParts: true }, operations: [2, 1, 1] },
    { bugs: { readerKeepsBase: true }, operations: [1, 0, 1] },
  ])("$bugs", ({ bugs, operations }) => {
    expect(explore({ operations, reads: 1, bugs }).broken).toBe("ConsistentRead");
  });
});
