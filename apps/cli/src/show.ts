import { jsonRows } from "@usr/formats";
import type { Batch } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import type { Outcome } from "./command.ts";
import type { Session } from "./session.ts";
import { cellText, renderTable, safe } from "./text.ts";

/** Version of the JSON documents on stdout and stderr. */
export const OUTPUT_VERSION = 1;

/** JSON of a document; int64 beyond what a double holds becomes text. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => {
    if (typeof v !== "bigint") return v;
    return v >= -(2n ** 53n) && v <= 2n ** 53n ? Number(v) : String(v);
  });

/** Writes an outcome to stdout as data or for people. Resolves with the exit code. */
export const show = async (session: Session, outcome: Outcome): Promise<number> => {
  const { environment, options, command } = session;
  const { stdout } = environment;
  switch (outcome.kind) {
    case "text":
      await stdout(outcome.text);
      return 0;
    case "document": {
      const text = options.json
        ? `${toJson({ usr_output_version: OUTPUT_VERSION, command, data: outcome.data })}\n`
        : outcome.text();
      await stdout(text);
      return outcome.exitCode ?? 0;
    }
    case "lines":
      for await (const { json, text } of outcome.lines) await stdout(`${options.json ? json : safe(text)}\n`);
      return 0;
    case "rows":
      await (options.json ? showJson(stdout, outcome.batches) : showTable(session, outcome.batches));
      return 0;
  }
};

const CHUNK = 256 * 1024;

const showJson = async (stdout: (text: string) => Promise<void>, batches: AsyncIterable<Batch>): Promise<void> => {
  for await (const batch of batches) {
    let chunk = "";
    for (const row of jsonRows(batch)) {
      chunk += `${row}\n`;
      if (chunk.length < CHUNK) continue;
      await stdout(chunk);
      chunk = "";
    }
    if (chunk !== "") await stdout(chunk);
  }
};

/** On a terminal a table that fits; into a pipe tab-separated lines with every value in full. */
const showTable = async ({ environment }: Session, batches: AsyncIterable<Batch>): Promise<void> => {
  let header = true;
  for await (const batch of batches) {
    if (environment.stdoutIsTerminal) {
      await environment.stdout(renderTable(batch, environment.columns));
      continue;
    }
    const { fields } = batch.schema;
    if (header) await environment.stdout(`${fields.map(({ name }) => safe(name)).join("\t")}\n`);
    header = false;
    let chunk = "";
    for (let i = 0; i < batch.numRows; i++) {
      chunk += `${fields.map(({ type }, c) => cellText(type, valueAt(batch.columns[c]!, i), true)).join("\t")}\n`;
      if (chunk.length < CHUNK) continue;
      await environment.stdout(chunk);
      chunk = "";
    }
    await environment.stdout(chunk);
  }
};
