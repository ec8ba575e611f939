import { spawn } from "node:child_process";
import { once } from "node:events";
import { execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];
const STREAM = ["import", "demo", "--path", "-", ...BIO, "--from"];

const withDemo = async (): Promise<Workspace> => {
  const w = await openWorkspace();
  await w.usr(["namespace", "register", "mock", "--columns", "mock__n:int64"]);
  await w.usr(["init", "demo"]);
  return w;
};

const sequencesOf = async (w: Workspace): Promise<readonly unknown[]> =>
  (await w.usr(["scan", "demo"])).rows.map(({ sequence }) => sequence);
const imports = async (w: Workspace): Promise<readonly unknown[]> =>
  (await w.usr(["events", "tail", "demo", "-n", "100"])).rows.filter(({ action }) => action === "import_rows");

describe("import --flush-rows", () => {
  it("commits so many rows at a time, each with an event, and says how many commits there were", async () => {
    await using w = await withDemo();
    const ran = await w.usr([...STREAM, "csv", "--flush-rows", "2"], { input: "sequence\nAC\nAG\nAT\nCA\nCG\n" });
    expect(ran.data).toMatchObject({ rows_read: 5, rows_added: 5, rows_skipped: 0, flushes: 3 });
    expect(await sequencesOf(w)).toEqual(["AC", "AG", "AT", "CA", "CG"]);
    expect(await imports(w)).toHaveLength(3);
    const more = await w.usr([...STREAM, "jsonl", "--flush-rows", "10", "--on-conflict", "ignore"], {
      input: '{"sequence":"AC"}\n{"sequence":"TTT"}\n',
      json: false,
    });
    expect(more.stdout).toBe("Imported 1 row into demo in 1 commit, skipped 1 stored row\n");
  });

  it("keeps the commits before a wrong row, names it, and says how many rows are in", async () => {
    await using w = await withDemo();
    const input = "sequence\nAC\nAG\nAT\nCA\nCX\nCC\n";
    const ran = await w.usr([...STREAM, "csv", "--flush-rows", "2"], { input, json: false });
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain("note: 4 rows in 2 commits are committed, and no row after that\n");
    expect(ran.stderr).toMatch(/error: stdin row 5: .* \[BAD_SYMBOL\]/);
    expect(await sequencesOf(w)).toEqual(["AC", "AG", "AT", "CA"]);
  });

  it("keeps the commits before input that cannot be read", async () => {
    await using w = await withDemo();
    const ran = await w.usr([...STREAM, "jsonl", "--flush-rows", "1"], {
      input: '{"sequence":"AC"}\n{"sequence":"AG"}\n{"sequence":\n',
      json: false,
    });
    expect([ran.code, await sequencesOf(w)]).toEqual([3, ["AC", "AG"]]);
    expect(ran.stderr).toContain("note: 2 rows in 2 commits are committed");
    expect(ran.stderr).not.toContain("Nothing was written");
  });

  it.each([
    [["--flush-rows", "0"], "--flush-rows is 0"],
    [["--flush-rows", "2", "--dry-run"], "--dry-run plans one commit"],
    [["--flush-seconds", "x"], "flush-seconds"],
    [["--flush-row", "2"], "flush-row"],
  ])("refuses %j", async (options, message) => {
    await using w = await withDemo();
    const ran = await w.usr([...STREAM, "csv", ...options], { input: "sequence\nAC\n", json: false });
    expect([ran.code, ran.stderr.includes(message)]).toEqual([2, true]);
    expect(await sequencesOf(w)).toEqual([]);
  });

  it("commits what has come while the pipe is silent, and Ctrl-C leaves whole commits", async () => {
    await using w = await withDemo();
    const args = ["--conditions=@usr/source", MAIN, "--root", w.root, ...STREAM, "csv", "--flush-seconds", "1"];
    const child = spawn(execPath, args, { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += String(chunk);
    });
    const ended = once(child, "close");
    child.stdin.write("sequence\nAC\nAG\n");
    for (let n = 0; n < 600 && (await sequencesOf(w)).length === 0; n++) await sleep(50);
    expect(await sequencesOf(w)).toEqual(["AC", "AG"]);
    child.kill("SIGINT");
    const [code] = await ended;
    expect(code).toBe(130);
    expect(said).toContain("note: 2 rows in 1 commit are committed, and no row after that\n");
    expect((await w.usr(["validate", "demo"])).code).toBe(0);
    expect(await sequencesOf(w)).toEqual(["AC", "AG"]);
  });
});
