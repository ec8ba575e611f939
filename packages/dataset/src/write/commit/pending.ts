import type { UsrEvent } from "@usr/events";
import { type AppendOptions, appendEvent, hasEvent } from "@usr/events";
import { appendLines, missingLines } from "@usr/events/merge";
import type { Storage } from "@usr/storage";
import { StorageError } from "@usr/storage";
import { DatasetError } from "../../error.ts";
import { ARCHIVED_DIR, DERIVED_DIR, EVENTS_LOCK, EVENTS_LOG, PENDING, STAGING, temporariesOf } from "../../layout.ts";
import { bytesOf, readText } from "../../read/objects.ts";
import type { Step } from "../types.ts";

/** What a commit is about to do, durable before its first step: enough for the next writer to finish it or to sweep it away. */
export interface PendingRecord {
  readonly version: 1;
  readonly command: string;
  readonly steps: readonly Step[];
  /** Which step makes the change visible. Once it is done the commit has happened; before, it has not. */
  readonly commit: number;
  /** A file of whole lines, there once the steps are done, that go into the log before the events. */
  readonly lines?: string | undefined;
  /** How long the log was before them, in bytes; where it is not said, nobody knows. */
  readonly logSize?: number | undefined;
  /** Each event with the step that makes it true. */
  readonly events: readonly { readonly event: UsrEvent; readonly step: number }[];
}

const etagOf = async (storage: Storage, path: string): Promise<string | undefined> => {
  await using handle = await storage.open(path);
  return handle?.meta.etag;
};

/** Whether a step has happened, told from the files alone. */
const isDone = async (storage: Storage, step: Step): Promise<boolean> => {
  switch (step.kind) {
    case "publish":
      return (await etagOf(storage, step.from)) === undefined;
    case "link":
      return (await etagOf(storage, step.to)) !== undefined;
    case "move":
      return (await etagOf(storage, step.from)) !== step.etag;
    case "delete":
      return (await etagOf(storage, step.path)) !== step.etag;
  }
};

const perform = async (storage: Storage, step: Step): Promise<void> => {
  switch (step.kind) {
    case "publish":
      return storage.rename(step.from, step.to);
    case "move":
      return move(storage, step.from, step.to);
    case "delete":
      return storage.delete(step.path);
    case "link":
      if (storage.link === undefined) {
        throw new DatasetError("NOT_SUPPORTED", `this store cannot link ${step.from}`, {
          details: { path: step.from },
        });
      }
      return storage.link(step.from, step.to);
  }
};

/**
 * Moves a file. The archive may lie on a file system of its own, where renaming does not reach: there the bytes are copied, which no reader
 * sees, and then the file goes in one step, as it does with a rename.
 */
const move = async (storage: Storage, from: string, to: string): Promise<void> => {
  try {
    await storage.rename(from, to);
  } catch (error) {
    const elsewhere = error instanceof StorageError && error.details["errno"] === "EXDEV";
    if (!elsewhere || !to.startsWith(ARCHIVED_DIR)) throw error;
    await using handle = await storage.open(from);
    if (handle === undefined) throw error;
    await storage.put(to, bytesOf(handle));
    await storage.delete(from);
  }
};

export const writePending = async (storage: Storage, record: PendingRecord): Promise<void> => {
  await storage.put(PENDING, new TextEncoder().encode(JSON.stringify(record)));
};

/** `undefined` = no commit is under way. */
export const readPending = async (storage: Storage): Promise<PendingRecord | undefined> => {
  const text = await readText(storage, PENDING);
  if (text === undefined) return undefined;
  const parsed: unknown = parseJson(text);
  if (!isPending(parsed)) {
    throw new DatasetError("CORRUPT", `${PENDING} is not a commit record`, {
      hint: "It is written atomically, so something else has changed it: move the file away and run validate.",
      details: { path: PENDING },
    });
  }
  return parsed;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isPending = (value: unknown): value is PendingRecord =>
  typeof value === "object" &&
  value !== null &&
  "version" in value &&
  value.version === 1 &&
  "steps" in value &&
  Array.isArray(value.steps) &&
  "commit" in value &&
  typeof value.commit === "number" &&
  "events" in value &&
  Array.isArray(value.events);

/** Does the steps of a record in order and appends its events. The record stays; `tidy` up when this has returned. */
export const carryOut = async (storage: Storage, record: PendingRecord, o: AppendOptions = {}): Promise<void> => {
  for (const step of record.steps) await perform(storage, step);
  if (record.lines !== undefined) await appendFile(storage, record.lines);
  for (const { event } of record.events) await appendEvent(storage, EVENTS_LOG, event, o);
};

const appendFile = async (storage: Storage, path: string): Promise<void> => {
  await using handle = await storage.open(path);
  if (handle !== undefined) await appendLines(storage, EVENTS_LOG, bytesOf(handle));
};

const LOCK_TIMEOUT_MS = 60_000;

/**
 * The lines of a file that have not arrived: some may have, and other programs may have appended since. Only what lies behind the log as it was
 * counts as arrived, for a line without an id may say again, rightly, what an older one says.
 */
const appendMissing = async (storage: Storage, path: string, logSize: number, o: AppendOptions): Promise<void> => {
  await using wanted = await storage.open(path);
  if (wanted === undefined) return;
  await using log = await storage.open(EVENTS_LOG);
  const missing = await missingLines(log && { handle: log, start: logSize }, { handle: wanted, start: 0 });
  if (missing.length === 0) return;
  await using _lock =
    o.locked === true
      ? undefined
      : await storage.lock?.(EVENTS_LOCK, { timeoutMs: o.lockTimeoutMs ?? LOCK_TIMEOUT_MS });
  async function* lines(): AsyncGenerator<Uint8Array> {
    for (const { text } of missing) yield new TextEncoder().encode(`${text}\n`);
  }
  await appendLines(storage, EVENTS_LOG, lines());
};

/** Removes the record first and the staged files after it, so that no record ever speaks of files that are gone without having been published. */
const discard = async (storage: Storage): Promise<void> => {
  await storage.delete(PENDING);
  for (const path of await stagedFiles(storage)) await storage.delete(path);
};

/**
 * Removes staged files where there is no record. One that was removed a moment ago may come back with a loss of power, so that it is removed for
 * good before the files it speaks of; where there are none it would be found finished, and the next record takes its name in any case.
 */
export const sweepStaged = async (storage: Storage): Promise<void> => {
  if ((await stagedFiles(storage)).length > 0) await discard(storage);
};

const stagedFiles = async (storage: Storage): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of storage.list(STAGING)) found.push(path);
  if (storage.debris !== undefined) for await (const { path } of storage.debris(STAGING)) found.push(path);
  return found;
};

