/// <reference types="node" />
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
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
  type Deed,
  deedOf,
  firstModel,
  rootAt,
  type SeenRow,
  sequenceOf,
  textOf,
  told,
} from "./history/history.ts";
import { READS } from "./history/reads.ts";
import { importCsv, register } from "./write-support.ts";

// One process writes, a commit every few milliseconds: imports, parts, rows deleted and restored, states, compactions, materializations, snapshots, returns to
// them, registry changes. Readers take no lock: they scan, look at the head and export, each in turn.
// Each read must be one committed state, no older than the last commit before it began and no newer than the one under way when it ended.

const BASE_ROWS = 200;
/** Between two commits, as a job does some work of its own. */
const PAUSE_MS = 50;
const READERS = 10;
const TIMES = testRuns(1000);
const SEED = Number(process.env["USR_TEST_SEED"] ?? 1);
/** A run in which one of them was not done proves less than it says. */
const KINDS: readonly Deed["kind"][] = [
  "attach",
  "compact",
  "delete",
  "import",
  "materialize",
  "register",
  "restore",
  "return",
  "snapshot",
  "state",
];
const WRITER = fileURLToPath(new URL("history/writer.ts", import.meta.url));

test(`${TIMES} reads beside a writer each see one committed state`, { timeout: testRuns(40 * 60_000) }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-races-"));
  const root = rootAt(folder);
  await register(root, "kill", COLUMNS);
  await initDataset(root, DATASET);
  const rows = Array.from({ length: BASE_ROWS }, (_, row) => sequenceOf(row));
  await importCsv(root, DATASET, `sequence\n${rows.join("\n")}\n`);
  const first = firstModel(BASE_ROWS);
  /** State n is the one after n deeds; of each, what every way to read must show of it. */
  const models = [first];
  const views = [READS.map(({ expect }) => textOfRows(expect(first)))];
  const deeds: Deed[] = [];
  const viewAfter = (number: number, way: number): string => {
    for (let n = models.length; n <= number; n++) {
      const deed = deedOf(SEED, n - 1, BASE_ROWS);
      const model = told(models[n - 1]!, deed, n - 1);
      deeds.push(deed);
      models.push(model);
      views.push(READS.map(({ expect }) => textOfRows(expect(model))));
    }
    return views[number]![way]!;
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
    while (reads < TIMES && writing()) {
      const way = reads++ % READS.length;
      const { name, see } = READS[way]!;
      const oldest = done;
      const view = textOfRows(await see(root));
      // The writer may be further than what it said has reached us.
      await immediately();
      const newest = begun + 1;
      let state = oldest;
      while (state <= newest && viewAfter(state, way) !== view) state++;
      if (state > newest) expect.fail(`${name} between deeds ${oldest} and ${newest} saw none of their states`);
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
  console.log(`${reads} reads beside ${done} deeds, ${beside} of them while at least one was done`);
  const kinds = new Set(deeds.slice(0, done).map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(KINDS);
  expect(reads).toBeGreaterThanOrEqual(TIMES);
  expect(done).toBeGreaterThan(TIMES / 50);
  expect(beside).toBeGreaterThan(TIMES / 50);
});

/** Short, as there are thousands of states. */
const textOfRows = (rows: readonly SeenRow[]): string =>
  createHash("sha1").update(JSON.stringify(rows)).digest("base64");
