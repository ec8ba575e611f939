import { writeTable } from "@usr/formats";
import { openParquet, readBatches } from "@usr/parquet";
import type { Batch, Schema } from "@usr/schema";
import { parquetCopy } from "../../src/copy/index.ts";
import { type Root, scan } from "../../src/index.ts";
import { DATASET, expectedRows, type Model, numberOf, type SeenRow, seenRows } from "./history.ts";

// The ways in which people read, each with what it must show of a state.

const HEAD = 25;

/** One way to read: what it sees, and what it must see of a state. Both are compared as text. */
export interface Read {
  readonly name: string;
  readonly see: (root: Root) => Promise<readonly SeenRow[]>;
  readonly expect: (model: Model) => readonly SeenRow[];
}

const shown = (model: Model): readonly SeenRow[] => expectedRows(model).filter(([, , , deleted]) => !deleted);

export const READS: readonly Read[] = [
  { name: "scan", see: (root) => seenRows(scan(root, DATASET, { includeDeleted: true })), expect: expectedRows },
  {
    name: "head",
    see: (root) => seenRows(scan(root, DATASET, { limit: HEAD })),
    expect: (model) => shown(model).slice(0, HEAD),
  },
  { name: "export csv", see: async (root) => csvRows(await exportedCsv(root)), expect: shown },
  { name: "export parquet", see: (root) => exportedParquet(root, false), expect: shown },
  // Without rows to leave out, columns of the base are copied undecoded.
  { name: "export parquet, deleted rows too", see: (root) => exportedParquet(root, true), expect: expectedRows },
];

const exportedCsv = async (root: Root): Promise<string> => {
  const { schema, batches } = await withSchema(scan(root, DATASET));
  return (await joined(writeTable(schema, batches, { format: "csv" }))).toString();
};

/** By hand, as cells here have neither commas nor quotes. */
const csvRows = (text: string): readonly SeenRow[] => {
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header.split(",");
  const [sequence, n, split] = ["sequence", "kill__n", "usr_state__split"].map((name) => names.indexOf(name));
  return lines.map((line) => {
    const cells = line.split(",");
    const [number = "", state = ""] = [cells[n ?? -1], cells[split ?? -1]];
    const row = numberOf(cells[sequence ?? -1] ?? "");
    return [row, number === "" ? null : Number(number), state === "" ? null : state, false];
  });
};

const exportedParquet = async (root: Root, includeDeleted: boolean): Promise<readonly SeenRow[]> => {
  const query = { includeDeleted };
  const copy = await parquetCopy(root, DATASET, query);
  let bytes: Buffer;
  if (copy === undefined) {
    const { schema, batches } = await withSchema(scan(root, DATASET, query));
    bytes = await joined(writeTable(schema, batches, { format: "parquet" }));
  } else {
    await using opened = copy;
    bytes = await joined(opened.bytes());
  }
  const read = async (offset: number, length: number): Promise<Uint8Array> => bytes.subarray(offset, offset + length);
  return seenRows(readBatches(await openParquet({ meta: { size: bytes.length }, read })));
};

const joined = async (bytes: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
};

/** Rows are always there. */
const withSchema = async (
  batches: AsyncGenerator<Batch>,
): Promise<{ readonly schema: Schema; readonly batches: AsyncIterable<Batch> }> => {
  const first = await batches.next();
  if (first.done === true) throw new Error("a scan without rows");
  const { value } = first;
  async function* all(): AsyncGenerator<Batch> {
    yield value;
    yield* batches;
  }
  return { schema: value.schema, batches: all() };
};
