import { normalizeSequence, sequenceId } from "@usr/id";
import { refget } from "@usr/id/digests";
import { reverseComplement } from "@usr/id/strands";
import { expect, test } from "vitest";

/** What a program without types may pass for a sequence. */
const untyped = (value: unknown): string => Object.assign({ sequence: "" }, { sequence: value }).sequence;

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [5, "number"],
  [["ACGT"], "object"],
  [new TextEncoder().encode("ACGT"), "object"],
])("%j is no sequence and gets no id", (value, what) => {
  const sequence = untyped(value);
  const told = `A sequence is a string, not ${what}.`;
  expect(() => sequenceId("dna", sequence)).toThrow(new TypeError(told));
  expect(() => normalizeSequence(sequence, "dna", "dna_4")).toThrow(new TypeError(told));
  expect(() => reverseComplement(sequence, "dna")).toThrow(new TypeError(told));
  expect(() => refget(sequence)).toThrow(new TypeError(told));
});
