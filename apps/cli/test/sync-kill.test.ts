import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

// The real program is killed in the middle of a transfer of so many parts of about 100 kB; the moments come from the seed.

const PARTS = 50;
const ROUNDS = 3;
const SEED = Number(process.env["USR_TEST_SEED"] ?? 1);
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const SEQUENCES = ["AAAA", "CCCC", "GGGG"];

/** 100 kB of text that does not compress well. */
const noise = (n: number): string =>
  Array.from({ length: 3_200 }, (_, i) => createHash("sha256").update(`${n} ${i}`).digest("base64")).join("");

let w: Workspace;
/** A root without the parts, and one with them. */
let [bare, full]: readonly [string, string] = ["", ""];

beforeAll(async () => {
  w = await openWorkspace();
  [bare, full] = [join(w.dir, "bare"), w.root];
  const ok = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await w.usr(args);
    expect(code, stderr).toBe(0);
  };
  await ok("namespace", "register", "mock", "--columns", "mock__text:string");
  await ok("init", "demo");
  const base = await w.file("s.csv", `sequence\n${SEQUENCES.join("\n")}\n`);
  await ok("import", "demo", "--path", base, "--bio-type", "dna", "--alphabet", "dna_4");
  await cp(full, bare, { recursive: true });
  for (let n = 0; n < PARTS; n++) {
    const path = await w.file("t.csv", `sequence,text\n${SEQUENCES[n % SEQUENCES.length]},${noise(n)}\n`);
    await ok("attach", "demo", "--path", path, "--namespace", "mock", "--key", "sequence", "--overwrite");
  }
}, 120_000);
afterAll(() => w[Symbol.asyncDispose]());

/** How many files the transfer has brought so far, staged ones too. */
const arrived = async (root: string): Promise<number> =>
  (await readdir(join(root, "demo"), { recursive: true })).filter((name) => /(\.incoming|_derived)\/./.test(name))
    .length;

/** What lies in the folder of files that are on their way. */
const incoming = async (root: string): Promise<readonly string[]> =>
  (await readdir(join(root, "demo"), { recursive: true })).filter((name) => name.includes(".incoming/"));

/** Kills the program once so many files have arrived, or some milliseconds later. Gives how many there were. */
const killed = async (
  args: readonly string[],
  target: string,
  after: { files: number; ms: number },
): Promise<number> => {
  const child = spawn(process.execPath, ["--conditions=@usr/source", MAIN, ...args], { stdio: "ignore" });
  const ended = once(child, "close");
  while ((await arrived(target)) < after.files && child.exitCode === null) await sleep(1);
  await sleep(after.ms);
  child.kill("SIGKILL");
  const [, signal] = await ended;
  return signal === "SIGKILL" ? await arrived(target) : Number.POSITIVE_INFINITY;
};

test.each(["pull", "push"] as const)(
  "a killed %s leaves both sides readable, and the same command ends it",
  async (verb) => {
    const at = (root: string, ...args: readonly string[]) => w.usr(["--root", root, ...args], { root: false });
    const whole = (await at(full, "scan", "demo")).rows;
    const untouched = (await at(bare, "scan", "demo")).rows;
    let inTheMiddle = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [target, source, remotes] = ["target", "source", "remotes.yaml"].map((name) =>
        join(w.dir, `${verb}${round}`, name),
      );
      if (target === undefined || source === undefined || remotes === undefined) throw new Error("three names");
      await mkdir(join(w.dir, `${verb}${round}`));
      await cp(bare, target, { recursive: true });
      await cp(full, source, { recursive: true });
      const [local, remote] = verb === "pull" ? [target, source] : [source, target];
      const common = ["--remotes", remotes, "--root", local];
      await w.usr([...common, "remotes", "add", "far", "--type", "file", "--base-dir", remote, "--verify", "hash"], {
        root: false,
      });
      const command = [...common, verb, "demo", "far"];
      const digest = createHash("sha256").update(`${SEED} ${verb} ${round}`).digest();
      const last = round === ROUNDS - 1;
      // The last round is killed when all has arrived: around the publishing.
      const count = await killed(command, target, {
        files: last ? PARTS : 1 + (digest[0]! % (PARTS - 10)),
        ms: digest[1]! % (last ? 40 : 4),
      });
      if (count < PARTS) inTheMiddle++;

      expect((await at(source, "scan", "demo")).rows).toEqual(whole);
      const { code, rows } = await at(target, "scan", "demo");
      expect(code).toBe(0);
      expect([untouched, whole]).toContainEqual(rows);
      expect((await at(source, "validate", "demo")).code).toBe(0);

      const again = await w.usr(command, { root: false });
      expect(again.code, again.stderr).toBe(0);
      expect((await at(target, "scan", "demo")).rows).toEqual(whole);
      expect((await at(target, "validate", "demo")).code).toBe(0);
      expect((await w.usr([...common, "verify", "demo", "far"], { root: false })).data).toMatchObject({ ok: true });
      expect((await w.usr(command, { root: false })).data).toMatchObject({ datasets: [{ transfer_state: "NO-OP" }] });
      // What is left is writes that were cut, which nobody lists or opens; doctor takes them away.
      expect((await incoming(target)).filter((name) => !name.endsWith(".tmp"))).toEqual([]);
      expect((await at(target, "doctor", "demo", "--repair", "--yes")).code).toBe(0);
      expect(await incoming(target)).toEqual([]);
      await rm(join(w.dir, `${verb}${round}`), { recursive: true });
    }
    expect(inTheMiddle).toBeGreaterThan(0);
  },
  120_000,
);
