import { STANDARD } from "@usr/registry/standard";
import { type DataType, parseType, type Value } from "@usr/schema";
import { type ColumnBuilder, columnBuilder } from "@usr/schema/columns";
import { castColumn } from "./cast.ts";
import { FormatError, placed, printable } from "./error.ts";
import { type Feature, type GenBankRecord, parseRecord, RecordFault, type RecordLines } from "./genbank-record.ts";
import { bytesOf, type Limits, limitsOf } from "./source.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableInput, TableReader } from "./types.ts";

const NAMESPACE = "seq_annot";

/** The columns of the standard namespace that a file can fill, under the names they have there, and the sequence. */
const FILLED = [
  ...["format", "parser", "record_id", "record_name", "description", "topology", "molecule_type"],
  ...["sequence_region_start_0", "sequence_region_end_0", "features"],
];

const TYPES: ReadonlyMap<string, DataType> = new Map([
  ["sequence", { kind: "string" }],
  ...(STANDARD.find(({ namespace }) => namespace === NAMESPACE)?.columns ?? []).flatMap(({ name, type }) => {
    const field = name.slice(NAMESPACE.length + 2);
    return FILLED.includes(field) ? [[field, parseType(type)] as const] : [];
  }),
]);

/** GenBank records as rows: the sequence in upper case, and what the namespace `seq_annot` has columns for. Memory: one batch of records. */
export function openGenBank(input: TableInput, o: OpenTableOptions): TableReader {
  return {
    columns: [...TYPES].map(([name, type]) => ({ name, type })),
    batches: (resolve) => readBatches(input, o, resolve),
  };
}

async function* readBatches(
  input: TableInput,
  o: OpenTableOptions,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const limits = limitsOf(o.limits);
  const asked = new Map([...TYPES].map(([name, type]) => [name, resolve(name, type)]));
  const builders = new Map<string, ColumnBuilder>();
  for (const [name, type] of TYPES) if (asked.get(name) !== undefined) builders.set(name, columnBuilder(type));
  let firstRow = 1;
  let row = 1;
  let bytes = 0;
  const take = (): TableBatch => {
    const columns = [...builders].map(([name, builder]) => {
      try {
        return [
          name,
          castColumn(builder.finish(), asked.get(name)!, firstRow, { allowRounding: o.allowRounding === true }),
        ] as const;
      } catch (error) {
        throw placed(error, { file: o.name, column: name });
      }
    });
    return { firstRow, numRows: row - firstRow, columns: new Map(columns) };
  };
  for await (const { lines, size } of recordsOf(input, o, limits)) {
    const cells = cellsOf(parsed(lines, o.name, row));
    for (const [name, builder] of builders) builder.append(cells[name] ?? null);
    row++;
    bytes += size;
    if (row - firstRow < limits.batchRows && bytes < limits.batchBytes) continue;
    o.signal?.throwIfAborted();
    yield take();
    firstRow = row;
    bytes = 0;
  }
  if (row > firstRow) yield take();
}

const parsed = (lines: RecordLines, file: string, row: number): GenBankRecord => {
  try {
    return parseRecord(lines);
  } catch (error) {
    if (!(error instanceof RecordFault)) throw error;
    const value = error.value === undefined ? undefined : printable(error.value);
    throw new FormatError("CORRUPT", { file, row, line: error.line, value, rule: error.message });
  }
};

/** The lines of each record, and how many bytes it has. */
async function* recordsOf(
  input: TableInput,
  o: OpenTableOptions,
  limits: Limits,
): AsyncGenerator<{ readonly lines: RecordLines; readonly size: number }, void, undefined> {
  let record: RecordLines | undefined;
  let part: "header" | "features" | "sequence" = "header";
  let size = 0;
  let row = 1;
  let last = 0;
  const fault = (line: number, rule: string, value?: string): FormatError =>
    new FormatError("CORRUPT", {
      file: o.name,
      row,
      line,
      value: value === undefined ? value : printable(value),
      rule,
    });
  for await (const { text, line } of linesOf(input, o, limits)) {
    last = line;
    size += text.length + 1;
    if (size > limits.maxFieldBytes) {
      const rule = `a record is longer than ${limits.maxFieldBytes} bytes`;
      throw new FormatError("TOO_LARGE", { file: o.name, row, line, rule });
    }
    if (record === undefined) {
      if (text.trim() === "") continue;
      if (!text.startsWith("LOCUS"))
        throw fault(line, "text stands before the first record: a record starts with LOCUS", text);
      record = { locus: { text, line }, header: [], features: [], sequence: [] };
      part = "header";
    } else if (text.startsWith("//")) {
      yield { lines: record, size };
      record = undefined;
      size = 0;
      row++;
    } else if (text.startsWith("LOCUS")) {
      throw fault(line, "a record ends with // before the next one starts", text);
    } else if (/^[A-Z]/.test(text)) {
      part = text.startsWith("FEATURES") ? "features" : text.startsWith("ORIGIN") ? "sequence" : "header";
      if (part === "header") record.header.push({ text, line });
    } else if (part === "header") {
      record.header.push({ text, line });
    } else if (text.trim() !== "" && part === "features") {
      record.features.push({ text, line });
    } else if (part === "sequence") {
      const symbols = text.replaceAll(/[\s\d]/g, "");
      const [wrong] = /[^A-Za-z*-]/.exec(symbols) ?? [];
      if (wrong !== undefined) throw fault(line, "a sequence has letters, * and -", wrong);
      record.sequence.push(symbols);
    }
  }
  if (record !== undefined) throw fault(last, "the input ends within a record: // is missing");
}

