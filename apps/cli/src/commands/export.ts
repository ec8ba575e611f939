import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { datasetSchema, scan } from "@usr/dataset";
import { writeTable } from "@usr/formats";
import type { Batch, Schema } from "@usr/schema";
import { parseType } from "@usr/schema";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { formatFor } from "../input.ts";
import { queryOf } from "../query.ts";
import { bytesText, count } from "../text.ts";
import { argument, flag, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const out = requiredText(typed, "out");
  const { format, compression } = formatFor(out, text(typed, "fmt"));
  const header = text(typed, "header");
  if (header !== undefined && format !== "fasta") throw new UsageError("--header is for fasta");
  if (flag(typed, "formulaSafe") && format !== "csv" && format !== "tsv")
    throw new UsageError("--formula-safe is for csv and tsv");
  if (out === "-" && session.options.json) throw new UsageError("--out - and --json both want stdout");
  const root = await session.root();
  const query = queryOf(session, typed);
  const stats = { rows: 0, size: 0 };
  const sha256 = createHash("sha256");
  const source = await withSchema(scan(root, id, query), () => emptySchema(root, id, query.columns));
  const rows = counted(source.batches, (n) => {
    stats.rows += n;
  });
  const table = writeTable(source.schema, rows, {
    format,
    fastaHeader: header,
    formulaSafe: flag(typed, "formulaSafe"),
    signal: session.environment.signal,
  });
  const { compress } = await import("@usr/formats/node");
  const bytes = compression === undefined ? table : compress(table, compression);
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      stats.size += chunk.length;
      sha256.update(chunk);
      yield chunk;
    }
  }
  if (flag(typed, "dryRun")) {
    for await (const _ of measured()) void _;
  } else if (out === "-") {
    for await (const chunk of measured()) await session.environment.stdout(chunk);
    return { kind: "text", text: "" };
  } else {
    const { diskStorage } = await import("@usr/storage/node");
    await diskStorage(dirname(out)).put(basename(out), measured(), { signal: session.environment.signal });
  }
  const data = { rows: stats.rows, path: out, size_bytes: stats.size, sha256: sha256.digest("hex") };
  return {
    kind: "document",
    data,
    text: () =>
      `${flag(typed, "dryRun") ? "Would write" : "Wrote"} ${count(data.rows, "row")} to ${out} (${bytesText(data.size_bytes)})\n`,
  };
};

/** Looks at the first batch for the schema; a scan without any asks for it elsewhere. */
const withSchema = async (
  batches: AsyncIterable<Batch>,
  empty: () => Promise<Schema>,
): Promise<{ readonly schema: Schema; readonly batches: AsyncIterable<Batch> }> => {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return { schema: await empty(), batches: (async function* () {})() };
  async function* all(): AsyncGenerator<Batch> {
    try {
      if (first.done !== true) yield first.value;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { schema: first.value.schema, batches: all() };
};

const emptySchema = async (
  root: Parameters<typeof datasetSchema>[0],
  id: string,
  columns: readonly string[] | undefined,
): Promise<Schema> => {
  const { fields } = await datasetSchema(root, id);
  const all = fields.map(({ name, type, nullable }) => ({ name, type: parseType(type), nullable }));
  const chosen = columns === undefined ? all : columns.flatMap((name) => all.filter((field) => field.name === name));
  return { fields: chosen, metadata: new Map() };
};

async function* counted(batches: AsyncIterable<Batch>, add: (rows: number) => void): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    add(batch.numRows);
    yield batch;
  }
}
