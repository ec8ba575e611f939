import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { setImmediate as immediately, setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { testRuns } from "@usr/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

// The real program is interrupted at random moments of verbs that change a dataset: what is left is the state before or the state after.

const ROWS = 20_000;
const ROUNDS = testRuns(2);
const SEED = Number(process.env["USR_TEST_SEED"] ?? 20261121);
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];
const COLUMNS = ["id", "mock__score", "mock__tag", "usr_state__split", "usr__deleted"];

/** The number as bases; all alike in length, and with their other strands among them. */
const sequenceOf = (row: number): string =>
  row
    .toString(4)
    .padStart(10, "0")
    .replaceAll(/\d/g, (digit) => "ACGT"[Number(digit)] ?? "");

interface Verb {
  readonly name: string;
  /** `file` gives the path of an input by name. */
  readonly args: (file: (name: string) => string) => readonly string[];
}

const ATTACH = ["attach", "demo", "--namespace", "mock", "--key", "sequence", "--path"];
const VERBS: readonly Verb[] = [
  { name: "import", args: (file) => ["import", "demo", "--path", file("more.csv"), ...BIO] },
  { name: "attach", args: (file) => [...ATTACH, file("scores.csv"), "--overwrite"] },
  { name: "delete", args: (file) => ["delete", "demo", "--id-file", file("ids.txt")] },
  { name: "state set", args: (file) => ["state", "set", "demo", "--id-file", file("ids.txt"), "--split", "val"] },
  { name: "materialize", args: () => ["materialize", "demo", "--yes"] },
  { name: "materialize --drop-deleted", args: () => ["materialize", "demo", "--yes", "--drop", "--drop-deleted"] },
  { name: "dedupe", args: () => ["maintenance", "dedupe", "demo", "--key", "sequence_canonical", "--yes"] },
  { name: "overlay-compact", args: () => ["maintenance", "overlay-compact", "demo", "--namespace", "mock"] },
  { name: "overlay remove", args: () => ["overlay", "remove", "demo", "--namespace", "mock", "--delete", "--yes"] },
  { name: "namespace register", args: () => ["namespace", "register", "late", "--columns", "late__n:int64"] },
];

let w: Workspace;
let made = 0;
const file = (name: string): string => join(w.dir, name);
const rootAt = (name: string): string => join(w.dir, name);

