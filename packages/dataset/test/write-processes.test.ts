/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openPart } from "@usr/overlay";
import { diskStorage } from "@usr/storage/node";
import { oracle, testRuns } from "@usr/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { requireRegistry } from "../src/read/registry.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { attachCsv, demoRoot, eventsOf, fieldAt, parquetAt, refusal, rowsOf } from "./write-support.ts";

// Several processes on one real folder: the kernel's lock is what keeps them apart.

let folder = "";
let root: WritableRoot;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "usr-processes-"));
  root = await demoRoot(diskStorage(folder));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const scriptAt = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const NODE = [process.execPath, "--conditions=@usr/source"];
/** Commits of each writer: 200 and more in the long run. */
const EACH = testRuns(30);
/** Each registration writes the whole registry: many cost their square. */
const NAMESPACES = Math.min(EACH, 60);

/** Runs writers, which all begin at one moment, and gives what each says it has written, a line for each commit. */
const writers = async (...commands: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> => {
  const running = commands.map(([program = "", ...args]) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const lines: string[] = [];
    let rest = "";
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += String(chunk);
    });
    const ready = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        const whole = (rest + String(chunk)).split("\n");
        rest = whole.pop() ?? "";
        lines.push(...whole);
        resolve();
      });
    });
    const done = once(child, "close").then(([code]) => {
      expect(code, errors).toBe(0);
      expect(lines.shift()).toBe("ready");
      return lines;
    });
    return { child, ready, done };
  });
  await Promise.all(running.map(({ ready, done }) => Promise.race([ready, done])));
  for (const { child } of running) child.stdin.end("go\n");
  return Promise.all(running.map(({ done }) => done));
};

const ours = (name: string, clockOffsetUs = 0): readonly string[] => [
  ...NODE,
  scriptAt("attach-many.ts"),
  folder,
  name,
  String(EACH),
  String(clockOffsetUs),
];

/** No part of the writers is lost, and log, names and times tell one order, in which each writer's own parts are in its own. */
const expectAllInOrder = async (saidBy: readonly (readonly string[])[]): Promise<void> => {
  const said = new Set(saidBy.flat());
  expect(said.size).toBe(saidBy.length * EACH);
  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/_derived/")) found.push(path.slice("demo/".length));
  expect(new Set(found)).toEqual(said);

  // The log is written under the lock, so its order is the order of commits; the parts' times must say the same.
  const log = (await eventsOf(root, "demo")).filter(({ action }) => action === "attach");
  expect(log).toHaveLength(said.size);
  expect(new Set(log.map((event) => event.event_id)).size).toBe(said.size);
  const stamps: bigint[] = [];
  for (const { artifacts, event_id: id } of log) {
    const path = partOf(artifacts);
    const file = await parquetAt(root.storage, `demo/${path}`);
    expect(file.schema.metadata.get("usr:event_id")).toBe(id);
    stamps.push((await openPart(file.source, { path })).createdAt);
  }
  for (const [i, stamp] of stamps.entries()) if (i > 0) expect(stamp > stamps[i - 1]!, `part ${i}`).toBe(true);
  const order = log.map(({ artifacts }) => partOf(artifacts));
  for (const own of saidBy) expect(order.filter((path) => own.includes(path))).toEqual(own);
  const turns = order.filter(
    (path, i) => i > 0 && saidBy.some((own) => own.includes(path) !== own.includes(order[i - 1]!)),
  );
  console.log(`${said.size} attaches of ${saidBy.length} processes, ${turns.length} times the lock changed hands`);
  // Writers that do not meet show nothing.
  expect(turns.length).toBeGreaterThan(EACH / 6);

  const last = String(fieldAt(log.at(-1), "actor", "run_id"));
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__tag: `${last}-${EACH - 1}`, mock__score: EACH - 1 });
  expect((await validate(root, "demo")).ok).toBe(true);
  for await (const { path } of root.storage.list("demo/.staging/")) expect.fail(`left behind: ${path}`);
};

test(`two writers of ${EACH} parts each: none is lost, all are in order, one clock two minutes late`, async () => {
  await expectAllInOrder(await writers(ours("one"), ours("two", -120_000_000)));
});

test(`three processes register ${NAMESPACES} namespaces each in one registry: none is lost`, async () => {
  const names = ["a", "b", "c"];
  const said = await writers(
    ...names.map((name) => [...NODE, scriptAt("register-many.ts"), folder, name, String(NAMESPACES)]),
  );
  const { namespaces } = await requireRegistry(root.storage);
  expect(new Set([...namespaces.keys()].filter((name) => name.includes("_") && name !== "usr_state"))).toEqual(
    new Set(said.flat()),
  );
  expect(said.flat()).toHaveLength(names.length * NAMESPACES);
});

const partOf = (artifacts: unknown): string => String(fieldAt(artifacts, "overlay", "path"));

const python = process.env["USR_ORACLE_PYTHON"];

/** Python's `fcntl.flock` on a file, held until the disposal. */
const heldByPython = async (path: string): Promise<AsyncDisposable> => {
  const script =
    "import fcntl, sys\nf = open(sys.argv[1], 'a')\nfcntl.flock(f, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()";
  const child = spawn(python!, ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "close");
    },
  };
};

describe.skipIf(oracle() === undefined)("beside Python", () => {
  test(`a writer of ours and one of Python's, ${EACH} parts each: none is lost, all are in order`, async () => {
    const theirs = [python!, scriptAt("attach-many.py"), folder, "python", String(EACH)];
    await expectAllInOrder(await writers(ours("one"), theirs));
  });

  test("its flock makes an attach wait, and time out naming the owner", async () => {
    const text = "sequence,score\nAAAA,1\n";
    const path = join(folder, "demo/.usr.lock");
    {
      await using _held = await heldByPython(path);
      await writeFile(`${path}.owner`, '{"host":"vm","pid":42,"command":"densegen"}\n');
      const started = performance.now();
      const refused = await refusal(root, () => attachCsv({ ...root, lockTimeoutMs: 300 }, "demo", text));
      expect(performance.now() - started).toBeGreaterThanOrEqual(290);
      expect(refused.code).toBe("LOCKED");
      expect(refused.message).toContain('{"host":"vm","pid":42,"command":"densegen"}');
      expect(refused.hint).toContain("--lock-timeout");
    }
    const held = await heldByPython(path);
    const waiting = attachCsv({ ...root, lockTimeoutMs: 60_000 }, "demo", text);
    const early = await Promise.race([
      waiting,
      new Promise((resolve) => setTimeout(() => resolve("still waiting"), 300)),
    ]);
    expect(early).toBe("still waiting");
    await held[Symbol.asyncDispose]();
    expect(await waiting).toMatchObject({ rows_matched: 1 });
    // The file stays: a lock on a file that is gone keeps nobody out.
    expect(await readFile(path, "utf8")).toBe("");
  });

  test("ours keeps Python out", async () => {
    const script = `
import fcntl
def main(path):
    with open(path, "a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "free"
        except BlockingIOError:
            return "held"
`;
    await using worker = oracle()!.worker(script);
    const path = join(folder, "demo/.usr.lock");
    {
      await using _held = await root.storage.lock!("demo/.usr.lock", {});
      expect(await worker.ask(path)).toBe("held");
    }
    expect(await worker.ask(path)).toBe("free");
  });
});
