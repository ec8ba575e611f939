/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openPart } from "@usr/overlay";
import { diskStorage } from "@usr/storage/node";
import { oracle } from "@usr/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
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

const WRITER = fileURLToPath(new URL("attach-many.ts", import.meta.url));
const EACH = 30;

/** Runs a writer and gives the parts it says it has written. */
const writer = async (name: string, clockOffsetUs: number): Promise<readonly string[]> => {
  const args = ["--conditions=@usr/source", WRITER, folder, name, String(EACH), String(clockOffsetUs)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    out += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    errors += String(chunk);
  });
  const [code] = await once(child, "close");
  expect(code, errors).toBe(0);
  return out.trim().split("\n");
};

test("two writers of thirty parts each: none is lost, all are in order, one clock two minutes late", async () => {
  const [one, two] = await Promise.all([writer("one", 0), writer("two", -120_000_000)]);
  const said = new Set([...one!, ...two!]);
  expect(said.size).toBe(2 * EACH);

  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/_derived/")) found.push(path.slice("demo/".length));
  expect(new Set(found)).toEqual(said);

  // The log is written under the lock, so its order is the order of commits; the parts' times must say the same.
  const log = (await eventsOf(root, "demo")).filter(({ action }) => action === "attach");
  expect(log).toHaveLength(2 * EACH);
  expect(new Set(log.map((event) => event.event_id)).size).toBe(2 * EACH);
  const stamps: bigint[] = [];
  for (const { artifacts, event_id: id } of log) {
    const path = partOf(artifacts);
    const file = await parquetAt(root.storage, `demo/${path}`);
    expect(file.schema.metadata.get("usr:event_id")).toBe(id);
    stamps.push((await openPart(file.source, { path })).createdAt);
  }
  for (const [i, stamp] of stamps.entries()) if (i > 0) expect(stamp > stamps[i - 1]!, `part ${i}`).toBe(true);
  // Each writer's own parts are in its own order.
  const order = log.map(({ artifacts }) => partOf(artifacts));
  expect(order.filter((path) => one!.includes(path))).toEqual(one);
  expect(order.filter((path) => two!.includes(path))).toEqual(two);

  const last = String(fieldAt(log.at(-1), "actor", "run_id"));
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__tag: `${last}-${EACH - 1}`, mock__score: EACH - 1 });
  expect((await validate(root, "demo")).ok).toBe(true);
  for await (const { path } of root.storage.list("demo/.staging/")) expect.fail(`left behind: ${path}`);
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
