import { STANDARD } from "@usr/registry/standard";
import { type DataType, parseType, type Value } from "@usr/schema";
import { type ColumnBuilder, columnBuilder } from "@usr/schema/columns";
import { castColumn } from "../columns/cast.ts";
import { FormatError, placed, printable } from "../error.ts";
import { bytesOf, type Limits, limitsOf } from "../source.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableInput, TableReader } from "../types.ts";
import {
  type Feature,
  type GenBankRecord,
  isContinued,
  parseRecord,
  RecordFault,
  type RecordLines,
} from "./genbank-record.ts";

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

/** What a kept line costs beside its text: the line object, the head of its string, its place in the list. */
const LINE_BYTES = 64;
/** What a feature costs beside its lines, and each part of its location: cells, and the objects they are made of. */
const FEATURE_BYTES = 1024;
const PART_BYTES = 256;

/** The lines of each record, and how many bytes it has. Blank lines say nothing in any part: they count as bytes and are not kept. */
async function* recordsOf(
  input: TableInput,
  o: OpenTableOptions,
  limits: Limits,
): AsyncGenerator<{ readonly lines: RecordLines; readonly size: number }, void, undefined> {
  let record: RecordLines | undefined;
  let part: "header" | "features" | "sequence" = "header";
  let size = 0;
  let kept = 0;
  /** The last line belongs to the location of a feature. */
  let locating = false;
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
  const tooLarge = (line: number, rule: string): FormatError =>
    new FormatError("TOO_LARGE", { file: o.name, row, line, rule });
  for await (const lines of linesOf(input, o, limits))
    for (const { text, line } of lines) {
      last = line;
      size += text.length + 1;
      if (size > limits.maxFieldBytes) throw tooLarge(line, `a record is longer than ${limits.maxFieldBytes} bytes`);
      if (text.trim() === "") continue;
      kept += text.length + LINE_BYTES;
      if (part === "features") {
        if (!isContinued(text)) kept += FEATURE_BYTES;
        locating = !isContinued(text) || (locating && !text.trimStart().startsWith("/"));
        if (locating) for (let at = text.indexOf(","); at >= 0; at = text.indexOf(",", at + 1)) kept += PART_BYTES;
      }
      if (kept > limits.maxRowBytes) {
        throw tooLarge(line, `the lines of a record take more than ${limits.maxRowBytes} bytes of memory`);
      }
      if (record === undefined) {
        if (!text.startsWith("LOCUS"))
          throw fault(line, "text stands before the first record: a record starts with LOCUS", text);
        record = { locus: { text, line }, header: [], features: [], sequence: [] };
        part = "header";
      } else if (text.startsWith("//")) {
        yield { lines: record, size };
        record = undefined;
        size = 0;
        kept = 0;
        row++;
      } else if (text.startsWith("LOCUS")) {
        throw fault(line, "a record ends with // before the next one starts", text);
      } else if (/^[A-Z]/.test(text)) {
        part = text.startsWith("FEATURES") ? "features" : text.startsWith("ORIGIN") ? "sequence" : "header";
        if (part === "header") record.header.push({ text, line });
      } else if (part === "header") {
        record.header.push({ text, line });
      } else if (part === "features") {
        record.features.push({ text, line });
      } else {
        const symbols = text.replaceAll(/[\s\d]/g, "");
        const [wrong] = /[^A-Za-z*-]/.exec(symbols) ?? [];
        if (wrong !== undefined) throw fault(line, "a sequence has letters, * and -", wrong);
        record.sequence.push(symbols);
      }
    }
  if (record !== undefined) throw fault(last, "the input ends within a record: // is missing");
}

interface TextLine {
  readonly text: string;
  readonly line: number;
}

/** Lines without their line feed, and without the carriage return before it, as many as each chunk ends. Invalid UTF-8 and NUL are refused. */
async function* linesOf(
  input: TableInput,
  o: OpenTableOptions,
  limits: Limits,
): AsyncGenerator<Iterable<TextLine>, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  const text = (bytes: Uint8Array): string => {
    if (bytes.length === 0) return "";
    let decoded: string;
    try {
      decoded = decoder.decode(bytes);
    } catch {
      throw new FormatError("CORRUPT", { file: o.name, line, rule: "invalid UTF-8" });
    }
    if (decoded.includes("\0")) throw new FormatError("CORRUPT", { file: o.name, line, rule: "a NUL byte" });
    return decoded.endsWith("\r") ? decoded.slice(0, -1) : decoded;
  };
  function* ended(chunk: Uint8Array): Generator<TextLine, void, undefined> {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const bytes = chunk.subarray(from, end);
      yield { text: text(rest.length === 0 ? bytes : joined([...rest, bytes])), line };
      if (rest.length > 0) rest = [];
      held = 0;
      line++;
      from = end + 1;
    }
    if (from === chunk.length) return;
    // A copy: whoever gives the chunk may fill it again.
    rest.push(chunk.slice(from));
    held += chunk.length - from;
    if (held > limits.maxFieldBytes) {
      const rule = `a line is longer than ${limits.maxFieldBytes} bytes`;
      throw new FormatError("TOO_LARGE", { file: o.name, line, rule });
    }
  }
  for await (const chunk of bytesOf(input, o.signal)) yield ended(chunk);
  if (rest.length > 0) yield [{ text: text(joined(rest)), line }];
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
