import { PLACES } from "@usr/dataset/sync";
import { tailEvents } from "@usr/events";
import { openParquet, type ParquetFile, readBatches } from "@usr/parquet";
import type { Batch, Column, Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import type { ReadHandle, Signal } from "@usr/storage";
import { type LogDiff, writesBase } from "./logs.ts";
import { prevails } from "./plan-types.ts";
import type { Decoding, Site, SiteFile } from "./types.ts";
import { whyUnreadable, withinLimits } from "./unreadable.ts";

/**
 * What becomes of the target's base. `prefix` = so many bytes of the target's base are the source's, byte by byte. `ahead`: the target has
 * what the source has, and more.
 */
export type BasePlan =
  | { readonly kind: "same" | "ahead" | "copy" }
  | { readonly kind: "extend"; readonly prefix: number }
  /** `keepsRows`: every row of the target stays as it is. */
  | { readonly kind: "replace"; readonly prefix: number; readonly keepsRows: boolean }
  | { readonly kind: "diverged"; readonly prefix: number; readonly message: string }
  /** The source's base is damaged. */
  | { readonly kind: "unreadable"; readonly message: string };

/** One site's base. */
export interface BaseSide {
  readonly site: Site;
  readonly dataset: string;
  readonly file: SiteFile | undefined;
}

/**
 * Whether the source's base follows from the target's. It does where every row group of the target is there byte by byte, and where only the
 * source's log has work on the base that the target's lacks and the target's base is as that log left it. Failing both, the rows are compared.
 *
 * @param near the side whose files are cheap to read; its log is asked whether anybody wrote the base without an event
 */
export const planBase = async (
  source: BaseSide,
  target: BaseSide,
  logs: LogDiff,
  near: BaseSide,
  o: Decoding = {},
): Promise<BasePlan> => {
  if (source.file === undefined) return { kind: "ahead" };
  if (target.file === undefined) {
    await requireLimits(source.site, source.dataset, PLACES.base, o);
    return { kind: "copy" };
  }
  await using from = await source.site.storage.open(pathOf(source), o);
  await using to = await target.site.storage.open(pathOf(target), o);
  if (from === undefined || to === undefined) return { kind: "same" };
  const [theirs, ours] = [await opened(from, o), await opened(to, o)];
  if (typeof theirs === "string") return { kind: "unreadable", message: theirs };
  if (typeof ours === "string") return { kind: "diverged", prefix: 0, message: ours };
  const groups = await sharedGroups(source, theirs, target, ours, o);
  const prefix = boundaries(ours)[groups] ?? 0;
  const sameShape = shapeOf(theirs) === shapeOf(ours);
  const order = byDigest(source.file, target.file);
  if (sameShape && groups === ours.rowGroups.length && groups > 0) {
    if (theirs.rowGroups.length > groups) return { kind: "extend", prefix };
    const told = byEvents(logs);
    if (told === undefined) return order(prefix);
    return told === "target" ? { kind: "ahead" } : { kind: "replace", prefix, keepsRows: true };
  }
  if (sameShape && groups === theirs.rowGroups.length && groups > 0) return { kind: "ahead" };
  const told = byEvents(logs);
  if (told === "target" && (await isLogged(near, theirs, source.file, o))) return { kind: "ahead" };
  if (told === "source" && (await isLogged(near, ours, target.file, o)))
    return { kind: "replace", prefix, keepsRows: false };
  if (
    sameShape &&
    (await withinLimits(PLACES.base, () => shareRows(theirs, ours, ours.rowGroups[groups]?.startRow ?? 0, o)))
  ) {
    if (theirs.numRows > ours.numRows) return { kind: "extend", prefix };
    return theirs.numRows < ours.numRows ? { kind: "ahead" } : order(prefix);
  }
  return { kind: "diverged", prefix, message: divergence(logs, theirs, ours) };
};

/**
 * Holds a file of a site against the limits by its footer, before it is brought to where readers decode it. Throws RemoteError `TOO_LARGE`;
 * other faults are for whoever reads it.
 */
export const requireLimits = async (site: Site, dataset: string, path: string, o: Decoding): Promise<void> => {
  await using handle = await site.storage.open(`${dataset}/${path}`, o);
  if (handle === undefined) return;
  try {
    await withinLimits(path, () => openParquet(handle, o));
  } catch (error) {
    if (whyUnreadable(error) === undefined) throw error;
  }
};

/** The file, or why it cannot be read. */
const opened = async (handle: ReadHandle, o: Decoding): Promise<ParquetFile | string> => {
  try {
    return await withinLimits(PLACES.base, () => openParquet(handle, o));
  } catch (error) {
    const reason = whyUnreadable(error);
    if (reason === undefined) throw error;
    return reason;
  }
};

const pathOf = ({ dataset }: BaseSide): string => `${dataset}/${PLACES.base}`;

/** Which of two bases with the same rows stands. */
const byDigest =
  (source: SiteFile, target: SiteFile) =>
  (prefix: number): BasePlan =>
    prevails(source, target) ? { kind: "replace", prefix, keepsRows: true } : { kind: "ahead" };

/** The side that alone has written the base since both logs were equal. */
const byEvents = (logs: LogDiff): "source" | "target" | undefined => {
  const there = logs.onlySource.some(writesBase);
  const here = logs.onlyTarget.some(writesBase);
  if (there === here) return undefined;
  return there ? "source" : "target";
};

const shapeOf = ({ schema }: ParquetFile): string =>
  JSON.stringify(schema.fields.map(({ name, type }) => [name, type]));

/** Where the row groups begin and end: groups lie one after the other, behind four bytes of magic. */
const boundaries = ({ rowGroups }: ParquetFile): readonly number[] => {
  const ends = [4];
  for (const { byteSize } of rowGroups) ends.push(ends.at(-1)! + byteSize);
  return ends;
};

/** How many leading row groups are the same bytes on both sides. */
const sharedGroups = async (
  source: BaseSide,
  theirs: ParquetFile,
  target: BaseSide,
  ours: ParquetFile,
  o: Signal,
): Promise<number> => {
  const [a, b] = [boundaries(theirs), boundaries(ours)];
  let alike = 0;
  while (alike + 1 < Math.min(a.length, b.length) && a[alike + 1] === b[alike + 1]) alike++;
  if (alike === 0) return 0;
  const ranges = Array.from({ length: alike }, (_, at) => ({
    offset: at === 0 ? 0 : a[at]!,
    length: a[at + 1]! - (at === 0 ? 0 : a[at]!),
  }));
  const [there, here] = await Promise.all([
    source.site.digestRanges(pathOf(source), ranges, o),
    target.site.digestRanges(pathOf(target), ranges, o),
  ]);
  if (there === undefined || here === undefined) return 0;
  const differs = there.findIndex((digest, at) => digest !== here[at]);
  return differs < 0 ? alike : differs;
};

/** Whether some event describes the base as it is: then nobody has written it without saying so. */
const isLogged = async (near: BaseSide, file: ParquetFile, { size }: SiteFile, o: Signal): Promise<boolean> => {
  for await (const line of tailEvents(near.site.storage, `${near.dataset}/${PLACES.events}`, o)) {
    if (line.kind !== "event") continue;
    const { rows, size_bytes } = line.event.fingerprint;
    if (rows === file.numRows && size_bytes === size) return true;
  }
  return false;
};

/** Whether the rows from `start` on are the same, as far as both files go. Holds a batch of each. */
const shareRows = async (a: ParquetFile, b: ParquetFile, start: number, o: Signal): Promise<boolean> => {
  if (a.unsupported.size > 0 || b.unsupported.size > 0) return false;
  const end = Math.min(a.numRows, b.numRows);
  const [rowsA, rowsB] = [rowsOf(a, start, end, o), rowsOf(b, start, end, o)];
  for await (const row of rowsA) {
    const other = await rowsB.next();
    if (other.done === true || other.value !== row) return false;
  }
  return true;
};

async function* rowsOf(file: ParquetFile, start: number, end: number, o: Signal): AsyncGenerator<string> {
  if (end <= start) return;
  for await (const batch of readBatches(file, { start, end, signal: o.signal })) yield* texts(batch);
}

function* texts({ columns, numRows }: Batch): Generator<string> {
  for (let row = 0; row < numRows; row++)
    yield JSON.stringify(
      columns.map((column) => cell(column, row)),
      plain,
    );
}

const cell = (column: Column, row: number): Value => valueAt(column, row);

/** JSON knows neither int64 nor NaN, and minus zero only as zero. */
const plain = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" || (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
    ? `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`
    : value;

const divergence = (logs: LogDiff, theirs: ParquetFile, ours: ParquetFile): string => {
  const [there, here] = [logs.onlySource.filter(writesBase), logs.onlyTarget.filter(writesBase)];
  const names = (lines: typeof there): string => [...new Set(lines.map(({ event }) => event?.action))].join(", ");
  if (there.length > 0 && here.length > 0)
    return `both sides have written the base since they were equal (there: ${names(there)}; here: ${names(here)})`;
  return `the bases differ (${theirs.numRows} rows there, ${ours.numRows} here) and no event says which follows from which`;
};
