import type { ChunkRef, ParquetFile, RowGroup } from "@usr/parquet";
import { openParquet, readBatches } from "@usr/parquet";
import { byteSize, type Column, type Field } from "@usr/schema";
import { concatColumns, gatherColumns, nullColumn, sliceColumn } from "@usr/schema/columns";
import type { ReadHandle } from "@usr/storage";
import { ROW_GROUP_ROWS } from "../base/row-groups.ts";
import { KEY_TYPE } from "../key-type.ts";
import type { Staged } from "../types.ts";
import type { BaseKeys } from "./base-keys.ts";
import { type NextGroup, nextGroup } from "./part-groups.ts";

/** Consecutive input rows that found their base row; at least one. */
export interface PlacedRows {
  /** The base row of each. */
  readonly base: Int32Array;
  /** Normalised; absent = the ids of the base rows. */
  readonly key: Column | undefined;
  /** By full name; a jsonl key seen late is absent from earlier rows: its cells there are missing. */
  readonly columns: ReadonlyMap<string, Column>;
}

/** Where a part is staged. */
export interface PartTarget {
  /** Stages a file of the key column and `fields`. */
  stage(fields: readonly Field[], groups: AsyncIterable<RowGroup>): Promise<Staged>;
  open(staged: Staged): Promise<ReadHandle>;
  /** Removes a staged file that is not needed any more. */
  drop(staged: Staged): Promise<void>;
}

interface Layout {
  /** The columns met so far, in registry order. */
  readonly fields: () => readonly Field[];
  /** Rows of the base. */
  readonly numRows: number;
  /** Where absent keys are taken from; known by the time that one is. */
  readonly keys?: (() => BaseKeys | undefined) | undefined;
  readonly sizes?: Sizes | undefined;
}

export interface Sizes {
  readonly groupRows: number;
  /** Wide rows make smaller row groups, so that a reader holds few bytes at a time. */
  readonly groupBytes: number;
  /** Rows in another order than the base's are sorted this many bytes at a time. */
  readonly runBytes: number;
}

const SIZES: Sizes = { groupRows: ROW_GROUP_ROWS, groupBytes: 8 * 1024 * 1024, runBytes: 64 * 1024 * 1024 };
/** Rows of a run: sorting takes another 24 bytes for each. */
const RUN_ROWS = 2 ** 21;

/**
 * Stages rows in base order. Rows that come in base order are written as they come; others are sorted in memory as far as they fit into a
 * run, and beyond that staged run by run and merged in a second pass. `atEnd` is called when all rows were read, before they are merged, and
 * may refuse them all. Memory: a run (64 MiB) or a row group (8 MiB and an input batch), and 4 bytes a row and a base row for the merge.
 * Without a target the rows are only read.
 */
export const stageInBaseOrder = async (
  rows: AsyncIterable<PlacedRows>,
  layout: Layout,
  target: PartTarget | undefined,
  atEnd: () => void,
): Promise<Staged | undefined> => {
  if (target === undefined) {
    for await (const _ of rows);
    atEnd();
    return undefined;
  }
  const files = await stageRuns(rows, layout, target);
  atEnd();
  const [only] = files;
  if (only === undefined) return undefined;
  if (files.length === 1 && only.fields.length === layout.fields().length && chained(only.bases).length === 1)
    return only.staged;
  const handles: ReadHandle[] = [];
  try {
    for (const { staged } of files) handles.push(await target.open(staged));
    return await target.stage(layout.fields(), mergedGroups(files, handles, layout));
  } finally {
    for (const handle of handles) await handle[Symbol.asyncDispose]();
    for (const { staged } of files) await target.drop(staged);
  }
};

const stageRuns = async (
  rows: AsyncIterable<PlacedRows>,
  layout: Layout,
  target: PartTarget,
): Promise<readonly StagedRuns[]> => {
  const runs = runsOf(rows, layout);
  const files: StagedRuns[] = [];
  try {
    let next = await runs.next();
    while (next.done !== true) {
      const { fields } = next.value;
      const bases: Int32Array[] = [];
      async function* groups(): AsyncGenerator<RowGroup, void, undefined> {
        // The columns of jsonl are known at its end: a new one needs a file of its own.
        while (next.done !== true && next.value.fields.length === fields.length) {
          bases.push(next.value.base);
          yield* next.value.groups;
          next = await runs.next();
        }
      }
      files.push({ fields, staged: await target.stage(fields, groups()), bases });
    }
  } finally {
    await runs.return();
  }
  return files;
};

/** Runs of rows in base order, in one file. */
interface StagedRuns {
  readonly fields: readonly Field[];
  readonly staged: Staged;
  readonly bases: readonly Int32Array[];
}

/** Rows in base order. */
interface Run {
  readonly fields: readonly Field[];
  readonly base: Int32Array;
  readonly groups: AsyncIterable<RowGroup>;
}

