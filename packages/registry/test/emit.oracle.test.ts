import { canonicalRegistry, contractHash, registryHash } from "@usr/registry";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { registryOf } from "../src/registry.ts";
import { entries } from "./arbitraries.ts";
import { DUMP, encodeEntries } from "./python.ts";

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("canonical text against PyYAML", () => {
  it("is the same, and so are the hashes, for random registries", async () => {
    const python = oracle();
    if (python === undefined) throw new Error("unreachable without Python");
    await using worker = python.worker(DUMP);
    const numRuns = testRuns(20000);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const registry = registryOf(list);
        const contracts = await Promise.all(list.map(async (entry) => [entry.namespace, await contractHash(entry)]));
        expect({
          text: canonicalRegistry(registry),
          hash: await registryHash(registry),
          contracts: Object.fromEntries(contracts),
        }).toEqual(await worker.ask(encodeEntries(list)));
        compared += 1;
      }),
      { numRuns },
    );
    countComparisons("registry: canonical text", compared);
    expect(compared).toBeGreaterThanOrEqual(numRuns);
  });
});
