/// <reference types="node" />
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { GOLDEN_PATH, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { writeParquet } from "../src/index.ts";
import { collect, oracle, python } from "./canon.ts";
import { verdict } from "./hostile/judge.ts";
import type { Done, Work } from "./hostile/worker.ts";
import { batchOf, schemaOf, type TableSpec, tableArb } from "./tables.ts";

// Files made hostile with their structure in mind (test/hostile/mutate.ts), read in a worker with a small heap. Each gives its declared rows with
// values of their types, or a ParquetError; any other exception, a case that takes more than 5 s, or more memory than budgeted is a fault.
// `seed S, case N` in a failure is repeated by USR_TEST_SEED=S; without pyarrow or a corpus the files are fewer and the cases others.

const SEED = Number(process.env["USR_TEST_SEED"] ?? 20_261_121);
const CASES = testRuns(20_000);
const SLOWEST_MS = 5_000;
const HEAP_MIB = 256;
/** Bytes of buffers for one small file under the limits of test/hostile/judge.ts. */
const ALLOCATION_BUDGET = 16 * 2 ** 20;
const LARGEST = 20_000;

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

const golden = (): readonly Sample[] =>
  globSync("**/*.parquet", { cwd: GOLDEN_PATH })
    .sort()
    .map((name) => ({ name, bytes: read(join(GOLDEN_PATH, name)) }))
    .filter(({ bytes }, i) => bytes.length < LARGEST && (i % 6 === 0 || bytes.length > 6_000));

const specs: readonly TableSpec[] = fc.sample(tableArb({ fixedLists: true, maxRows: 100 }), {
  numRuns: 24,
  seed: 20_261_122,
});

const own = async (): Promise<readonly Sample[]> => {
  const samples: Sample[] = [];
  for (const [i, spec] of specs.entries()) {
    const texts = spec.fields.filter(({ type }) => type.kind === "string").map(({ name }) => name);
    const codec = i % 2 === 0 ? ("uncompressed" as const) : ("zstd" as const);
    const o = { pageBytes: 200, codec, bloomFilters: texts };
    samples.push({ name: `own ${i}`, bytes: await collect(writeParquet(schemaOf(spec), [batchOf(spec)], o)) });
  }
  return samples;
};

const folder = mkdtempSync(join(tmpdir(), "usr-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WRITERS: readonly Readonly<Record<string, unknown>>[] = [
  { compression: "snappy", data_page_version: "2.0" },
  { compression: "gzip", use_dictionary: false, write_page_index: true },
  { compression: "lz4", write_page_checksum: true },
  { compression: "brotli", data_page_version: "2.0" },
  { compression: "none", use_dictionary: false, data_page_size: 64, write_page_index: true },
  { compression: "none", use_dictionary: false, column_encoding: { s: "DELTA_BYTE_ARRAY", n: "DELTA_BINARY_PACKED" } },
  {
    compression: "none",
    use_dictionary: false,
    column_encoding: { s: "DELTA_LENGTH_BYTE_ARRAY", f: "BYTE_STREAM_SPLIT" },
  },
];

/** What pyarrow writes in its other ways, where it is there; the golden files are its own too. */
const foreign = (): readonly Sample[] => {
  if (python === undefined) return [];
  const arrays = [
    {
      name: "s",
      type: "string",
      values: Array.from({ length: 90 }, (_, i) => (i % 7 === 0 ? null : `s:ACGT${i % 20}`)),
    },
    { name: "n", type: "int64", values: Array.from({ length: 90 }, (_, i) => `i:${i * i - 50}`) },
    {
      name: "f",
      type: "double",
      values: Array.from({ length: 90 }, (_, i) => (i % 5 === 0 ? null : "f:000000000000f03f")),
    },
    { name: "b", type: "bool", values: Array.from({ length: 90 }, (_, i) => i % 3 === 0) },
    {
      name: "l",
      type: "list<float32>",
      values: Array.from({ length: 90 }, (_, i) => (i % 4 === 0 ? null : Array(i % 3).fill("f:000000000000f03f"))),
    },
  ].map((array) => ({ ...array, type: array.type === "double" ? "float64" : array.type }));
  const jobs = WRITERS.map((options, i) => ({ op: "write", path: join(folder, `${i}.parquet`), arrays, options }));
  expect(oracle(jobs)).toEqual(jobs.map(() => ({ ok: true })));
  return jobs.map(({ path }, i) => ({ name: `pyarrow ${JSON.stringify(WRITERS[i])}`, bytes: read(path) }));
};

/** Files of the caller's, as they are and, the small ones, damaged. */
const corpus = (): readonly Sample[] => {
  const given = process.env["USR_PARQUET_CORPUS"];
  if (given === undefined || given === "") return [];
  const names = globSync("**/*.{parquet,parq}", { cwd: given }).sort();
  return names.map((name) => ({ name, bytes: read(join(given, name)) }));
};

/** Runs cases in a worker and watches it: a case that does not end is named, too. */
const inWorker = async (work: Omit<Work, "progress">): Promise<Done> => {
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const worker = new Worker(new URL("hostile/worker.ts", import.meta.url), {
    workerData: { ...work, progress } satisfies Work,
    execArgv: ["--conditions=@usr/source"],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  let since = performance.now();
  let known = -1;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Done>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", (cause) =>
        reject(new Error(`seed ${work.seed}, case ${Atomics.load(progress, 0)} ended the worker`, { cause })),
      );
      worker.once("exit", () => reject(new Error(`case ${Atomics.load(progress, 0)} ended the worker`)));
      timer = setInterval(() => {
        const now = Atomics.load(progress, 0);
        if (now !== known) {
          known = now;
          since = performance.now();
        } else if (now >= 0 && performance.now() - since > SLOWEST_MS) {
          reject(new Error(`seed ${work.seed}, case ${now} takes more than ${SLOWEST_MS} ms`));
        }
      }, 100);
    });
  } finally {
    clearInterval(timer);
    worker.removeAllListeners();
    await worker.terminate();
  }
};

describe("files made hostile", () => {
  it(`give their declared rows or a typed error, in ${CASES} seeded cases`, { timeout: 24 * 3_600_000 }, async () => {
    const files = [...golden(), ...(await own()), ...foreign(), ...corpus()].filter(
      ({ bytes }) => bytes.length > 0 && bytes.length < LARGEST,
    );
    expect(files.length).toBeGreaterThan(60);
    const done = await inWorker({ files, seed: SEED, first: 0, count: CASES, allocationBudget: ALLOCATION_BUDGET });
    console.log(`${CASES} hostile files: ${done.exact} read, ${done.refused} refused, ${done.failures.length} faults`);
    expect(done.failures).toEqual([]);
    expect(done.exact + done.refused).toBe(CASES);
    // Damage that is always refused at the door, or never, would prove nothing.
    expect(done.refused).toBeGreaterThan(CASES * 0.3);
    expect(done.exact).toBeGreaterThan(CASES * 0.1);
  });

  it("would be found by their memory", async () => {
    const done = await inWorker({ files: await own(), seed: SEED, first: 0, count: 100, allocationBudget: 100 });
    expect(done.failures.length).toBeGreaterThan(0);
  });

  it.each(corpus())("give their rows or a typed error as they are: $name", { timeout: 600_000 }, async ({ bytes }) => {
    expect(["exact", "refused"]).toContain(await verdict(bytes, () => 1, {}));
  });
});
