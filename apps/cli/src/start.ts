import { isBrokenPipe, report, runCli } from "./cli.ts";
import type { Environment } from "./session.ts";
import { VERSION } from "./version.ts";

// What few commands need is loaded by who needs it: streams, terminals, cryptography, and the process as a module cost as much as the
// start of node itself.
const builtin = process.getBuiltinModule;
const { closeSync, fstatSync, openSync, readSync, statSync, writeSync } = builtin("node:fs");

/**
 * Text is text for people until someone asks: only a character device can be a terminal. Asked for as bigints, because node keeps the last
 * answer in numbers, and as long as that is a pipe it takes no link on the way to a module for a link.
 */
const isTerminal = (descriptor: number): boolean => {
  const found = fstatSync(descriptor, { bigint: true });
  return found.isCharacterDevice() && !isNull(found.rdev) && builtin("node:tty").isatty(descriptor);
};

/** Whether a device is the one that swallows everything. To ask whether it is a terminal would load streams and sockets. */
const isNull = (device: bigint): boolean =>
  statSync("/dev/null", { bigint: true, throwIfNoEntry: false })?.rdev === device;

/** The stream of stdout; a closed pipe would be an uncaught exception without a listener, the write's own callback reports it. */
const stream = (): typeof process.stdout => {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
  return process.stdout;
};

/** Writes to files and pipes as they are; what a pipe does not take at once, and a terminal, through the stream. */
const write = async (text: string | Uint8Array): Promise<void> => {
  let rest = typeof text === "string" ? Buffer.from(text) : text;
  try {
    while (!environment.stdoutIsTerminal && rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
  }
  if (rest.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    stream().write(rest, (error) => (error ? reject(error) : resolve()));
  });
};

const stderr = (text: string): void => {
  if (process.stderr.listenerCount("error") === 0) process.stderr.on("error", () => {});
  process.stderr.write(text);
};

// The first signal ends the work in an orderly way; the second, with no handler left, the process.
const interrupt = new AbortController();

/** Microseconds of the wall clock: the millisecond clock, refined by the monotonic one since the start of the process. */
const startedAt = BigInt(Date.now()) * 1000n;
const startedTicks = process.hrtime.bigint();

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};
const stdin = once(() => process.stdin);
const stdoutIsTerminal = once(() => isTerminal(1));

/** Where the system gives random bytes as a file. */
const RANDOM = "/dev/urandom";

/** Random bytes of the system, as a file where it gives them so: node takes 6 to 8 ms to load its cryptography. */
const random = (count: number): Uint8Array => {
  const bytes = new Uint8Array(count);
  return filled(bytes) ? bytes : builtin("node:crypto").randomBytes(count);
};

/** Fills memory; `false` where there is no such file, or another one in its place. */
const filled = (bytes: Uint8Array): boolean => {
  let device: number | undefined;
  try {
    device = openSync(RANDOM, "r");
    return fstatSync(device, { bigint: true }).isCharacterDevice() && readSync(device, bytes) === bytes.length;
  } catch {
    return false;
  } finally {
    if (device !== undefined) closeSync(device);
  }
};

const environment: Environment = {
  argv: process.argv.slice(2),
  variables: process.env,
  // Opened only by who reads it: a command that does not must not touch the terminal or a pipe.
  get stdin() {
    return stdin();
  },
  stdout: write,
  stderr,
  get stdinIsTerminal() {
    return isTerminal(0);
  },
  get stdoutIsTerminal() {
    return stdoutIsTerminal();
  },
  get stderrIsTerminal() {
    return isTerminal(2);
  },
  // A terminal that does not know its width says 0.
  get columns() {
    return (stdoutIsTerminal() && process.stdout.columns) || 80;
  },
  clock: () => startedAt + (process.hrtime.bigint() - startedTicks) / 1000n,
  random,
  get host() {
    return builtin("node:os").hostname();
  },
  pid: process.pid,
  signal: interrupt.signal,
};

/**
 * Runs the command line of this process and ends it. `command` is told the name of the command before its code is loaded.
 */
export const start = (command?: (name: string) => void): void => {
  // What escapes every handler is a bug, and still ends with a message and the exit code of one.
  const escaped = (error: unknown): void => {
    if (isBrokenPipe(error)) process.exit(0);
    report({ stderr }, error, { json: process.argv.includes("--json"), debug: process.argv.includes("--debug") });
    process.exit(1);
  };
  process.on("uncaughtException", escaped);
  process.on("unhandledRejection", escaped);
  const stop = (): void => interrupt.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  // Work that waits for what never comes would end the process as if it were done.
  process.exitCode = 1;
  // Everything is written by now. To exit spares taking the heap apart, and does not wait for an input that is still open.
  runCli(environment, VERSION, command).then((code) => process.exit(code), escaped);
};
