/// <reference types="node" />
import { parentPort, workerData } from "node:worker_threads";
import { verdict } from "./judge.ts";
import { layoutOf } from "./layout.ts";
import { allocatedBytes, meterAllocations } from "./meter.ts";
import { mutated } from "./mutate.ts";
import { picker } from "./random.ts";

/** What a worker is given: files that are whole, and which cases to try. */
export interface Work {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly allocationBudget: number;
  /** `[0]` is the case under way, for whoever watches. */
  readonly progress: Int32Array;
}

export interface Done {
  readonly exact: number;
  readonly refused: number;
  readonly failures: readonly string[];
  readonly mostAllocated: number;
}

const MOST_FAILURES = 20;

async function run({ files, seed, first, count, allocationBudget, progress }: Work): Promise<Done> {
  const layouts = [];
  for (const { bytes } of files) layouts.push(await layoutOf(bytes));
  meterAllocations();
  const tally = { exact: 0, refused: 0 };
  const failures: string[] = [];
  let mostAllocated = 0;
  for (let number = first; number < first + count && failures.length < MOST_FAILURES; number++) {
    Atomics.store(progress, 0, number);
    const pick = picker(seed, number);
    const which = pick(layouts.length);
    const where = `seed ${seed}, case ${number}, ${files[which]?.name}`;
    const layout = layouts[which];
    if (layout === undefined) throw new Error("no files to damage");
    const bytes = mutated(layout, pick);
    const before = allocatedBytes();
    try {
      tally[await verdict(bytes, pick)]++;
    } catch (error) {
      failures.push(`${where}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const allocated = allocatedBytes() - before;
    mostAllocated = Math.max(mostAllocated, allocated);
    if (allocated > allocationBudget) failures.push(`${where}: ${allocated} bytes allocated`);
  }
  return { ...tally, failures, mostAllocated };
}

const work: Work = workerData;
parentPort?.postMessage(await run(work));
