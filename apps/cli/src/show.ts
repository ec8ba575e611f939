import type { Outcome } from "./command.ts";
import { EXIT } from "./errors.ts";
import { safe, safeLines } from "./safe.ts";
import type { Session } from "./session.ts";
import { inert, OUTPUT_VERSION, toJson } from "./to-json.ts";

/** Writes an outcome to stdout as data or for people. Resolves with the exit code. */
export const show = async (session: Session, outcome: Outcome): Promise<number> => {
  const { environment, options, command } = session;
  const { stdout, stdoutIsTerminal, signal } = environment;
  // What was asked to go on until interrupted ends like anything that is.
  const ended = (): number => (signal.aborted ? EXIT.interrupted : EXIT.done);
  switch (outcome.kind) {
    case "text":
      await stdout(outcome.text);
      return EXIT.done;
    case "document":
      await stdout(
        options.json
          ? `${toJson({ usr_output_version: OUTPUT_VERSION, command, data: outcome.data })}\n`
          : safeLines(outcome.text(stdoutIsTerminal ? environment.columns : undefined)),
      );
      return outcome.exitCode ?? EXIT.done;
    case "lines":
      for await (const { json, text } of outcome.lines) await stdout(`${options.json ? inert(json) : safe(text)}\n`);
      return ended();
    case "records":
      if (stdoutIsTerminal && !options.json) {
        const { showRecords } = await import("./show-records.ts");
        await showRecords(session, outcome.batches, await outcome.notes());
        return ended();
      }
      return show(session, { kind: "rows", batches: outcome.batches });
    case "rows": {
      const { showRows } = await import("./show-rows.ts");
      await showRows(session, outcome.batches, outcome.lines);
      return ended();
    }
  }
};
