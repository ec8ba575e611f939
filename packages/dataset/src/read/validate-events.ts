import { decodeEvents, type LoggedEvent } from "@usr/events";
import type { Part } from "@usr/overlay";
import { type Signal, scopedStorage } from "@usr/storage";
import { DERIVED_DIR, EVENTS_ARCHIVE, EVENTS_LOG, inDataset } from "../layout.ts";
import type { Root } from "../types.ts";
import { type Findings, place } from "./findings.ts";
import { listAll } from "./objects.ts";

const CHUNK = 4 << 20;

/**
 * Reads the event log in pieces of whole lines; gives how many events it holds. Lines that are none are warnings: the data stands without them.
 * Parts and events are held against each other: a part names an event of the log or of an archive of it, and what the log says was
 * written is there, unless a later event may have taken it away.
 */
export async function checkEvents(
  root: Root,
  id: string,
  parts: readonly Part[],
  findings: Findings,
  o: Signal,
): Promise<number> {
  const path = inDataset(id, EVENTS_LOG);
  const unlogged = new Map<string, string[]>();
  for (const { eventId, path: part } of parts)
    if (eventId !== undefined) unlogged.set(eventId, [...(unlogged.get(eventId) ?? []), part]);
  const written = new Map<string, number>();
  let count = 0;
  const meet = (event: LoggedEvent): void => {
    if (event.event_id !== undefined) unlogged.delete(event.event_id);
  };
  for await (const event of eventsAt(root, path, findings, o)) {
    count++;
    meet(event);
    if (TAKES_AWAY.has(event.action)) written.clear();
    const part = partOf(event);
    if (part !== undefined) written.set(part, count);
  }
  if (unlogged.size > 0) {
    const archives = scopedStorage(root.storage, id);
    for (const archive of await listAll(archives, EVENTS_ARCHIVE, o))
      for await (const event of eventsAt(root, inDataset(id, archive.path), undefined, o)) meet(event);
  }
  for (const part of [...unlogged.values()].flat()) {
    findings.add({
      severity: "error",
      code: "MISSING_EVENT",
      message: "The log has no event of this file.",
      where: inDataset(id, part),
      hint: "Have the event appended with: usr doctor DATASET --repair",
      kind: `${id} missing events`,
    });
  }
  const there = new Set(
    written.size === 0 ? [] : (await listAll(scopedStorage(root.storage, id), DERIVED_DIR, o)).map((meta) => meta.path),
  );
  // What was folded into a part that is there is not gone, and a removal that stopped half way may have folded without an event.
  const folded = new Set(parts.flatMap(({ compactedFrom = [] }) => compactedFrom.map(({ name }) => name)));
  for (const [part, event] of written) {
    if (there.has(part) || folded.has(part.slice(part.lastIndexOf("/") + 1))) continue;
    findings.add({
      severity: "warning",
      code: "MISSING_PART",
      message: `The log says that ${part} was written (event ${event}); it is gone, and no later event tells why.`,
      where: inDataset(id, part),
      hint: "Put it back from another copy of the dataset, if it was not removed on purpose.",
      kind: `${id} missing parts`,
    });
  }
  return count;
}

/** Actions after which a part that was written before may be gone, under another name, or in an archive. */
const TAKES_AWAY = new Set([
  "compact_overlay",
  "remove_overlay",
  "archive_overlay",
  "materialize",
  "dedupe",
  "merge_datasets",
  "refresh_overlay_metadata",
  "snapshot_restore",
  "pull",
  "push",
  "repair",
]);

/** The part that an event says it wrote. Single files are written over, so that no event owns one. */
function partOf({ artifacts }: LoggedEvent): string | undefined {
  const overlay = artifacts["overlay"];
  if (typeof overlay !== "object" || overlay === null || !("path" in overlay)) return undefined;
  const { path } = overlay;
  return typeof path === "string" && /^_derived\/[^/]+\/part-[^/]*\.parquet$/.test(path) ? path : undefined;
}

/** The events of one log, in order; lines that are none are reported. */
async function* eventsAt(
  root: Root,
  path: string,
  findings: Findings | undefined,
  o: Signal,
): AsyncGenerator<LoggedEvent, void, undefined> {
  await using handle = await root.storage.open(path, o);
  if (handle === undefined) return;
  const { size } = handle.meta;
  /** Of a line that has not ended yet. */
  let parts: Uint8Array[] = [];
  let lines = 0;
  for (let at = 0; at < size; ) {
    const length = Math.min(CHUNK, size - at);
    const chunk = await handle.read(at, length, o);
    at += length;
    const end = at === size ? length : chunk.lastIndexOf(10) + 1;
    if (end === 0) {
      parts.push(chunk);
      continue;
    }
    const bytes = join([...parts, chunk.subarray(0, end)]);
    parts = end < length ? [chunk.subarray(end)] : [];
    const { events, problems, torn } = decodeEvents(bytes);
    for (const problem of problems) {
      if (problem.kind === "torn") continue;
      findings?.add({
        severity: "warning",
        code: "EVENT_INVALID",
        message: problem.message,
        where: place(path, problem.line === undefined ? undefined : lines + problem.line),
        hint: "It is no event and is passed over; nothing of the data is lost.",
        kind: path,
      });
    }
    if (torn) {
      findings?.add({
        severity: "warning",
        code: "EVENT_TORN",
        message: "The last line is torn: it does not end.",
        where: path,
        hint: "The next event ends it; nothing of the data is lost.",
      });
    }
    yield* events;
    for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) lines++;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
