import { EXIT, exitCodeOf, isCoded } from "./errors.ts";
import { parseCommandLine } from "./parse.ts";
import type { Environment } from "./session.ts";
import { openSession } from "./session.ts";
import { OUTPUT_VERSION, show, toJson } from "./show.ts";
import { safe } from "./text.ts";

/** Runs one command line to its end and gives the exit code. Never throws: every failure becomes a message on stderr. */
export const runCli = async (environment: Environment, version: string): Promise<number> => {
  const json = environment.argv.includes("--json");
  const debug = environment.argv.includes("--debug");
  try {
    let printed = "";
    const parsed = parseCommandLine(environment.argv, version, (text) => {
      printed += text;
    });
    if (parsed.kind === "printed") {
      if (printed !== "") await environment.stdout(printed);
      if (parsed.usage !== undefined) reportUsage(environment, parsed.usage, json);
      return parsed.exitCode;
    }
    const session = openSession(environment, parsed.globals, parsed.spec.name);
    const { run } = await parsed.spec.load();
    return await show(session, await run(session, parsed.typed));
  } catch (error) {
    if (environment.signal.aborted) return EXIT.interrupted;
    // The reader of our pipe has gone (| head): that is its right.
    if (isBrokenPipe(error)) return EXIT.done;
    report(environment, error, { json, debug });
    return exitCodeOf(error);
  }
};

const isBrokenPipe = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "EPIPE";

const reportUsage = (environment: Environment, usage: string, json: boolean): void => {
  const message = usage.trim().replace(/^error: /, "");
  if (json) environment.stderr(`${toJson(errorDocument("USAGE", message.split("\n")[0] ?? message, undefined, {}))}\n`);
  else environment.stderr(`${usage.trimEnd()}\n`);
};

const errorDocument = (code: string, message: string, hint: string | undefined, details: unknown): unknown => ({
  usr_output_version: OUTPUT_VERSION,
  error: { code, message, hint: hint ?? null, details },
});

const report = (
  environment: Environment,
  error: unknown,
  o: { readonly json: boolean; readonly debug: boolean },
): void => {
  const coded = isCoded(error) ? error : undefined;
  const code = coded?.code ?? "BUG";
  const message = error instanceof Error ? error.message : String(error);
  const hint = coded === undefined ? "This is a bug of usr: please report it with the output of --debug." : coded.hint;
  if (o.json) environment.stderr(`${toJson(errorDocument(code, message, hint, coded?.details ?? {}))}\n`);
  else {
    environment.stderr(`error: ${safe(message)} [${code}]\n`);
    for (const line of sampleLines(coded?.details)) environment.stderr(`  ${line}\n`);
    if (hint !== undefined) environment.stderr(`hint: ${safe(hint)}\n`);
  }
  if (o.debug && error instanceof Error)
    environment.stderr(
      `${error.stack ?? ""}\n${error.cause === undefined ? "" : `caused by: ${String(error.cause instanceof Error ? error.cause.stack : error.cause)}\n`}`,
    );
};

/** Up to five of the rows an error is about, one a line. */
const sampleLines = (details: Readonly<Record<string, unknown>> | undefined): readonly string[] => {
  const samples = details?.["samples"];
  if (!Array.isArray(samples)) return [];
  return samples.slice(0, 5).map((sample: unknown) =>
    typeof sample === "object" && sample !== null
      ? Object.entries(sample)
          .map(([key, value]) => `${key} ${safe(Array.isArray(value) ? value.join(", ") : String(value))}`)
          .join("  ")
      : safe(String(sample)),
  );
};
