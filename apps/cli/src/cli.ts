import { EXIT, exitCodeOf, isCoded, UsageError } from "./errors.ts";
import { hintOf, ofDataset } from "./hints.ts";
import { parsePlainLine } from "./plain-line.ts";
import { safe } from "./safe.ts";
import type { Environment } from "./session.ts";
import { OUTPUT_VERSION, toJson } from "./to-json.ts";

/**
 * Runs one command line to its end and gives the exit code. Never throws: every failure becomes a message on stderr. `announce` is told the
 * name of the command before its code is loaded.
 */
export const runCli = async (
  environment: Environment,
  version: string,
  announce?: (command: string) => void,
): Promise<number> => {
  // How a line that cannot be parsed wants its error is seen only by looking.
  const end = environment.argv.indexOf("--");
  const words = end < 0 ? environment.argv : environment.argv.slice(0, end);
  let style: Style = { json: words.includes("--json"), debug: words.includes("--debug") };
  try {
    const { argv } = environment;
    const parsed = parsePlainLine(argv) ?? (await import("./parse.ts")).parseCommandLine(argv, version);
    if (parsed.kind === "asked") {
      await environment.stdout(parsed.text);
      return EXIT.done;
    }
    if (parsed.kind === "missing") {
      if (style.json) throw new UsageError("a command is missing", { hint: "The commands are listed by: usr --help" });
      environment.stderr(parsed.text);
      return EXIT.usage;
    }
    const [first] = parsed.spec.args[0]?.name === "dataset" ? parsed.typed.args : [];
    style = { ...parsed.globals, dataset: typeof first === "string" ? first : undefined };
    announce?.(parsed.spec.name);
    const [{ openSession }, { show }, { run }] = await Promise.all([
      import("./session.ts"),
      import("./show.ts"),
      parsed.spec.load(),
    ]);
    const session = openSession(environment, parsed.globals, parsed.spec.name);
    const code = await show(session, await run(session, parsed.typed));
    if (!environment.signal.aborted || code === EXIT.interrupted) return code;
    // A commit under way runs to its end and what it says is true; whoever pressed Ctrl-C still wants the script to stop.
    reportInterruption(environment, "interrupted when the work was done", style.json);
    return EXIT.interrupted;
  } catch (error) {
    if (environment.signal.aborted) {
      reportInterruption(environment, "interrupted", style.json);
      return EXIT.interrupted;
    }
    // The reader of our pipe has gone (| head): that is its right.
    if (isBrokenPipe(error)) return EXIT.done;
    const known = isCoded(error) ? error : await refusal(error);
    report(environment, known, style);
    return exitCodeOf(known);
  }
};

const reportInterruption = ({ stderr }: Pick<Environment, "stderr">, message: string, json: boolean): void => {
  const hint =
    "The dataset is as it was before, or as the whole command leaves it; an import that flushes, as its last flush left it. Run the command again.";
  const error = { code: "INTERRUPTED", message, hint, details: {} };
  stderr(json ? `${toJson({ usr_output_version: OUTPUT_VERSION, error })}\n` : `${message}\n`);
};

/** What the system refused on the way out (a full disk behind `>`) is no bug. */
const refusal = async (error: unknown): Promise<unknown> => {
  const path = error instanceof Error && "path" in error ? String(error.path) : "the output";
  return (await import("./system-error.ts")).aboutFile(error, "write", path);
};

export const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EPIPE";

/** How an error is told. */
interface Style {
  readonly json: boolean;
  readonly debug: boolean;
  /** The dataset that the command line names. */
  readonly dataset?: string | undefined;
}

/** Says on stderr what went wrong, where, and what to do. */
export const report = (environment: Pick<Environment, "stderr">, error: unknown, o: Style): void => {
  const coded = isCoded(error) ? error : undefined;
  const code = coded?.code ?? "BUG";
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    coded === undefined
      ? "This is a bug of usr: please report it with the output of --debug."
      : ofDataset(hintOf(coded), o.dataset);
  if (o.json) {
    const details = coded?.details ?? {};
    const document = { usr_output_version: OUTPUT_VERSION, error: { code, message, hint, details } };
    environment.stderr(`${toJson(document)}\n`);
  } else {
    environment.stderr(`error: ${line(message)} [${code}]\n`);
    for (const sample of sampleLines(coded?.details)) environment.stderr(`  ${sample}\n`);
    environment.stderr(`hint: ${line(hint)}\n`);
  }
  if (o.debug) environment.stderr(trace(error));
};

/** The stacks of an error and of what caused it. */
const trace = (error: unknown): string => {
  let text = "";
  for (let at = error, depth = 0; at !== undefined && depth < 8; depth++) {
    const stack = at instanceof Error ? (at.stack ?? at.message) : String(at);
    text += `${depth === 0 ? "" : "caused by: "}${stack.split("\n").map(safe).join("\n")}\n`;
    at = at instanceof Error ? at.cause : undefined;
  }
  return text;
};

const LONGEST_LINE = 2000;

/** A line for people: safe, and cut where someone typed a megabyte. */
const line = (text: string): string => {
  const shown = safe(text);
  return shown.length <= LONGEST_LINE ? shown : `${shown.slice(0, LONGEST_LINE)}…`;
};

/** Up to five of the rows an error is about, one a line. */
const sampleLines = (details: Readonly<Record<string, unknown>> | undefined): readonly string[] => {
  const samples = details?.["samples"];
  if (!Array.isArray(samples)) return [];
  return samples.slice(0, 5).map((sample: unknown) =>
    typeof sample === "object" && sample !== null
      ? Object.entries(sample)
          .map(([key, value]) => line(`${key} ${Array.isArray(value) ? value.join(", ") : String(value)}`))
          .join("  ")
      : line(String(sample)),
  );
};
