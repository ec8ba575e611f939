import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Root } from "@usr/dataset";
import type { WritableRoot } from "@usr/dataset/write";
import type { Actor } from "@usr/events";
import { UsageError } from "./errors.ts";
import { patientStorage } from "./patience.ts";
import { safe, safeLines } from "./safe.ts";
import { aboutFile } from "./system-error.ts";

/** Everything the command line takes from the process. Only `main.ts` fills it in. */
export interface Environment {
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Resolves when the text has been taken; rejects when the reader has gone. */
  readonly stdout: (text: string | Uint8Array) => Promise<void>;
  readonly stderr: (text: string) => void;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  readonly columns: number;
  /** Microseconds since the epoch. */
  readonly clock: () => bigint;
  readonly random: (bytes: number) => Uint8Array;
  readonly host: string;
  readonly pid: number;
  readonly signal: AbortSignal;
}

/** The options every command takes. */
export interface GlobalOptions {
  readonly root?: string | undefined;
  readonly remotes?: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly debug: boolean;
  readonly yes: boolean;
  readonly input: boolean;
  readonly lockTimeoutMs: number;
  readonly memoryBytes: number | undefined;
  readonly maxRatio: number | undefined;
}

/** What a command runs with. */
export interface Session {
  readonly environment: Environment;
  readonly options: GlobalOptions;
  /** The command as it was typed, for events and lock owners. */
  readonly command: string;
  /** A line for people on stderr; nothing with `--quiet`. */
  readonly say: (line: string) => void;
  /** The root, for reading. */
  readonly root: () => Promise<Root>;
  /** The root, for changing. */
  readonly writableRoot: () => Promise<WritableRoot>;
  /** Asks on a terminal; elsewhere `--yes` must have been typed. Throws `CONFIRMATION_REQUIRED` when the answer is not yes. */
  readonly confirm: (question: string) => Promise<void>;
}

export const openSession = (environment: Environment, options: GlobalOptions, command: string): Session => {
  const say = (line: string): void => {
    if (!options.quiet) environment.stderr(`${safe(line)}\n`);
  };
  const writableRoot = async (): Promise<WritableRoot> => {
    const path = rootPath(environment, options);
    requireFolder(path, { absent: true });
    const { diskStorage } = await import("@usr/storage/node");
    return {
      storage: patientStorage(diskStorage(path, { random: environment.random }), { signal: environment.signal, say }),
      label: path,
      memoryBytes: options.memoryBytes,
      clock: environment.clock,
      random: environment.random,
      actor: actorOf(environment),
      owner: { host: environment.host, pid: environment.pid, command },
      lockTimeoutMs: options.lockTimeoutMs,
      eventSha256: environment.variables["USR_EVENT_SHA256"] === "1",
    };
  };
  return {
    environment,
    options,
    command,
    say,
    root: async () => {
      const path = rootPath(environment, options);
      requireFolder(path, { absent: false });
      const { diskStorage } = await import("@usr/storage/node");
      return {
        storage: diskStorage(path, { random: environment.random }),
        label: path,
        memoryBytes: options.memoryBytes,
      };
    },
    writableRoot,
    confirm: (question) => confirm(environment, options, question),
  };
};

const rootPath = (environment: Environment, options: GlobalOptions): string => {
  const path = options.root ?? environment.variables["USR_ROOT"];
  if (path !== undefined && path !== "") return path;
  throw new UsageError("no root is given", { hint: "Type --root DIR, or set USR_ROOT: there is no hidden default." });
};

/** A root that is not there holds nothing to read, and is no root at all where it is a file. */
const requireFolder = (path: string, o: { readonly absent: boolean }): void => {
  try {
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    const known = aboutFile(error, "open the root", path);
    if (o.absent && known instanceof Error && "code" in known && known.code === "NOT_FOUND") return;
    throw known;
  }
  throw new UsageError(`the root ${path} is not a folder`, { hint: "Name a folder.", details: { path } });
};

const actorOf = ({ variables, host, pid }: Environment): Actor => ({
  tool: variables["USR_ACTOR_TOOL"]?.trim() || "usr",
  run_id: variables["USR_ACTOR_RUN_ID"]?.trim() || `usr-pid-${pid}`,
  host,
  pid,
});

const confirm = async (environment: Environment, options: GlobalOptions, question: string): Promise<void> => {
  if (options.yes) return;
  const refused = (message: string): UsageError =>
    new UsageError(message, {
      code: "CONFIRMATION_REQUIRED",
      hint: "Look at the plan with --dry-run, then type --yes.",
    });
  if (!options.input || !environment.stdinIsTerminal || !environment.stderrIsTerminal) {
    throw refused("this command needs a confirmation, and there is no terminal to ask on");
  }
  const { createInterface } = await import("node:readline/promises");
  environment.stderr(`${safeLines(question)} [y/N] `);
  const lines = createInterface({ input: environment.stdin });
  try {
    // The end of the input (Ctrl-D) answers no question, and leaves nothing that would keep the process alive.
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("\n")));
    const answer = await Promise.race([lines.question("", { signal: environment.signal }), ended]);
    if (answer === "\n") environment.stderr(answer);
    if (!/^y(es)?$/i.test(answer.trim())) throw refused("not confirmed: nothing was changed");
  } finally {
    lines.close();
  }
};