/** Runs the program in this process, where that is all the same. */
const usr = async (root: string, args: readonly string[], input?: string): ReturnType<Workspace["usr"]> => {
  const ran = await w.usr(["--root", root, ...args], { root: false, input });
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.stderr}`);
  return ran;
};

interface Seen {
  readonly rows: string;
  readonly events: number;
}

const eventsOf = async (root: string): Promise<number> =>
  (await usr(root, ["events", "tail", "demo", "-n", "1000"])).rows.filter(({ action }) => action !== "registry_freeze")
    .length;

const seen = async (root: string): Promise<Seen> => {
  const [row = {}] = (await usr(root, ["head", "demo", "-n", "1", "--include-deleted"])).rows;
  const columns = COLUMNS.filter((name) => Object.hasOwn(row, name)).join(",");
  const out = file("seen.csv");
  await usr(root, ["export", "demo", "--out", out, "--include-deleted", "--columns", columns]);
  const { stdout } = await usr(root, ["namespace", "list"]);
  return { rows: `${await readFile(out, "utf8")}${stdout}`, events: await eventsOf(root) };
};

let before: Seen;
beforeAll(async () => {
  w = await openWorkspace();
  const root = rootAt("first");
  await usr(root, ["namespace", "register", "mock", "--columns", "mock__score:float64,mock__tag:string"]);
  await usr(root, ["init", "demo"]);
  const rows = Array.from({ length: ROWS }, (_, row) => sequenceOf(row * 3));
  await w.file("base.csv", `sequence\n${rows.join("\n")}\n`);
  await w.file("more.csv", `sequence\n${rows.map((row) => `${row}A`).join("\n")}\n`);
  await w.file("scores.csv", `sequence,score,tag\n${rows.map((row, i) => `${row},${i},t${i % 7}`).join("\n")}\n`);
  await usr(root, ["import", "demo", "--path", file("base.csv"), ...BIO]);
  const ids = (await usr(root, ["scan", "demo", "--columns", "id"])).rows.map(({ id }) => String(id));
  await w.file("ids.txt", `${ids.filter((_, i) => i % 3 === 0).join("\n")}\n`);
  await usr(root, [...ATTACH, file("scores.csv")]);
  await usr(root, [...ATTACH, "-", "--from", "csv", "--overwrite"], `sequence,score\n${rows[7]},-1\n`);
  const some = ids.slice(5, 9).join(",");
  await usr(root, ["delete", "demo", "--id", some]);
  await usr(root, ["state", "set", "demo", "--id", some, "--split", "train"]);
  before = await seen(root);
});
afterAll(() => w[Symbol.asyncDispose]());

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs the program as a process; `stop` resolves when it is to be interrupted. */
const run = async (
  root: string,
  verb: Verb,
  signal?: NodeJS.Signals,
  stop?: () => Promise<unknown>,
): Promise<Ended> => {
  const began = performance.now();
  const child = spawn(execPath, ["--conditions=@usr/source", MAIN, "--root", root, ...verb.args(file)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (code, by) => resolve({ code, signal: by, stderr, ms: performance.now() - began })),
  );
  if (stop !== undefined) {
    await Promise.race([stop(), ended]);
    child.kill(signal);
  }
  return ended;
};

const copied = async (): Promise<string> => {
  const root = rootAt(`round-${made++}`);
  await cp(rootAt("first"), root, { recursive: true });
  return root;
};

/** Files that an interrupted write may leave. */
const debris = async (root: string): Promise<readonly string[]> =>
  (await readdir(root, { recursive: true })).filter((path) => /\.tmp$|\.staging\/./.test(path));

let state = SEED;
const random = (): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >> 8) / 2 ** 23;
};

let inTheWork = 0;

test.each(VERBS)("$name, interrupted", async (verb) => {
  const whole = await copied();
  const uninterrupted = await run(whole, verb);
  expect([uninterrupted.code, uninterrupted.stderr]).toEqual([0, expect.not.stringContaining("error")]);
  const after = await seen(whole);
  await rm(whole, { recursive: true });

  for (let round = 0; round < ROUNDS; round++) {
    const root = await copied();
    const staging = join(root, "demo/.staging/pending.json");
    const signal = random() < 0.75 ? "SIGINT" : "SIGTERM";
    const waitMs = random() * uninterrupted.ms;
    const stop = async (): Promise<void> => {
      if (round % 2 === 0) await sleep(waitMs);
      else for (const until = performance.now() + uninterrupted.ms; !existsSync(staging) && performance.now() < until; ) await immediately(); // biome-ignore format: a row
    };
    const ended = await run(root, verb, signal, stop);
    const where = `round ${round}: ${signal} after ${Math.round(ended.ms)} ms; code ${ended.code} ${ended.signal}: ${ended.stderr}`;
    // A process that has not begun yet ends by the signal itself, and one that is done with 0.
    expect([130, 0, null], where).toContain(ended.code);
    if (ended.code === null) expect(ended.signal, where).toBe(signal);
    else if (ended.code === 130) inTheWork++;
    const found = await seen(root);
    expect(found.rows === before.rows || found.rows === after.rows, `${where}: neither before nor after`).toBe(true);
    if (ended.code === 0) expect(found.rows === after.rows, where).toBe(true);

    // The next change works, leaves nothing behind, and the log says what has happened.
    await usr(root, ["import", "demo", "--path", "-", "--from", "csv", ...BIO], "sequence\nGATTACA\n");
    await usr(root, ["namespace", "register", "next", "--columns", "next__n:int8"]);
    expect(await debris(root), where).toEqual([]);
    const events = (await eventsOf(root)) - 1;
    if (before.rows !== after.rows)
      expect(events, where).toBe(found.rows === after.rows ? after.events : before.events);
    else expect([before.events, after.events], where).toContain(events);
    await rm(root, { recursive: true });
  }
});

test("some of them were at work", () => {
  expect(inTheWork).toBeGreaterThan(0);
});