async function* runsOf(rows: AsyncIterable<PlacedRows>, layout: Layout): AsyncGenerator<Run, void, undefined> {
  const sizes = layout.sizes ?? SIZES;
  let held: PlacedRows[] = [];
  let count = 0;
  let bytes = 0;
  let last = -1;
  let sorted = true;
  const keys = (): BaseKeys | undefined => layout.keys?.();
  const fit = (): number => groupRows(bytes / count, sizes.groupBytes, sizes);
  const next = (): NextGroup =>
    nextGroup(joined(held.map(({ base }) => base)), 0, { size: sizes.groupRows, fit: fit() }, keys());
  const take = (end: number): Run => {
    const taken: PlacedRows[] = [];
    const rest: PlacedRows[] = [];
    let missing = end;
    for (const piece of held) {
      const n = Math.min(missing, piece.base.length);
      if (n > 0) taken.push(slice(piece, 0, n));
      if (n < piece.base.length) rest.push(slice(piece, n, piece.base.length));
      missing -= n;
    }
    const fields = layout.fields();
    const run = sorted ? inOrder(fields, taken, keys()) : sortedRun(fields, taken, keys(), fit());
    held = rest;
    bytes -= (bytes * end) / count;
    count -= end;
    if (count === 0) sorted = true;
    return run;
  };
  for await (const piece of rows) {
    if (count === 0) last = -1;
    if (!ascends(piece.base, last)) sorted = false;
    last = piece.base.at(-1)!;
    held.push(piece);
    count += piece.base.length;
    bytes += piece.base.byteLength + (piece.key === undefined ? 0 : byteSize(piece.key));
    for (const column of piece.columns.values()) bytes += byteSize(column);
    while (sorted && count > 0) {
      const { rows, settled } = next();
      if (!settled) break;
      yield take(rows);
    }
    if (
      count > 0 &&
      (sorted ? bytes >= sizes.groupBytes : bytes >= sizes.runBytes || count >= RUN_ROWS - ROW_GROUP_ROWS)
    )
      yield take(count);
  }
  while (count > 0) yield take(sorted ? next().rows : count);
}

const ascends = (base: Int32Array, after: number): boolean => {
  for (let i = 0, last = after; i < base.length; i++) {
    if (base[i]! <= last) return false;
    last = base[i]!;
  }
  return true;
};

const slice = (piece: PlacedRows, start: number, end: number): PlacedRows =>
  start === 0 && end === piece.base.length
    ? piece
    : {
        base: piece.base.subarray(start, end),
        key: piece.key && sliceColumn(piece.key, start, end),
        columns: new Map([...piece.columns].map(([name, column]) => [name, sliceColumn(column, start, end)])),
      };

/** The cells of a field in each piece. */
const cellsOf = (pieces: readonly PlacedRows[], field: Field): readonly Column[] =>
  pieces.map(({ base, columns }) => columns.get(field.name) ?? nullColumn(field.type, base.length));

/** The keys of each piece; `undefined` where one has none, and all of them are to be taken from the base. */
const keysOf = (pieces: readonly PlacedRows[]): readonly Column[] | undefined => {
  const keys = pieces.flatMap(({ key }) => key ?? []);
  return keys.length === pieces.length ? keys : undefined;
};

const inOrder = (fields: readonly Field[], pieces: readonly PlacedRows[], keys: BaseKeys | undefined): Run => {
  const base = joined(pieces.map((piece) => piece.base));
  const own = keysOf(pieces);
  async function* groups(): AsyncGenerator<RowGroup, void, undefined> {
    const key = own === undefined ? await fromBase(keys, base) : concatColumns(KEY_TYPE, own);
    yield {
      numRows: base.length,
      columns: [key, ...fields.map((field) => concatColumns(field.type, cellsOf(pieces, field)))],
    };
  }
  return { fields, base, groups: groups() };
};

const sortedRun = (
  fields: readonly Field[],
  pieces: readonly PlacedRows[],
  keys: BaseKeys | undefined,
  size: number,
): Run => {
  const unsorted = joined(pieces.map((piece) => piece.base));
  const order = sortedOrder(unsorted);
  const base = picked(unsorted, order);
  const sources = joined(pieces.map((piece, p) => new Int32Array(piece.base.length).fill(p)));
  const rows = joined(pieces.map((piece) => upTo(piece.base.length)));
  const own = keysOf(pieces);
  const cells = fields.map((field) => cellsOf(pieces, field));
  async function* groups(): AsyncGenerator<RowGroup, void, undefined> {
    for (let start = 0; start < order.length; ) {
      const end = start + nextGroup(base, start, { size, fit: size }, own === undefined ? keys : undefined).rows;
      const chosen = order.subarray(start, end);
      const source = picked(sources, chosen);
      const row = picked(rows, chosen);
      const key =
        own === undefined ? await fromBase(keys, base.subarray(start, end)) : gatherColumns(KEY_TYPE, own, source, row);
      yield {
        numRows: chosen.length,
        columns: [key, ...fields.map(({ type }, i) => gatherColumns(type, cells[i]!, source, row))],
      };
      start = end;
    }
  }
  return { fields, base, groups: groups() };
};

const fromBase = (keys: BaseKeys | undefined, rows: Int32Array): Promise<Column | ChunkRef> => {
  if (keys === undefined) throw new RangeError("Rows without keys need a base to take them from.");
  return keys.of(rows);
};

