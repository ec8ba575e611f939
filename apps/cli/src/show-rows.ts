import { jsonRows, writeTable } from "@usr/formats";
import type { Batch, Field } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { colouredSequence, hasColour } from "./colour.ts";
import { safe } from "./safe.ts";
import type { Session } from "./session.ts";
import { cellText, isNumeric, type Layout, layoutOf, lineOf } from "./text.ts";
import { inert } from "./to-json.ts";

type Write = (text: string) => Promise<void>;

/** Rows as NDJSON, as a table that fits the terminal, or for a pipe as tab-separated lines with every value in full. */
export const showRows = (
  session: Session,
  batches: AsyncIterable<Batch>,
  lines?: (batch: Batch, coloured: boolean) => Iterable<string>,
): Promise<void> => {
  const { environment, options } = session;
  if (options.json) return showJson(environment.stdout, batches, environment.stdoutIsTerminal);
  if (environment.stdoutIsTerminal && lines !== undefined) return showOwn(session, batches, lines);
  return environment.stdoutIsTerminal ? showTable(session, batches) : showLines(environment.stdout, batches);
};

const showOwn = async (
  session: Session,
  batches: AsyncIterable<Batch>,
  lines: (batch: Batch, coloured: boolean) => Iterable<string>,
): Promise<void> => {
  const coloured = hasColour(session);
  for await (const batch of batches) await writeLines(session.environment.stdout, lines(batch, coloured));
};

const CHUNK = 256 * 1024;

async function writeLines(write: Write, lines: Iterable<string>): Promise<void> {
  let chunk = "";
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK) continue;
    await write(chunk);
    chunk = "";
  }
  if (chunk !== "") await write(chunk);
}

const showJson = async (
  write: Session["environment"]["stdout"],
  batches: AsyncIterable<Batch>,
  terminal: boolean,
): Promise<void> => {
  for await (const batch of batches) {
    if (terminal) await writeLines(write, inertRows(batch));
    // Batch by batch: whoever reads gets what is found when it is found.
    else for await (const bytes of writeTable(batch.schema, once(batch), { format: "jsonl" })) await write(bytes);
  }
};

async function* once<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}

function* inertRows(batch: Batch): Generator<string> {
  for (const row of jsonRows(batch)) yield inert(row);
}

const showLines = async (write: Write, batches: AsyncIterable<Batch>): Promise<void> => {
  let first = true;
  for await (const batch of batches) {
    if (first) await write(`${batch.schema.fields.map(({ name }) => safe(name)).join("\t")}\n`);
    first = false;
    await writeLines(write, rowLines(batch));
  }
};

function* rowLines(batch: Batch): Generator<string> {
  for (let i = 0; i < batch.numRows; i++) yield rowCells(batch, i, true).join("\t");
}

const rowCells = (batch: Batch, row: number, full: boolean): readonly string[] =>
  batch.schema.fields.map(({ type }, c) => cellText(type, valueAt(batch.columns[c]!, row), full));

/** The rows that decide how wide the columns are, and are shown at once. */
const PAGE = 500;

const showTable = async (session: Session, batches: AsyncIterable<Batch>): Promise<void> => {
  const { environment } = session;
  const coloured = hasColour(session);
  let page: (readonly string[])[] = [];
  let layout: Layout | undefined;
  let fields: readonly Field[] = [];
  const flush = async (): Promise<void> => {
    const names = fields.map(({ name }) => safe(name));
    const lines: string[] = [];
    if (layout === undefined) {
      const right = fields.map(({ type }) => isNumeric(type));
      layout = layoutOf(names, page, right, environment.columns);
      lines.push(lineOf(names, layout));
    }
    const sequence = coloured ? names.indexOf("sequence") : -1;
    const shape = layout;
    for (const cells of page)
      lines.push(lineOf(cells, shape, (cell, c) => (c === sequence ? colouredSequence(cell) : cell)));
    page = [];
    await writeLines(environment.stdout, lines);
  };
  for await (const batch of batches) {
    fields = batch.schema.fields;
    for (let i = 0; i < batch.numRows; i++) {
      page.push(rowCells(batch, i, false).map(clipped));
      if (page.length === PAGE) await flush();
    }
  }
  if (fields.length > 0 && (page.length > 0 || layout === undefined)) await flush();
  const hidden = layout?.hidden ?? 0;
  if (hidden > 0) {
    const names = fields.slice(-hidden).map(({ name }) => name);
    session.say(`no room for ${names.join(", ")}; choose with --columns, or see every value with --json`);
  }
};

const LONGEST_CELL = 1000;

/** No terminal is wider: what cannot be seen need not be measured. */
const clipped = (cell: string): string =>
  cell.length <= LONGEST_CELL ? cell : `${cell.slice(0, LONGEST_CELL - 1).replace(/[\ud800-\udbff]$/, "")}…`;
