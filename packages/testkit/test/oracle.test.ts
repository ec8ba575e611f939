/// <reference types="node" />
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => vi.unstubAllEnvs());

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("Python", () => {
  const python = () => {
    const found = oracle();
    if (found === undefined) throw new Error("unreachable without Python");
    return found;
  };

  it("answers with what main returns, whatever the text", async () => {
    const input = { text: "caf\u00e9 \u2028 \u{1F9EC} \n", list: [1, null, true, 1e300] };
    expect(await python().python("def main(value):\n  print('noise')\n  return value", input)).toEqual(input);
  });

  it("answers many questions in order", async () => {
    await using worker = python().worker(
      "total = 0\ndef main(value):\n  global total\n  total += value\n  return total",
    );
    const answers = await Promise.all([1, 2, 3].map((value) => worker.ask(value)));
    expect(answers).toEqual([1, 3, 6]);
  });

  it("turns an exception into an error, and goes on", async () => {
    await using worker = python().worker("def main(value):\n  return 1 / value");
    await expect(worker.ask(0)).rejects.toThrow("ZeroDivisionError");
    expect(await worker.ask(2)).toBe(0.5);
  });

  it("fails where the script or the process does", async () => {
    await expect(python().python("def main(:", 1)).rejects.toThrow("SyntaxError");
    await expect(python().python("import os\ndef main(value):\n  os._exit(3)", 1)).rejects.toThrow("exit code 3");
  });
});

it("is absent without USR_ORACLE_PYTHON", () => {
  vi.stubEnv("USR_ORACLE_PYTHON", "");
  expect(oracle()).toBeUndefined();
});

it("fails where the interpreter does not exist", async () => {
  vi.stubEnv("USR_ORACLE_PYTHON", join(tmpdir(), "no-such-python"));
  await expect(oracle()?.python("def main(value):\n  return value", 1)).rejects.toThrow("ENOENT");
});

it("counts comparisons by appending lines, and only where it is asked to", () => {
  const folder = mkdtempSync(join(tmpdir(), "counts-"));
  const path = join(folder, "counts.jsonl");
  vi.stubEnv("USR_ORACLE_COUNTS", path);
  countComparisons("a", 2);
  countComparisons("b", 3);
  vi.stubEnv("USR_ORACLE_COUNTS", "");
  countComparisons("c", 4);
  expect(readFileSync(path, "utf8")).toBe('{"suite":"a","compared":2}\n{"suite":"b","compared":3}\n');
  rmSync(folder, { recursive: true });
});

it("scales random tests by USR_TEST_RUNS", () => {
  vi.stubEnv("USR_TEST_RUNS", "2.5");
  expect(testRuns(100)).toBe(250);
  vi.stubEnv("USR_TEST_RUNS", "0.001");
  expect(testRuns(100)).toBe(1);
  vi.stubEnv("USR_TEST_RUNS", "many");
  expect(testRuns(100)).toBe(100);
});
