import { canonicalRegistry, parseRegistry } from "@usr/registry";
import { STANDARD } from "@usr/registry/standard";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readCanonical } from "../src/canonical-text.ts";
import { emitYaml } from "../src/emit.ts";
import { loadYaml } from "../src/load.ts";
import { registryOf } from "../src/registry.ts";
import { USR_STATE } from "../src/reserved.ts";
import { entries } from "./arbitraries.ts";

const word = fc.constantFrom("a", "x9", "mock", "null", "yes", "n", "1_0", "a b", "what is: it", "b #c", "-", "~", "é");
const usual = fc
  .uniqueArray(
    fc.record({
      namespace: fc.constantFrom("a", "b", "mock", "yes", "null"),
      owner: fc.oneof(word, fc.constant(null)),
      description: fc.oneof(word, fc.constant(null), fc.lorem({ maxCount: 20 })),
      columns: fc.array(fc.record({ name: word, type: fc.constantFrom("string", "list<float64>", "bool") })),
    }),
    { selector: (entry) => entry.namespace },
  )
  .map((list) => canonicalRegistry(registryOf([USR_STATE, ...list])));

/** The same value as the reader of YAML finds, or none. */
const law = async (text: string): Promise<boolean> => {
  const value = readCanonical(text);
  if (value === undefined) return false;
  const loaded = await loadYaml(text);
  if (!("value" in loaded)) throw new Error(JSON.stringify(loaded.problems));
  expect(JSON.stringify(value)).toBe(JSON.stringify(loaded.value));
  expect(emitYaml(value)).toBe(emitYaml(loaded.value));
  return true;
};

test("canonical texts have the value that a reader of YAML finds in them, or are left to it", async () => {
  let read = 0;
  const counted = async (text: string): Promise<void> => {
    if (await law(text)) read++;
  };
  await fc.assert(fc.asyncProperty(usual, counted), { numRuns: testRuns(150) });
  // Most draws hold a text that is left to the reader of YAML; that some are read here is what makes the law say something.
  expect(read).toBeGreaterThan(testRuns(150) / 50);
  const any = entries.map((list) => canonicalRegistry(registryOf([USR_STATE, ...list])));
  await fc.assert(fc.asyncProperty(any, counted), { numRuns: testRuns(150) });
});

test("texts that differ from canonical ones have that value too, or are left to it", async () => {
  const piece = fc.constantFrom("", " ", "\n", ":", "- ", "#", "'", "  ", "a", "&a ", "[]", "\t", "null", "!!str ");
  const changed = fc.tuple(usual, fc.nat(), fc.nat(3), piece).map(([text, at, gone, more]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + more + text.slice(place + gone);
  });
  await fc.assert(
    fc.asyncProperty(changed, async (text) => void (await law(text))),
    { numRuns: testRuns(600) },
  );
});

test("registries as commands write them are read", async () => {
  // The description of this one takes two lines, which is left to the reader of YAML.
  const short = STANDARD.filter(({ namespace }) => namespace !== "seq_annot");
  const columns = [{ name: "lab__x", type: "bool" }];
  for (const more of [[], short, [{ namespace: "lab", owner: null, description: "a b", columns }]]) {
    const text = canonicalRegistry(registryOf([USR_STATE, ...more]));
    expect(await law(text), text).toBe(true);
    expect((await parseRegistry(text)).problems).toEqual([]);
  }
});

const nest = (levels: number): string =>
  Array.from({ length: levels }, (_, i) => `${"  ".repeat(i)}a:${i === levels - 1 ? " x" : ""}\n`).join("");
const long = (lines: number): string => Array.from({ length: lines }, (_, i) => `a${i + 100_000}: x\n`).join("");

test("deep, endless and empty texts are left", () => {
  for (const text of [nest(9), long(19_999)]) expect(readCanonical(text)).toBeDefined();
  for (const text of ["", "\n", "a", "a:\n", "a: x", nest(10), nest(30), long(20_000)]) {
    expect(readCanonical(text)).toBe(undefined);
  }
});
