import type { Readable } from "node:stream";
import type { Root } from "@usr/dataset";
import type { WritableRoot } from "@usr/dataset/write";
import type { Actor } from "@usr/events";
import { UsageError } from "./errors.ts";

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
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly debug: boolean;
  readonly yes: boolean;
  readonly input: boolean;
  readonly lockTimeoutMs: number;
  readonly memoryBytes: number | undefined;
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
  const rootPath = (): string => {
    const path = options.root ?? environment.variables["USR_ROOT"];
    if (path === undefined || path === "") {
      throw new UsageError("no root is given", {
        hint: "Type --root DIR, or set USR_ROOT: there is no hidden default.",
      });
    }
    return path;
  };
  const writableRoot = async (): Promise<WritableRoot> => {
    const path = rootPath();
    const { diskStorage } = await import("@usr/storage/node");
    return {
      storage: diskStorage(path),
      label: path,
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
    say: (line) => {
      if (!options.quiet) environment.stderr(`${line}\n`);
    },
    root: writableRoot,
    writableRoot,
    confirm: (question) => confirm(environment, options, question),
  };
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
  environment.stderr(`${question} [y/N] `);
  const lines = createInterface({ input: environment.stdin });
  try {
    const answer = await lines.question("", { signal: environment.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw refused("not confirmed: nothing was changed");
  } finally {
    lines.close();
  }
};
