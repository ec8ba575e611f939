import { createHash } from "node:crypto";
import { datasetSchema, type Query, type Root, scan } from "@usr/dataset";
import { parquetCopy } from "@usr/dataset/copy";
import { writeTable } from "@usr/formats";
import type { Batch, Schema } from "@usr/schema";
import { parseType } from "@usr/schema";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { formatFor, WRITTEN_FORMATS } from "../input.ts";
import { checkOutput, writeOutput } from "../output.ts";
import { queryOf } from "../query.ts";
import { safeLines } from "../safe.ts";
import type { Session } from "../session.ts";
import { bytesText, count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const out = requiredText(typed, "out");
  const dryRun = flag(typed, "dryRun");
  const { format, compression } = formatFor(out, text(typed, "fmt"), WRITTEN_FORMATS);
  const header = text(typed, "header");
  if (header !== undefined && format !== "fasta")
    throw new UsageError("--header is for fasta", { hint: "Leave it out, or write fasta with --fmt fasta." });
  if (flag(typed, "formulaSafe") && format !== "csv" && format !== "tsv")
    throw new UsageError("--formula-safe is for csv and tsv", { hint: "Leave it out: other formats run nothing." });
  if (out === "-" && session.options.json && !dryRun)
    throw new UsageError("--out - and --json both want stdout", { hint: "Write to a file, or leave --json out." });
  const binary = format === "parquet" || format === "arrow" || compression !== undefined;
  if (out === "-" && binary && session.environment.stdoutIsTerminal && !dryRun)
    throw new UsageError(`${format} is nothing to show on a terminal`, { hint: "Name a file, or pipe it." });
  const root = await session.root();
  if (out !== "-") await checkOutput(out, root.label);
  const query = queryOf(session, typed);
  const stats = { rows: 0, size: 0 };
  // Only the document shows it.
  const sha256 = session.options.json ? createHash("sha256") : undefined;
  // What the base holds already is copied where nothing changes it.
  const copy = format === "parquet" ? await parquetCopy(root, id, query) : undefined;
  await using source = copy ?? (await withSchema(scan(root, id, query), () => emptySchema(root, id, query)));
  let table: AsyncIterable<Uint8Array>;
  if ("bytes" in source) {
    stats.rows = source.numRows;
    table = source.bytes();
  } else {
    const rows = counted(source.batches, (n) => {
      stats.rows += n;
    });
    table = writeTable(source.schema, rows, {
      format,
      fastaHeader: header,
      formulaSafe: flag(typed, "formulaSafe"),
      signal: session.environment.signal,
    });
  }
  const { compress } = await import("@usr/formats/node");
  const bytes = compression === undefined ? table : compress(table, compression);
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      stats.size += chunk.length;
      sha256?.update(chunk);
      yield chunk;
    }
  }
  if (dryRun) {
    for await (const _ of measured()) void _;
  } else if (out === "-") {
    await toStdout(session, measured());
    return { kind: "text", text: "" };
  } else await writeOutput(out, measured(), session.environment.signal);
  const data = { rows: stats.rows, path: out, size_bytes: stats.size, sha256: sha256?.digest("hex") };
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would write" : "Wrote"} ${count(data.rows, "row")} to ${out} (${bytesText(data.size_bytes)})\n`,
  };
};

/** Into a pipe the bytes as they are; a terminal must not obey what they spell. */
const toStdout = async ({ environment }: Session, bytes: AsyncIterable<Uint8Array>): Promise<void> => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const chunk of bytes)
    await environment.stdout(environment.stdoutIsTerminal ? shown(decoder.decode(chunk, { stream: true })) : chunk);
};

/** Tabs belong to tsv. */
const shown = (text: string): string => text.split("\t").map(safeLines).join("\t");

/** Looks at the first batch for the schema; a scan without any asks for it elsewhere. The disposal ends a scan that nobody read to its end. */
const withSchema = async (
  batches: AsyncIterable<Batch>,
  empty: () => Promise<Schema>,
): Promise<AsyncDisposable & { readonly schema: Schema; readonly batches: AsyncIterable<Batch> }> => {
  const iterator = batches[Symbol.asyncIterator]();
  const end = async (): Promise<void> => void (await iterator.return?.());
  const first = await iterator.next();
  if (first.done === true)
    return { schema: await empty(), batches: (async function* () {})(), [Symbol.asyncDispose]: end };
  async function* all(): AsyncGenerator<Batch> {
    if (first.done !== true) yield first.value;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { schema: first.value.schema, batches: all(), [Symbol.asyncDispose]: end };
};

/** The columns that the rows would have had. */
const emptySchema = async (root: Root, id: string, query: Query): Promise<Schema> => {
  const { fields } = await datasetSchema(root, id, { registryMode: query.registryMode, signal: query.signal });
  const shown = query.includeDeleted === true ? fields : fields.filter(({ origin }) => origin !== "usr");
  const all = shown.map(({ name, type, nullable }) => ({ name, type: parseType(type), nullable }));
  const { columns } = query;
  const chosen = columns === undefined ? all : columns.flatMap((name) => all.filter((field) => field.name === name));
  return { fields: chosen, metadata: new Map() };
};

async function* counted(batches: AsyncIterable<Batch>, add: (rows: number) => void): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    add(batch.numRows);
    yield batch;
  }
}
