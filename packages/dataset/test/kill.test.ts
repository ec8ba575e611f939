/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { testRuns } from "@usr/testkit";
import { expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { doctor } from "../src/maintain/index.ts";
import { initDataset } from "../src/write/index.ts";
import {
  COLUMNS,
  DATASET,
  deedOf,
  expected,
  firstModel,
  type Model,
  rootAt,
  sequenceOf,
  textOf,
  told,
  viewOf,
} from "./history/history.ts";
import { eventsOf, importCsv, register } from "./write-support.ts";

// A process does verb after verb on a real disk and is killed at a random moment, over and over on the same dataset.

const BASE_ROWS = 50_000;
const ROUNDS = testRuns(200);
const SEED = Number(process.env["USR_TEST_SEED"] ?? 1);
const WRITER = fileURLToPath(new URL("history/writer.ts", import.meta.url));

/** When to kill: so long after the first verb has begun, or after a commit is under way, by its record. */
type When = { readonly afterMs: number; readonly inCommit?: string };

/** Lets a process work from a state on, kills it, and gives the number of the deed that it may or may not have done. */
const killed = async (folder: string, model: Model, number: number, when: When): Promise<number> => {
  const args = ["--conditions=@usr/source", WRITER, folder, String(SEED), String(BASE_ROWS)];
  // Its own start is not what is to be killed: what is compiled once is kept for the next.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, ".compiled") };
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  let said = "";
  const began = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
      resolve();
    });
  });
  child.stdin.end(textOf(model, number));
  await Promise.race([began, ended]);
  if (when.inCommit !== undefined) while (!existsSync(when.inCommit) && child.exitCode === null) await sleep(1);
  if (when.afterMs > 0) await sleep(when.afterMs);
  child.kill("SIGKILL");
  const [code, signal] = await ended;
  expect([code, signal], said).toEqual([null, "SIGKILL"]);
  const last = said
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("done "))
    .at(-1);
  return last === undefined ? number : Number(last.slice("done ".length)) + 1;
};

test(`${ROUNDS} kills at random moments: every reader sees a whole history`, {
  timeout: testRuns(40 * 60_000),
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-kill-"));
  let insideCommit = 0;
  let insideVerb = 0;
  try {
    const root = rootAt(folder);
    const pending = join(folder, DATASET, ".staging/pending.json");
    await register(root, "kill", COLUMNS);
    await initDataset(root, DATASET);
    const rows = Array.from({ length: BASE_ROWS }, (_, row) => sequenceOf(row));
    await importCsv(root, DATASET, `sequence\n${rows.join("\n")}\n`);
    const first = (await eventsOf(root, DATASET)).length;
    let model = firstModel(BASE_ROWS);
    let number = 0;
    let state = SEED;
    for (let round = 0; round < ROUNDS; round++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      const from = number;
      const drawn = state >> 8;
      // At once is before the change as a rule; a moment later is behind it, where the event is still due.
      const when = [
        { afterMs: drawn % 600 },
        { afterMs: 0, inCommit: pending },
        { afterMs: drawn % 600 },
        { afterMs: 1 + (drawn % 12), inCommit: pending },
      ][round % 4]!;
      const next = await killed(folder, model, number, when);
      for (; number < next; number++) model = told(model, deedOf(SEED, number, BASE_ROWS), number);
      const maybe = told(model, deedOf(SEED, number, BASE_ROWS), number);
      if (existsSync(pending)) insideCommit++;
      else if (await isStaging(join(folder, DATASET, ".staging"))) insideVerb++;

      if (round % 500 === 499) console.log(`${round + 1} kills, ${insideCommit} inside a commit, ${number} verbs done`);
      const where = `round ${round}, deeds ${from} to ${number}`;
      const view = await viewOf(root);
      const before = expected(model);
      if (view !== before) {
        expect(view === expected(maybe), `${where}: the view is neither the one before nor the one after`).toBe(true);
        model = maybe;
        number++;
      }
      await doctor(root, DATASET, { repair: true });
      expect((await viewOf(root)) === view, `${where}: recovery changed the view`).toBe(true);
      const commits = (await eventsOf(root, DATASET)).slice(first).filter(isDeed).length;
      // A deed whose effect no reader sees (a compaction) may have happened or not: the log says which.
      if (commits !== model.commits && before === expected(maybe) && view === before) {
        model = maybe;
        number++;
      }
      expect(commits, where).toBe(model.commits);
    }
    const finished = (await eventsOf(root, DATASET)).filter(({ recovered }) => recovered === true).length;
    const report = await validate(root, DATASET);
    expect(report.problems.filter(({ severity }) => severity === "error")).toEqual([]);
    console.log(
      `${ROUNDS} kills, ${insideCommit} inside a commit, ${finished} of them behind its change, ${insideVerb} with files staged, ${number} verbs done`,
    );
    // How far the child comes depends on how busy the machine is; a run in which it gets nowhere proves nothing.
    expect(number).toBeGreaterThan(ROUNDS / 10);
    expect(insideCommit).toBeGreaterThan(ROUNDS / 20);
    expect(finished).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const isStaging = async (folder: string): Promise<boolean> => existsSync(folder) && (await readdir(folder)).length > 0;

const isDeed = ({ action }: { readonly action: string }): boolean =>
  action !== "registry_freeze" && action !== "repair";
