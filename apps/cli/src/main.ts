import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { runCli } from "./cli.ts";
import type { Environment } from "./session.ts";
import { VERSION } from "./version.ts";

const interrupt = new AbortController();
const stop = (): void => interrupt.abort();
process.once("SIGINT", stop);
process.once("SIGTERM", stop);

/** Microseconds of the wall clock: the millisecond clock, refined by the monotonic one since the start of the process. */
const startedAt = BigInt(Date.now()) * 1000n;
const startedTicks = process.hrtime.bigint();

const write = (text: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
// Without a listener a closed pipe would be an uncaught exception; the write's own callback reports it.
process.stdout.on("error", () => {});

const environment: Environment = {
  argv: process.argv.slice(2),
  variables: process.env,
  stdin: process.stdin,
  stdout: write,
  stderr: (text) => void process.stderr.write(text),
  stdinIsTerminal: process.stdin.isTTY === true,
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 80,
  clock: () => startedAt + (process.hrtime.bigint() - startedTicks) / 1000n,
  random: (bytes) => randomBytes(bytes),
  host: hostname(),
  pid: process.pid,
  signal: interrupt.signal,
};

process.exitCode = await runCli(environment, VERSION);
// An input that is still open (stdin of a failed command) must not keep the process alive.
process.stdin.destroy();
