import { isBrokenPipe, report, runCli } from "./cli.ts";
import type { Environment } from "./session.ts";
import { VERSION } from "./version.ts";

const stderr = (text: string): void => void process.stderr.write(text);

// What escapes every handler is a bug, and still ends with a message and the exit code of one.
const escaped = (error: unknown): void => {
  if (isBrokenPipe(error)) process.exit(0);
  report({ stderr }, error, { json: process.argv.includes("--json"), debug: process.argv.includes("--debug") });
  process.exit(1);
};
process.on("uncaughtException", escaped);
process.on("unhandledRejection", escaped);

// The first signal ends the work in an orderly way; the second, with no handler left, the process.
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
process.stderr.on("error", () => {});

let stdin: typeof process.stdin | undefined;

// What few commands need is loaded by who needs it: cryptography, the network behind terminals, and the process as a module cost
// a third of the time in which node itself starts.
const builtin = process.getBuiltinModule;

const environment: Environment = {
  argv: process.argv.slice(2),
  variables: process.env,
  // Opened only by who reads it: a command that does not must not touch the terminal or a pipe.
  get stdin() {
    stdin ??= process.stdin;
    return stdin;
  },
  stdout: write,
  stderr,
  get stdinIsTerminal() {
    return builtin("node:tty").isatty(0);
  },
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 80,
  clock: () => startedAt + (process.hrtime.bigint() - startedTicks) / 1000n,
  random: (bytes) => builtin("node:crypto").randomBytes(bytes),
  get host() {
    return builtin("node:os").hostname();
  },
  pid: process.pid,
  signal: interrupt.signal,
};

process.exitCode = await runCli(environment, VERSION);
// An input that is still open (stdin of a failed command) must not keep the process alive.
stdin?.destroy();
