import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { demoWorkspace, type Workspace } from "./support.ts";

const file = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** The built program where there is a build of these sources; else the sources. */
const source = ["--conditions=@usr/source", file("src/main.ts")];
const program =
  existsSync(file("dist/main.js")) && process.env["USR_TEST_BUILT"] === "1" ? [file("bin/usr.js")] : source;
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];
const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";

interface Running {
  readonly pid: number | undefined;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly write: (text: string) => void;
  readonly end: () => void;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly done: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

let w: Workspace;
beforeAll(async () => {
  w = await demoWorkspace();
});
afterAll(() => w[Symbol.asyncDispose]());

const start = (args: readonly string[], o: { readonly root?: string } = {}): Running => {
  const child = spawn(execPath, [...program, "--root", o.root ?? w.root, ...args], { cwd: w.dir });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => {});
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    stdout: () => stdout,
    stderr: () => stderr,
    done: new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))),
  };
};

const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return;
    await sleep(25);
  }
  throw new Error(`waited in vain until ${what}`);
};

/** Whether a process holds the lock of demo, as the owner record says. */
const holds = async ({ pid }: Running): Promise<boolean> =>
  (await readFile(join(w.root, "demo/.usr.lock.owner"), "utf8").catch(() => "")).includes(`"pid":${pid},`);

const shell = (
  line: string,
  extra: Readonly<Record<string, string>> = {},
): { code: number | null; stdout: string; stderr: string } => {
  const usr = [execPath, ...program, "--root", w.root].map((word) => `'${word}'`).join(" ");
  const run = spawnSync("bash", ["--norc", "-c", `set -o pipefail; usr() { ${usr} "$@"; }; ${line}`], {
    encoding: "utf8",
    cwd: w.dir,
    env: { ...process.env, ...extra },
  });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
};

describe("exit codes and streams", () => {
  it.each([
    [["ls"], 0],
    [["hed"], 2],
    [["id", "AXG", "--bio-type", "dna"], 3],
    [["info", "nope"], 4],
    [["init", "demo"], 5],
  ] as const)("%j ends with %i", async (args, code) => {
    const running = start(args);
    running.end();
    const ran = await running.done;
    expect(ran.code, ran.stderr).toBe(code);
    if (code === 0) expect(ran.stderr).toBe("");
    else {
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toMatch(/^error: .*\[[A-Z_]+\]\n/);
      expect(ran.stderr).not.toMatch(/\n\s+at /);
    }
  });

  it.each([["help"], ["help", "import"], ["namespace", "help", "register"], ["--help"]])(
    "%s %s %s shows help",
    async (...words) => {
      const { code, stdout, stderr } = await start(words.filter((word) => word !== undefined)).done;
      expect([code, stdout.split("\n")[0], stderr]).toEqual([0, expect.stringMatching(/^Usage: usr /), ""]);
    },
  );

  it("a command that reads no stdin ends although it stays open", async () => {
    expect((await start(["ls"]).done).code).toBe(0);
    expect((await start(["import", "nope", "--path", "-", "--from", "csv"]).done).code).toBe(4);
  });

  it.skipIf(!existsSync("/dev/full"))("a full disk behind the output is the machine's refusal", () => {
    const ran = shell("usr scan demo > /dev/full");
    expect([ran.code, ran.stderr]).toEqual([8, expect.stringContaining("[FULL]")]);
    const exported = shell("usr export demo --out /dev/full --fmt csv");
    expect([exported.code, exported.stderr]).toEqual([8, expect.stringContaining("[FULL]")]);
  });
});

describe("pipes", () => {
  it("a reader that goes away ends the command quietly with 0", async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) =>
      i
        .toString(4)
        .padStart(9, "0")
        .replaceAll(/\d/g, (d) => "ACGT"[Number(d)] ?? ""),
    );
    const csv = await w.file("many.csv", `sequence\n${lines.join("\n")}\n`);
    expect(shell(`usr init many && usr import many --path ${csv} ${BIO.join(" ")}`).code).toBe(0);
    for (const line of [
      "usr scan many --json | head -1",
      "usr scan many | head -1",
      "usr export many --out - --fmt csv | head -1",
      "usr export many --out - --fmt csv.gz | head -c 1",
      "usr events tail many | true",
      "usr ls | true",
      "usr --help | true",
    ]) {
      const ran = shell(line);
      expect([ran.code, ran.stderr], line).toEqual([0, ""]);
    }
  });

  it("what a program reads is never shortened", () => {
    const ran = shell("usr scan many --json | wc -l");
    expect(ran.stdout.trim()).toBe("50000");
  });

  it("export to stdout feeds an import from stdin", () => {
    const ran = shell(
      "usr init copy && usr export many --out - --fmt parquet.zst | usr import copy --path - --from parquet.zst && usr scan copy | cksum && usr scan many | cksum",
    );
    expect(ran.code, ran.stderr).toBe(0);
    const [copy, many] = ran.stdout.trim().split("\n").slice(-2);
    expect(copy).toBe(many);
  });
});

