/// <reference types="node" />
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Python as the judge. Values cross as JSON; a Python exception becomes an `Error` with its traceback. */
export interface Oracle {
  /** Runs `script`, which defines `main(value)`, once in a process of its own. */
  python(script: string, input: unknown): Promise<unknown>;
  /** A process that keeps answering with `main(value)`; much faster for many questions. Dispose it. */
  worker(script: string): PythonWorker;
}

export interface PythonWorker extends AsyncDisposable {
  /** Questions are answered in order; several may be under way. */
  ask(input: unknown): Promise<unknown>;
}

/** `undefined` where `USR_ORACLE_PYTHON` names no interpreter; then tests that need it are skipped, never passed. */
export function oracle(): Oracle | undefined {
  const python = process.env["USR_ORACLE_PYTHON"];
  if (python === undefined || python === "") return undefined;
  return {
    async python(script, input) {
      await using worker = startWorker(python, script);
      return await worker.ask(input);
    },
    worker: (script) => startWorker(python, script),
  };
}

/**
 * Records that `compared` answers were compared with the oracle's under the name `suite`, in the file that `USR_ORACLE_COUNTS` names.
 * The test run fails when Python is there and nothing was compared.
 */
export function countComparisons(suite: string, compared: number): void {
  const path = process.env["USR_ORACLE_COUNTS"];
  if (path !== undefined && path !== "") appendFileSync(path, `${JSON.stringify({ suite, compared })}\n`);
}

/** How often a random test runs: `usual` times the factor `USR_TEST_RUNS` (default 1), at least once. */
export function testRuns(usual: number): number {
  const factor = Number(process.env["USR_TEST_RUNS"] ?? 1);
  return Math.max(1, Math.round(usual * (Number.isFinite(factor) && factor > 0 ? factor : 1)));
}

const LOOP = `
import json as _json, sys as _sys, traceback as _traceback
_out = _sys.stdout
_sys.stdout = _sys.stderr
for _line in _sys.stdin:
    try:
        _answer = {"value": main(_json.loads(_line))}
    except Exception:
        _answer = {"error": _traceback.format_exc()}
    _out.write(_json.dumps(_answer) + "\\n")
    _out.flush()
`;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const startWorker = (python: string, script: string): PythonWorker => {
  const env = { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn(python, ["-c", `${script}\n${LOOP}`], { env });
  const waiting: Waiting[] = [];
  const errors = collectErrors(child, waiting);
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const answer: { readonly value?: unknown; readonly error?: string } = JSON.parse(line);
    const next = waiting.shift();
    if (answer.error === undefined) next?.resolve(answer.value);
    else next?.reject(new Error(`Python: ${answer.error}`));
  });
  return {
    ask: (input) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null || child.killed) reject(new Error(`Python has ended: ${errors()}`));
        waiting.push({ resolve, reject });
        // ASCII only, so that no code point depends on the encoding of a pipe
        child.stdin.write(`${JSON.stringify(input).replace(/[\u0080-\uffff]/g, escapeUnit)}\n`);
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.stdin.end();
      await once(child, "close");
    },
  };
};

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

const collectErrors = (child: ChildProcessWithoutNullStreams, waiting: Waiting[]): (() => string) => {
  let text = "";
  const fail = (why: string): void => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`Python ended (${why}): ${text.slice(-4000)}`));
  };
  child.stderr.on("data", (chunk) => {
    text = (text + String(chunk)).slice(-20_000);
  });
  child.stdin.on("error", () => {
    // a broken pipe is told by "close"
  });
  child.on("error", (error) => fail(error.message));
  child.on("close", (code) => fail(`exit code ${code}`));
  return () => text;
};
