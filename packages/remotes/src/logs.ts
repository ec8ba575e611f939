import { PLACES } from "@usr/dataset/sync";
import type { LoggedEvent } from "@usr/events";
import { compareLogs, type LogLine, linesNotIn } from "@usr/events/merge";
import type { ReadHandle, Signal } from "@usr/storage";
import { bytesOf } from "./storage-site.ts";
import type { ByteRange, Site, SiteFile } from "./types.ts";

/** What each of two logs has and the other lacks. */
export interface LogDiff {
  readonly onlySource: readonly LogLine[];
  readonly onlyTarget: readonly LogLine[];
  /** Lines that both have under one `event_id`, in other words: damage, or somebody's edit. No transfer mends them. */
  readonly altered: readonly LogLine[];
}

/** Events of transfers say what a site did. They travel with the next change and make none by themselves, or two sites would never be equal. */
const TRANSFERS: ReadonlySet<string> = new Set(["pull", "push", "pull_file", "push_file"]);

const isTransfer = ({ event }: LogLine): boolean => event !== undefined && TRANSFERS.has(event.action);

/** How many of these lines are about anything but transfers. */
export const saidBy = (lines: readonly LogLine[]): number => lines.filter((line) => !isTransfer(line)).length;

const PIECE = 2 ** 20;

/** Lines as the bytes of a log, piece by piece: together they may be longer than a text can be. */
export async function* bytesOfLines(lines: readonly LogLine[]): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  let held: string[] = [];
  let size = 0;
  for (const { text } of lines) {
    held.push(text, "\n");
    size += text.length;
    if (size < PIECE) continue;
    yield encoder.encode(held.join(""));
    held = [];
    size = 0;
  }
  if (held.length > 0) yield encoder.encode(held.join(""));
}

/** One site's log of a dataset. */
export interface LogSide {
  readonly site: Site;
  readonly dataset: string;
  readonly file: SiteFile | undefined;
  /** Files under `.events.archive/`: lines that were moved out of the log. */
  readonly archives?: readonly SiteFile[] | undefined;
}

/** The lines that a side has not had either: what was moved out of its log is not brought back into it. */
const unknownTo = async (
  { site, dataset, archives = [] }: LogSide,
  lines: readonly LogLine[],
  o: Signal,
): Promise<readonly LogLine[]> => {
  let left = lines;
  for (const { path } of archives) {
    if (left.length === 0) break;
    await using handle = await site.storage.open(`${dataset}/${path}`, o);
    if (handle !== undefined) left = await linesNotIn(left, { handle, start: 0 }, o);
  }
  return left;
};

/**
 * Compares two logs. What both begin with is told by digests of a few ranges, so that only the rest is read: a log that only grew costs its
 * growth. Lines that both sides added in another order count as the rest.
 */
export const diffLogs = async (source: LogSide, target: LogSide, o: Signal = {}): Promise<LogDiff> => {
  const [a, b] = [source.file, target.file];
  if (a !== undefined && b !== undefined && a.sha256 !== undefined && a.sha256 === b.sha256)
    return { onlySource: [], onlyTarget: [], altered: [] };
  const shared =
    a === undefined || b === undefined ? 0 : await sharedPrefix(source, target, Math.min(a.size, b.size), o);
  await using readA = await openLog(source, o);
  await using readB = await openLog(target, o);
  const start = readA === undefined || readB === undefined ? 0 : await lineStart(readB, shared, o);
  const { onlyA, onlyB, altered } = await compareLogs(
    readA && { handle: readA, start },
    readB && { handle: readB, start },
    o,
  );
  return {
    onlySource: await unknownTo(target, onlyA, o),
    onlyTarget: await unknownTo(source, onlyB, o),
    altered,
  };
};

const openLog = async ({ site, dataset, file }: LogSide, o: Signal): Promise<ReadHandle | undefined> =>
  file === undefined ? undefined : await site.storage.open(`${dataset}/${PLACES.events}`, o);

const NEWLINE = 10;

/** The distance between two cuts doubles with their distance from the end of the shorter log: changes are mostly there. */
const FIRST_CUT = 4096;

const cutsOf = (size: number): readonly ByteRange[] => {
  const cuts: number[] = [size];
  for (let back = FIRST_CUT; back < size; back *= 2) cuts.push(size - back);
  const ascending = cuts.reverse();
  return ascending.map((end, at) => {
    const offset = at === 0 ? 0 : ascending[at - 1]!;
    return { offset, length: end - offset };
  });
};

/** How many bytes both logs are known to begin with. */
const sharedPrefix = async (source: LogSide, target: LogSide, size: number, o: Signal): Promise<number> => {
  if (size === 0) return 0;
  const ranges = cutsOf(size);
  const ask = ({ site, dataset }: LogSide): Promise<readonly string[] | undefined> =>
    site.digestRanges(`${dataset}/${PLACES.events}`, ranges, o);
  const [a, b] = await Promise.all([ask(source), ask(target)]);
  if (a === undefined || b === undefined) return 0;
  const differs = ranges.findIndex((_, at) => a[at] !== b[at]);
  return differs < 0 ? size : ranges[differs]!.offset;
};

/** The start of the line that the byte before `at` ends or belongs to: `at` itself where a newline precedes it. */
const lineStart = async (log: ReadHandle, at: number, o: Signal): Promise<number> => {
  const CHUNK = 4096;
  for (let end = at; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const newline = (await log.read(start, end - start, o)).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
};

/** How many lines both logs have. One of them is read, the `near` one; the other follows from the difference. */
export const countLines = async (
  near: LogSide,
  onlyNear: number,
  onlyFar: number,
  o: Signal = {},
): Promise<{ readonly near: number; readonly far: number }> => {
  await using log = await openLog(near, o);
  let lines = 0;
  if (log !== undefined) {
    for await (const chunk of bytesOf(log, 0, log.meta.size, o))
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  }
  return { near: lines, far: lines - onlyNear + onlyFar };
};

/** Actions that write the base. A stamp of the registry is one. */
const BASE_ACTIONS: ReadonlySet<string> = new Set([
  "init",
  "import_rows",
  "materialize",
  "dedupe",
  "merge_datasets",
  "snapshot_restore",
  "registry_freeze",
]);

/** Whether an event may have written the base. */
export const writesBase = ({ event }: LogLine): boolean => event !== undefined && BASE_ACTIONS.has(event.action);

const RECORD_ACTIONS: Readonly<Record<string, string>> = {
  tombstone: "usr",
  restore: "usr",
  state_set: "usr_state",
  state_clear: "usr_state",
};

/** Whether an event may have written an overlay file of that namespace. */
export const writesOverlay = (namespace: string, { event }: LogLine): boolean => {
  if (event === undefined) return false;
  const own = RECORD_ACTIONS[event.action];
  if (own !== undefined) return own === namespace;
  const { namespaces } = event.args;
  return namespaceOf(event) === namespace || (Array.isArray(namespaces) && namespaces.includes(namespace));
};

/** Whether an event may have written parts of that namespace anew where they lie: the rare work that does. */
export const rewritesParts = (namespace: string, line: LogLine): boolean =>
  line.event?.action === "refresh_overlay_metadata"
    ? writesOverlay(namespace, line)
    : line.event?.args["prune_overlays"] === true;

const namespaceOf = ({ args, artifacts }: LoggedEvent): unknown => {
  if (args["namespace"] !== undefined) return args["namespace"];
  const overlay = artifacts["overlay"];
  return typeof overlay === "object" && overlay !== null && "namespace" in overlay ? overlay["namespace"] : undefined;
};