describe("interruption", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s during an import ends with 130 and changes no byte", async (signal) => {
    const before = await w.bytes();
    const running = start(["import", "demo", "--path", "-", "--from", "csv", ...BIO]);
    running.write("sequence\n");
    for (let i = 0; i < 20_000; i++)
      running.write(`${i.toString(2).padStart(20, "0").replaceAll("0", "A").replaceAll("1", "G")}\n`);
    await until("the lock is held", () => holds(running));
    await sleep(200);
    running.kill(signal);
    const ran = await running.done;
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([130, "", "interrupted\n"]);
    expect(await w.bytes()).toEqual(before);
    expect((await w.usr(["validate", "demo", "--strict"])).code).toBe(0);
  });

  it("of an attach that waits for its input, which --json says as a document", async () => {
    const before = await w.bytes();
    const running = start([
      "attach",
      "demo",
      "--json",
      "--path",
      "-",
      "--from",
      "jsonl",
      "--namespace",
      "mock",
      "--key",
      "id",
    ]);
    running.write(`{"id":"${ACGT}","score":1}\n`);
    await sleep(2500);
    running.kill("SIGINT");
    const { code, stdout, stderr } = await running.done;
    expect([code, stdout, JSON.parse(stderr)]).toMatchObject([130, "", { usr_output_version: 1, error: { code: "INTERRUPTED" } }]); // biome-ignore format: a row
    expect(await w.bytes()).toEqual(before);
  });

  it("of an export leaves what was there", async () => {
    const path = join(w.dir, "kept.csv");
    await writeFile(path, "old\n");
    const running = start(["export", "many", "--out", path, "--fmt", "csv.zst"]);
    await sleep(50);
    running.kill("SIGINT");
    const { code } = await running.done;
    if (code === 130 || code === null) expect(await readFile(path, "utf8")).toBe("old\n");
    else expect(code).toBe(0);
    expect((await import("node:fs")).readdirSync(w.dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

test("a wait for a lock says who holds it, ends with the signal, and with the time given", async () => {
  const holder = start(["import", "demo", "--path", "-", "--from", "csv", ...BIO]);
  holder.write("sequence\n");
  await until("the lock is held", () => holds(holder));
  const waiting = start(["import", "demo", "--path", "-", "--from", "csv", ...BIO]);
  waiting.write("sequence\n");
  await until("it says so", () => waiting.stderr().includes(`held by usr import (process ${holder.pid} on `));
  waiting.kill("SIGINT");
  expect((await waiting.done).code).toBe(130);
  const late = start(["import", "demo", "--path", "-", "--from", "csv", ...BIO, "--lock-timeout", "0.2", "--json"]);
  late.write("sequence\n");
  const ran = await late.done;
  expect([ran.code, JSON.parse(ran.stderr).error.code]).toEqual([5, "LOCKED"]);
  expect(JSON.parse(ran.stderr).error.message).toMatch(
    new RegExp(
      `^demo is being written by usr import \\(process ${holder.pid} on \\S+, since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\); waited 0\\.2 s$`,
    ),
  );
  // Readers do not wait.
  expect((await w.usr(["head", "demo"])).code).toBe(0);
  holder.kill("SIGKILL");
  await holder.done;
  // The lock of a dead process is free at once: not even a moment is waited for it.
  const next = ["import", "demo", "--path", "-", "--from", "csv", ...BIO, "--lock-timeout", "0"];
  expect((await w.usr(next, { input: "sequence\nGATTACA\n" })).code).toBe(0);
});

test("events tail --follow shows what comes, survives rotation, and ends with 130", async () => {
  await using own = await demoWorkspace();
  const log = join(own.root, "demo/.events.log");
  const running = start(["events", "tail", "demo", "--follow", "-n", "1", "--json"], { root: own.root });
  await until("the last event is shown", () => running.stdout().split("\n").length === 2);
  const attach = (score: number): Promise<unknown> =>
    own.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", "--overwrite"], {
      input: `id,score\n${ACGT},${score}\n`,
    });
  await attach(1);
  await until("the new event is shown", () => running.stdout().split("\n").length === 3);
  await rename(log, `${log}.1`);
  await attach(2);
  await until("the event after the rotation is shown", () => running.stdout().split("\n").length === 4);
  await appendFile(log, '{"half');
  await sleep(400);
  await appendFile(log, '":1}\n');
  await attach(3);
  await until(
    "and the next",
    () =>
      (running.stdout().trimEnd().endsWith("}") && running.stdout().includes('"half"')) ||
      running.stdout().split("\n").length >= 5,
  );
  running.kill("SIGINT");
  const ran = await running.done;
  expect(ran.code).toBe(130);
  const actions = ran.stdout
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line).action);
  expect(actions).toEqual(["import_rows", "attach", "attach", "attach"]);
});

