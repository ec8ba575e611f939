import { readBatches } from "@usr/parquet";
import type { Column, Field } from "@usr/schema";
import { concatColumns } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import type { PayloadOptions, PayloadReader, Piece } from "./payload-reader.ts";
import { type Room, sortedReader } from "./sorted-payload.ts";
import { asRegistered } from "./tombstones.ts";
import type { Part, PartRows } from "./types.ts";

/** Makes readers of the columns of one part. */
export type PayloadReaders = (rows: PartRows, field: Field) => PayloadReader;

/** What the readers of one merge share. */
export interface PayloadLimits extends Signal {
  readonly room: Room;
  readonly smallPartBytes: number;
}

/**
 * Readers of `fields` of a part. A column is read along with the base where the part is in base order, and otherwise sorted in the room that
 * there is. Small parts have all columns decoded at once and kept: a thousand of them with twenty columns are a thousand reads.
 */
export function payloadReaders(part: Part, fields: readonly Field[], limits: PayloadLimits): PayloadReaders {
  const { room, signal } = limits;
  const bytes = part.file.rowGroups.reduce((sum, { byteSize }) => sum + byteSize, 0);
  if (bytes <= limits.smallPartBytes) return wholeReaders(part, fields, limits);
  return (rows, { name, type }) => {
    const options = { column: name, type, signal };
    return rows.forward || rows.part === undefined
      ? forwardReader(part, rows, options)
      : sortedReader(part, rows.part, room, options);
  };
}

/** The row of the part that an entry speaks of. */
function partRow({ part }: PartRows, entry: number): number {
  return part === undefined ? entry : part[entry]!;
}

function wholeReaders({ file }: Part, fields: readonly Field[], o: Signal): PayloadReaders {
  const held = fields.filter(({ name }) => file.schema.fields.some((field) => field.name === name));
  let loading: Promise<ReadonlyMap<string, readonly Piece[]>> | undefined;
  const load = async (): Promise<ReadonlyMap<string, readonly Piece[]>> => {
    const columns = new Map<string, Column[]>(held.map(({ name }) => [name, []]));
    for await (const batch of readBatches(file, { columns: held.map(({ name }) => name), signal: o.signal }))
      for (const [i, { name, type }] of held.entries()) columns.get(name)!.push(asRegistered(batch.columns[i]!, type));
    // One piece, so that rows may be asked for in any order.
    return new Map(held.map(({ name, type }) => [name, [{ at: 0, column: concatColumns(type, columns.get(name)!) }]]));
  };
  return (rows, { name }) => ({
    pieces: async () => {
      loading ??= load();
      return (await loading).get(name)!;
    },
    position: (i) => partRow(rows, i),
    close: async () => {
      loading = undefined;
    },
  });
}

/** For one entry at least. Keeps the decoded batches that the last request touched, one as a rule. Row groups that no request touches are not decoded. */
function forwardReader({ file }: Part, rows: PartRows, o: PayloadOptions): PayloadReader {
  const stop = partRow(rows, rows.count - 1) + 1;
  let source: AsyncIterator<{ readonly columns: readonly Column[] }> | undefined;
  let held: Piece[] = [];
  /** The part row that the source gives next. */
  let next = 0;

  const close = async (): Promise<void> => {
    const open = source;
    source = undefined;
    await open?.return?.();
  };
  const startAt = async (row: number): Promise<void> => {
    await close();
    source = readBatches(file, { columns: [o.column], start: row, end: stop, signal: o.signal })[
      Symbol.asyncIterator
    ]();
    next = row;
  };
  /** Whether a whole row group lies between two rows, so that jumping over it saves decoding. */
  const skips = (from: number, to: number): boolean =>
    to > from && file.rowGroups.some((group) => group.startRow >= from && group.startRow + group.numRows <= to);

  return {
    pieces: async (from, to) => {
      const low = partRow(rows, from);
      const high = partRow(rows, to - 1) + 1;
      if (held.length > 0 && low < held[0]!.at) {
        held = [];
        await startAt(low);
      }
      held = held.filter((piece) => piece.at + piece.column.length > low);
      while (held.length === 0 || endOf(held.at(-1)!) < high) {
        const wanted = held.length === 0 ? low : endOf(held.at(-1)!);
        if (source === undefined || skips(next, wanted)) await startAt(wanted);
        const result = await source!.next();
        if (result.done === true)
          throw new RangeError(`${file.source.meta.path ?? "A part"} ended before row ${high}.`);
        const column = result.value.columns[0]!;
        if (next + column.length > low) held.push({ at: next, column: asRegistered(column, o.type) });
        next += column.length;
      }
      return held;
    },
    position: (i) => partRow(rows, i),
    close,
  };
}

function endOf(piece: Piece): number {
  return piece.at + piece.column.length;
}
