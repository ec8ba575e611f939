/// <reference types="node" />
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { StorageError } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { freshFolder } from "./folder.ts";

const hasPython = spawnSync("python3", ["-c", "import fcntl"]).status === 0;

/** A child that has said the word. The child is killed by disposal. */
interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function started(command: string, args: readonly string[], word: string): Promise<Child> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  await new Promise<void>((resolve) => {
    let said = "";
    child.stdout.on("data", (chunk: unknown) => {
      said += String(chunk);
      if (said.includes(word)) resolve();
    });
  });
  return { process: child, kill, [Symbol.asyncDispose]: () => kill("SIGKILL") };
}

const pythonHolds = (file: string): Promise<Child> =>
  started(
    "python3",
    [
      "-c",
      "import fcntl,sys,time\nf=open(sys.argv[1],'a')\nfcntl.flock(f,fcntl.LOCK_EX)\nprint('held',flush=True)\ntime.sleep(600)",
      file,
    ],
    "held",
  );

/** Whether Python gets the lock at once. */
function pythonGets(file: string): boolean {
  const code =
    "import fcntl,sys\nf=open(sys.argv[1],'a')\ntry: fcntl.flock(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\nexcept BlockingIOError: sys.exit(7)";
  const { status } = spawnSync("python3", ["-c", code, file]);
  expect([0, 7]).toContain(status);
  return status === 0;
}

const nodeHolds = (root: string, path: string): Promise<Child> => {
  const module = fileURLToPath(new URL("../src/node/index.ts", import.meta.url));
  const code = `const { diskStorage } = await import(${JSON.stringify(module)});
const lock = await diskStorage(${JSON.stringify(root)}).lock(${JSON.stringify(path)});
process.stdout.write("held");
setInterval(() => lock, 1000);`;
  return started(process.execPath, ["--input-type=module", "--conditions=@usr/source", "-e", code], "held");
};

async function codeOf(work: Promise<AsyncDisposable>): Promise<string | undefined> {
  try {
    await using lock = await work;
    return lock === undefined ? "nothing" : undefined;
  } catch (error) {
    if (error instanceof StorageError) return error.code;
    throw error;
  }
}

describe.skipIf(!hasPython)("against Python's fcntl.flock", () => {
  test("Python's lock keeps us out, until it is killed", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await using python = await pythonHolds(join(folder.path, ".usr.lock"));
    expect(await codeOf(storage.lock(".usr.lock", { timeoutMs: 100 }))).toBe("LOCKED");
    const waiting = codeOf(storage.lock(".usr.lock", { timeoutMs: 20_000 }));
    await python.kill("SIGKILL");
    expect(await waiting).toBe(undefined);
  });

  test("our lock keeps Python out, until it is released", async () => {
    await using folder = await freshFolder();
    const file = join(folder.path, ".usr.lock");
    {
      await using lock = await diskStorage(folder.path).lock(".usr.lock");
      expect([lock !== undefined, pythonGets(file)]).toEqual([true, false]);
    }
    expect(pythonGets(file)).toBe(true);
    expect((await stat(file)).size).toBe(0);
  });
});

test("a lock of another process of ours holds, and is free when that one is killed", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  await using child = await nodeHolds(folder.path, "d/.usr.lock");
  expect(await codeOf(storage.lock("d/.usr.lock", { timeoutMs: 60 }))).toBe("LOCKED");
  await child.kill("SIGKILL");
  expect(await codeOf(storage.lock("d/.usr.lock", { timeoutMs: 0 }))).toBe(undefined);
});

test("waiting does not hold up the event loop", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  await using held = await storage.lock("l");
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 5);
  expect([held !== undefined, await codeOf(storage.lock("l", { timeoutMs: 300 }))]).toEqual([true, "LOCKED"]);
  clearInterval(ticking);
  // Held up, it would have let none pass.
  expect(ticks).toBeGreaterThan(3);
});

test("what the lock file holds stays", async () => {
  await using folder = await freshFolder();
  await writeFile(join(folder.path, "l"), "not ours");
  await using lock = await diskStorage(folder.path).lock("l");
  expect([lock !== undefined, (await stat(join(folder.path, "l"))).size]).toEqual([true, 8]);
});

test("where the lock file was replaced, the lock is the one on the file that has the name", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  const first = await storage.lock("l");
  const waiting = storage.lock("l", { timeoutMs: 20_000 });
  await rename(join(folder.path, "l"), join(folder.path, "old"));
  await using second = await waiting;
  expect([second !== undefined, await codeOf(storage.lock("l", { timeoutMs: 0 }))]).toEqual([true, "LOCKED"]);
  await first[Symbol.asyncDispose]();
  expect(await codeOf(storage.lock("l", { timeoutMs: 60 }))).toBe("LOCKED");
});