test("a bug ends with 1 and says so", () => {
  const code = `const { default: m } = await import("node:module"); process.argv = [process.execPath, "usr", "ls"];
    m.createRequire(import.meta.url)("node:fs").writeSync = () => { throw new TypeError("boom"); };
    await import(${JSON.stringify(file("src/main.ts"))});`;
  const run = spawnSync(execPath, ["--conditions=@usr/source", "--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { ...process.env, USR_ROOT: w.root },
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toBe(
    "error: boom [BUG]\nhint: This is a bug of usr: please report it with the output of --debug.\n",
  );
});

const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") === true;
describe.skipIf(!hasScript)("on a terminal (script of util-linux)", () => {
  const onTerminal = (
    args: string,
    o: { readonly env?: Readonly<Record<string, string>>; readonly columns?: number } = {},
  ): string => {
    const usr = [execPath, ...program, "--root", w.root].join(" ");
    const run = spawnSync("script", ["-qec", `stty cols ${o.columns ?? 80}; ${usr} ${args}`, "/dev/null"], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "", TERM: "xterm", ...o.env },
    });
    return run.stdout.replaceAll("\r\n", "\n");
  };

  it("a table fits its columns, and what is cut is marked", () => {
    for (const columns of [80, 40, 132]) {
      const text = onTerminal("head many -n 5 --no-color", { columns });
      const lines = text.trimEnd().split("\n");
      for (const line of lines.filter((l) => !l.startsWith("no room")))
        expect(line.length).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(/^id +bio_t/);
      if (columns < 132) expect(text).toContain("…");
    }
  });

  it("bases are coloured, soft-masked ones dimmed, unless that is not wanted", () => {
    const coloured = onTerminal("head demo --columns sequence");
    expect(coloured).toContain("\u001b[32mA\u001b[0m\u001b[34mC\u001b[0m\u001b[33mG\u001b[0m\u001b[31mT\u001b[0m");
    expect(coloured).toContain("\u001b[2;32ma\u001b[0m");
    expect(onTerminal("head demo --columns sequence --no-color")).not.toContain("\u001b[3");
    expect(onTerminal("head demo --columns sequence", { env: { NO_COLOR: "1" } })).not.toContain("\u001b[3");
    expect(onTerminal("head demo --columns sequence", { env: { TERM: "dumb" } })).not.toContain("\u001b[3");
    expect(onTerminal("head demo --columns sequence --json")).not.toContain("\u001b[3");
  });

  it("asks before it folds, and takes no for an answer", async () => {
    await using own = await demoWorkspace();
    await own.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"], {
      input: `id,score\n${ACGT},1\n`,
    });
    const before = await own.bytes();
    const usr = [execPath, ...program, "--root", own.root].join(" ");
    const answer = (text: string): string =>
      spawnSync("script", ["-qec", `${usr} materialize demo`, "/dev/null"], { encoding: "utf8", input: text }).stdout;
    const no = answer("n\n");
    expect(no).toContain("Fold 1 column of mock into 5 rows of demo; overlays archived [y/N]");
    expect(no).toContain("[CONFIRMATION_REQUIRED]");
    expect(await own.bytes()).toEqual(before);
    expect(answer("y\n")).toContain("Folded 1 column of mock into 5 rows of demo");
  });

  it("binary formats are nothing to show", () => {
    expect(onTerminal("export demo --out - --fmt parquet")).toContain("[USAGE]");
  });
});
