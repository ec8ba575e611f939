import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { runCli } from "../src/cli.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** stdout as it was written. */
  readonly bytes: Buffer;
  readonly stderr: string;
  /** `data` of the JSON document on stdout. */
  readonly data: unknown;
  /** `error` of the JSON document on stderr. */
  readonly error:
    | {
        readonly code: string;
        readonly message: string;
        readonly hint: string | null;
        readonly details: Record<string, unknown>;
      }
    | undefined;
  /** The rows of NDJSON output. */
  readonly rows: readonly Record<string, unknown>[];
}

export interface Workspace extends AsyncDisposable {
  /** Folder for inputs and outputs. */
  readonly dir: string;
  readonly root: string;
  /** Runs `usr --root ROOT --json …`; `input` is stdin. */
  readonly usr: (
    args: readonly string[],
    o?: {
      readonly input?: string | Uint8Array | undefined;
      readonly json?: boolean;
      /** stdout is a terminal. */
      readonly terminal?: boolean;
      readonly variables?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal;
      /** `false` leaves `--root` out. */
      readonly root?: boolean;
    },
  ) => Promise<Ran>;
  /** Writes an input file and gives its path. */
  readonly file: (name: string, content: string | Uint8Array) => Promise<string>;
  /** Every file of the root but locks, as path and content. */
  readonly bytes: () => Promise<ReadonlyMap<string, string>>;
}

export const openWorkspace = async (): Promise<Workspace> => {
  const dir = await mkdtemp(join(tmpdir(), "usr-cli-"));
  const root = join(dir, "root");
  const { mkdir } = await import("node:fs/promises");
  await mkdir(root);
  let ticks = 1_780_000_000_000_000n;
  const usr: Workspace["usr"] = async (args, o = {}) => {
    const out: Buffer[] = [];
    let stderr = "";
    const json = o.json ?? true;
    const code = await runCli(
      {
        argv: [...(o.root === false ? [] : ["--root", root]), ...(json ? ["--json"] : []), ...args],
        variables: o.variables ?? {},
        stdin: Readable.from(o.input === undefined ? [] : [Buffer.from(o.input)]),
        stdout: async (text) => void out.push(Buffer.from(text)),
        stderr: (text) => {
          stderr += text;
        },
        stdinIsTerminal: false,
        stdoutIsTerminal: o.terminal === true,
        stderrIsTerminal: false,
        columns: 80,
        clock: () => (ticks += 1000n),
        random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
        host: "here",
        pid: 1,
        signal: o.signal ?? new AbortController().signal,
      },
      "0.0.0-test",
    );
    const bytes = Buffer.concat(out);
    const stdout = bytes.toString();
    return { code, stdout, bytes, stderr, data: dataOf(stdout), error: errorOf(stderr), rows: rowsOf(stdout) };
  };
  return {
    dir,
    root,
    usr,
    file: async (name, content) => {
      const path = join(dir, name);
      await writeFile(path, content);
      return path;
    },
    bytes: async () => {
      const found = new Map<string, string>();
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || /^\.(usr|events)\.lock/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        found.set(relative(root, path), (await readFile(path)).toString("base64"));
      }
      return found;
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const dataOf = (stdout: string): unknown => {
  const document = parsed(stdout);
  return typeof document === "object" && document !== null && "data" in document ? document.data : undefined;
};

const errorOf = (stderr: string): Ran["error"] => {
  for (const line of stderr.split("\n")) {
    const document: { error?: Ran["error"] } | undefined = line.startsWith('{"usr_output_version"')
      ? JSON.parse(line)
      : undefined;
    if (document?.error !== undefined) return document.error;
  }
  return undefined;
};

const rowsOf = (stdout: string): readonly Record<string, unknown>[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const row = parsed(line);
      return isRow(row) ? [row] : [];
    });

const isRow = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const MOCK_COLUMNS =
  "mock__score:float64,mock__n:int64,mock__tag:string,mock__vec:list<float64>,mock__at:timestamp[us, UTC],mock__st:struct<a:int64,b:string>,mock__on:bool";

/** A root with the namespace mock and the dataset demo of five dna sequences. */
export const demoWorkspace = async (): Promise<Workspace> => {
  const w = await openWorkspace();
  const must = async (args: readonly string[]): Promise<void> => {
    const { code, stderr } = await w.usr(args);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  };
  await must(["namespace", "register", "mock", "--columns", MOCK_COLUMNS]);
  await must(["init", "demo"]);
  const sequences = await w.file("demo.csv", "sequence\nACGT\nTTTT\nGGGG\nacgt\nCCGG\n");
  await must(["import", "demo", "--path", sequences, "--bio-type", "dna", "--alphabet", "dna_4", "--source", "test"]);
  return w;
};