/** How many rows of so many bytes each make a row group of `bytes`. */
const groupRows = (rowBytes: number, bytes: number, sizes: Sizes): number =>
  Math.max(1, Math.min(sizes.groupRows, Math.floor(bytes / rowBytes)));

/** Bits of a value that are sorted by at a time. */
const DIGIT = 11;

/** The places of the values, smallest value first; those of equal values stay in order. Linear. */
const sortedOrder = (values: Int32Array): Int32Array => {
  let order = upTo(values.length);
  let sorted: Int32Array = new Int32Array(values.length);
  let highest = 0;
  for (const value of values) highest |= value;
  for (let shift = 0; shift < 32 && highest >>> shift > 0; shift += DIGIT) {
    const next = new Int32Array(2 ** DIGIT + 1);
    for (const value of values) next[((value >>> shift) & (2 ** DIGIT - 1)) + 1]!++;
    for (let digit = 1; digit < next.length; digit++) next[digit]! += next[digit - 1]!;
    for (const at of order) sorted[next[(values[at]! >>> shift) & (2 ** DIGIT - 1)]!++] = at;
    [order, sorted] = [sorted, order];
  }
  return order;
};

const upTo = (count: number): Int32Array => {
  const all = new Int32Array(count);
  for (let i = 0; i < count; i++) all[i] = i;
  return all;
};

/** The values at some places. */
const picked = (values: Int32Array, places: Int32Array): Int32Array => {
  const out = new Int32Array(places.length);
  for (let i = 0; i < out.length; i++) out[i] = values[places[i]!]!;
  return out;
};

const joined = (pieces: readonly Int32Array[]): Int32Array => {
  if (pieces.length === 1) return pieces[0]!;
  const all = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

/** Neighbouring runs that are one. */
const chained = (runs: readonly Int32Array[]): readonly Int32Array[] => {
  const chains: Int32Array[][] = [];
  for (const run of runs) {
    const chain = chains.at(-1);
    if (chain !== undefined && chain.at(-1)!.at(-1)! < run[0]!) chain.push(run);
    else chains.push([run]);
  }
  return chains.map(joined);
};

/** Some rows of a staged file, in base order. */
interface OpenRun {
  readonly file: ParquetFile;
  /** The row of the file that `base[0]` is. */
  readonly start: number;
  readonly base: Int32Array;
  /** The entries before were merged. */
  next: number;
}

/** All runs as one. Each group takes neighbouring rows of every run. */
async function* mergedGroups(
  files: readonly StagedRuns[],
  handles: readonly ReadHandle[],
  { fields, numRows, keys, sizes = SIZES }: Layout,
): AsyncGenerator<RowGroup, void, undefined> {
  const runs: OpenRun[] = [];
  let bytes = 0;
  for (const [i, { bases }] of files.entries()) {
    const file = await openParquet(handles[i]!);
    for (const { byteSize } of file.rowGroups) bytes += byteSize;
    let start = 0;
    for (const base of chained(bases)) {
      runs.push({ file, start, base, next: 0 });
      start += base.length;
    }
  }
  const all = fields();
  const total = runs.reduce((sum, { base }) => sum + base.length, 0);
  const wanted = new Uint8Array(numRows);
  for (const { base } of runs) for (const row of base) wanted[row] = 1;
  // A run's worth at a time: every run is entered once for each.
  const size = groupRows(bytes / total, sizes.runBytes, sizes);
  const rowsOut = groupRows(bytes / total, sizes.groupBytes, sizes);
  const base = keys?.();
  for (let from = 0; from < numRows; ) {
    let until = from;
    for (let left = size; until < numRows && left > 0; until++) left -= wanted[until]!;
    // As far as a group of the base goes whose keys need not be encoded.
    const started = base?.starts.findLast((start) => start < until) ?? until;
    until = Math.max(until, Math.min(base?.groupEnd(started) ?? until, started + rowsOut));
    yield* mergedGroup(runs, all, base, until, rowsOut);
    from = until;
  }
}

/** The rows before base row `until` that were not merged yet. */
async function* mergedGroup(
  runs: readonly OpenRun[],
  fields: readonly Field[],
  keys: BaseKeys | undefined,
  until: number,
  size: number,
): AsyncGenerator<RowGroup, void, undefined> {
  const pieces: PlacedRows[] = [];
  for (const run of runs) {
    const first = run.next;
    while (run.next < run.base.length && run.base[run.next]! < until) run.next++;
    if (run.next === first) continue;
    let at = first;
    const [keyed, ...named] = run.file.columnNames;
    const columns = keys === undefined || named.length === 0 ? [keyed!, ...named] : named;
    for await (const batch of readBatches(run.file, { columns, start: run.start + first, end: run.start + run.next })) {
      const cells = new Map(batch.schema.fields.map(({ name }, i) => [name, batch.columns[i]!]));
      const key = keys === undefined ? batch.columns[0] : undefined;
      pieces.push({ base: run.base.subarray(at, at + batch.numRows), key, columns: cells });
      at += batch.numRows;
    }
  }
  if (pieces.length > 0) yield* sortedRun(fields, pieces, keys, size).groups;
}