/** Lines without their line feed, and without the carriage return before it. Invalid UTF-8 and NUL are refused. */
async function* linesOf(
  input: TableInput,
  o: OpenTableOptions,
  limits: Limits,
): AsyncGenerator<{ readonly text: string; readonly line: number }, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  const text = (pieces: readonly Uint8Array[]): string => {
    const bytes = pieces.length === 1 ? pieces[0]! : joined(pieces);
    let decoded: string;
    try {
      decoded = decoder.decode(bytes);
    } catch {
      throw new FormatError("CORRUPT", { file: o.name, line, rule: "invalid UTF-8" });
    }
    if (decoded.includes("\0")) throw new FormatError("CORRUPT", { file: o.name, line, rule: "a NUL byte" });
    return decoded.endsWith("\r") ? decoded.slice(0, -1) : decoded;
  };
  for await (const chunk of bytesOf(input, o.signal)) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield { text: text([...rest, chunk.subarray(from, end)]), line };
      rest = [];
      held = 0;
      line++;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    // A copy: whoever gives the chunk may fill it again.
    rest.push(chunk.slice(from));
    held += chunk.length - from;
    if (held > limits.maxFieldBytes) {
      const rule = `a line is longer than ${limits.maxFieldBytes} bytes`;
      throw new FormatError("TOO_LARGE", { file: o.name, line, rule });
    }
  }
  if (rest.length > 0) yield { text: text(rest), line };
}

const joined = (pieces: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

const cellsOf = (record: GenBankRecord): Readonly<Record<string, Value>> => ({
  sequence: record.sequence,
  format: "genbank",
  parser: "usr",
  record_id: record.id,
  record_name: record.name,
  description: record.description ?? null,
  topology: record.topology ?? null,
  molecule_type: record.moleculeType ?? null,
  sequence_region_start_0: 0n,
  sequence_region_end_0: BigInt(record.sequence.length),
  features: record.features.map((feature, order) => featureCell(feature, order, record.id)),
});

/** What a feature is called: the first of these qualifiers that says something. */
const LABELS = ["label", "gene", "locus_tag", "standard_name", "note", "product"];

const featureCell = ({ type, raw, location, qualifiers }: Feature, order: number, record: string): Value => {
  const { kind, isCompound, intervals } = location;
  const strands = new Set(intervals.map(({ strand }) => strand));
  const [strand] = strands;
  const fuzzy = intervals.some(({ partial }) => partial);
  const label = LABELS.map((key) => qualifiers.find((one) => one.key === key && one.value.trim() !== "")).find(Boolean);
  return {
    feature_id: `gbf_${record}_${order}`,
    feature_order: BigInt(order),
    feature_type: type,
    label: label?.value.trim() ?? null,
    role_hint: null,
    location_raw: raw,
    location_kind: kind,
    start_0: intervals.length === 0 ? null : BigInt(Math.min(...intervals.map(({ start }) => start))),
    end_0: intervals.length === 0 ? null : BigInt(Math.max(...intervals.map(({ end }) => end))),
    strand: strands.size !== 1 || strand === undefined ? null : BigInt(strand),
    intervals_0: intervals.map((one) => ({
      start_0: BigInt(one.start),
      end_0: BigInt(one.end),
      strand: one.strand === undefined ? null : BigInt(one.strand),
      partial: one.partial,
    })),
    is_fuzzy: fuzzy,
    is_compound: isCompound,
    qualifiers: qualifiers.map(({ key, value }) => ({ key, value })),
    confidence: intervals.length === 0 ? "unknown" : fuzzy ? "low" : "high",
    source: "usr",
  };
};