/**
 * Brings the dataset to a whole state after a commit stopped half way. One whose commit step is done is finished; of any other only what
 * no reader can see has happened: it is swept away. Either way the view is the one readers had, and the log gets the events of what
 * has happened that it lacks. Safe to repeat. Call it under the dataset lock.
 */
export const recover = async (storage: Storage, o: AppendOptions = {}): Promise<"nothing" | "finished" | "swept"> => {
  const record = await readPending(storage);
  if (record === undefined) {
    await sweepStaged(storage);
    return "nothing";
  }
  const commit = record.steps[record.commit];
  const happened = commit !== undefined && (await isDone(storage, commit));
  await flushDone(storage, record.steps);
  if (happened) {
    for (const step of record.steps.slice(record.commit + 1)) {
      if (!(await isDone(storage, step)) && (await mayReplace(storage, step))) await perform(storage, step);
    }
    await pruneAfter(storage, record);
  }
  if (happened && record.lines !== undefined) await appendMissing(storage, record.lines, record.logSize ?? 0, o);
  for (const { event, step } of record.events) {
    const cause = record.steps[step];
    if (cause === undefined || !(happened || (await isDone(storage, cause)))) continue;
    if (!(await hasEvent(storage, EVENTS_LOG, event.event_id))) {
      await appendEvent(storage, EVENTS_LOG, { ...event, recovered: true }, o);
    } else {
      // Who wrote it may have died before it was flushed, and the record goes.
      await storage.append?.(EVENTS_LOG, new Uint8Array(0));
    }
  }
  await discard(storage);
  return happened ? "finished" : "swept";
};

/**
 * Puts what the steps that have happened did to names on stable storage, each folder once: who did them may have died before that. The events must
 * not outlive the change, no folded part may come back behind a later one, and nobody looks at the steps again once the record is gone.
 */
const flushDone = async (storage: Storage, steps: readonly Step[]): Promise<void> => {
  const folders = new Set<string>();
  for (const step of steps) {
    if (!(await isDone(storage, step))) continue;
    for (const path of namesOf(step)) folders.add(path.slice(0, path.lastIndexOf("/") + 1));
  }
  for (const folder of folders) await flushNames(storage, folder);
};

/** What a step names anew or no more. What it takes from `.staging/` goes with the record. */
const namesOf = (step: Step): readonly string[] => {
  switch (step.kind) {
    case "publish":
    case "link":
      return [step.to];
    case "move":
      return [step.to, step.from];
    case "delete":
      return [step.path];
  }
};

/** Deleting what is not there flushes the names beside it; what is spelled like the temporary of an object is nobody's. */
const flushNames = (storage: Storage, folder: string): Promise<void> =>
  storage.delete(`${temporariesOf(`${folder}names`)}none.tmp`);

/**
 * Leaves nothing of a record that has been carried out to its end. One that has nothing to do behind its publish step may come back with a loss of power:
 * its staged file is gone and its events are in the log, so that it is found finished. That its removal is on stable storage need not be waited
 * for then; the next record takes its name.
 */
export const tidy = async (storage: Storage, record: PendingRecord): Promise<void> => {
  await pruneAfter(storage, record);
  const last = record.commit === record.steps.length - 1 && record.lines === undefined;
  const alone = last && (await stagedFiles(storage)).every((path) => path === PENDING);
  if (alone) await storage.delete(PENDING, { durable: false });
  else await discard(storage);
};

/** A folder that lost its last overlay file would still stop the Python program from attaching to its namespace. */
const pruneAfter = async (storage: Storage, { steps }: PendingRecord): Promise<void> => {
  if (steps.some(emptiesFolder)) await storage.prune?.(DERIVED_DIR.slice(0, -1));
};

/** Whether a step may have taken the last file of a folder. A publish that renames a file of the dataset does, one that brings a staged file not. */
const emptiesFolder = (step: Step): boolean =>
  step.kind === "move" || step.kind === "delete" || (step.kind === "publish" && !step.from.startsWith(STAGING));

/** Whether what a late publish would replace is still what it was made to replace. */
const mayReplace = async (storage: Storage, step: Step): Promise<boolean> =>
  step.kind !== "publish" || step.over === undefined || (await etagOf(storage, step.to)) === step.over;
