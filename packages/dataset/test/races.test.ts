/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as immediately } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { testRuns } from "@usr/testkit";
import { expect, test } from "vitest";
import { initDataset } from "../src/write/index.ts";
import {
  COLUMNS,
  DATASET,
  deedOf,
  expected,
  type Model,
  rootAt,
  sequenceOf,
  textOf,
  told,
  viewOf,
} from "./history/history.ts";
import { importCsv, register } from "./write-support.ts";

// One process writes, a commit every few milliseconds: parts, rows, deletions, states, compactions, materializations, registry changes. Readers take no lock.
// Each read must be one committed state, no older than the last commit before it began and no newer than the one under way when it ended.

const BASE_ROWS = 200;
/** Between two commits, as a job does some work of its own. */
const PAUSE_MS = 50;
const READERS = 10;
const READS = testRuns(1000);
const SEED = Number(process.env["USR_TEST_SEED"] ?? 1);
const WRITER = fileURLToPath(new URL("history/writer.ts", import.meta.url));

test(`${READS} reads beside a writer each see one committed state`, { timeout: testRuns(40 * 60_000) }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-races-"));
  const root = rootAt(folder);
  await register(root, "kill", COLUMNS);
  await initDataset(root, DATASET);
  const rows = Array.from({ length: BASE_ROWS }, (_, row) => sequenceOf(row));
  await importCsv(root, DATASET, `sequence\n${rows.join("\n")}\n`);
  const first: Model = {
    batches: [],
    values: rows.map(() => null),
    deleted: new Set(),
    splits: new Map(),
    parts: 0,
    commits: 0,
  };
  /** State n is the one after n deeds. */
  const models = [first];
  const views = [expected(first)];
  const viewAfter = (deeds: number): string => {
    for (let n = models.length; n <= deeds; n++) {
      const model = told(models[n - 1]!, deedOf(SEED, n - 1, BASE_ROWS));
      models.push(model);
      views.push(expected(model));
    }
    return views[deeds]!;
  };

  const args = ["--conditions=@usr/source", WRITER, folder, String(SEED), String(BASE_ROWS), String(PAUSE_MS)];
  const writer = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(writer, "close");
  // A writer that was killed has no exit code.
  const writing = (): boolean => writer.exitCode === null && writer.signalCode === null;
  let begun = 0;
  let done = 0;
  let line = "";
  writer.stdout.on("data", (chunk) => {
    const lines = (line + String(chunk)).split("\n");
    line = lines.pop() ?? "";
    for (const said of lines) {
      const number = Number(said.split(" ")[1]) + 1;
      if (said.startsWith("begin")) begun = number;
      else done = number;
    }
  });
  writer.stdin.end(textOf(first, 0));

  while (begun === 0 && writing()) await immediately();

  let reads = 0;
  let beside = 0;
  const reader = async (): Promise<void> => {
    while (reads < READS && writing()) {
      reads++;
      const oldest = done;
      const view = await viewOf(root);
      // The writer may be further than what it said has reached us.
      await immediately();
      const newest = begun + 1;
      let state = oldest;
      while (state <= newest && viewAfter(state) !== view) state++;
      if (state > newest) expect.fail(`a read between deeds ${oldest} and ${newest} saw none of their states`);
      if (newest > oldest + 1) beside++;
    }
  };
  try {
    await Promise.all(Array.from({ length: READERS }, reader));
  } finally {
    writer.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  }
  console.log(`${reads} reads beside ${done} commits, ${beside} of them while at least one was made`);
  expect(reads).toBeGreaterThanOrEqual(READS);
  expect(done).toBeGreaterThan(READS / 50);
  expect(beside).toBeGreaterThan(READS / 50);
});
