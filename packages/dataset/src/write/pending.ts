import type { UsrEvent } from "@usr/events";
import { appendEvent, hasEvent } from "@usr/events";
import type { Storage } from "@usr/storage";
import { readAll } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { EVENTS_LOG, PENDING, STAGING } from "../layout.ts";
import type { Step } from "./types.ts";

/** What a commit is about to do, durable before its first step: enough for the next writer to finish it or to sweep it away. */
export interface PendingRecord {
  readonly version: 1;
  readonly command: string;
  readonly steps: readonly Step[];
  readonly events: readonly UsrEvent[];
}

const exists = async (storage: Storage, path: string): Promise<boolean> => {
  const handle = await storage.open(path);
  await handle?.[Symbol.asyncDispose]();
  return handle !== undefined;
};

/** Whether a step has happened, told from the files alone. */
export const isDone = async (storage: Storage, step: Step): Promise<boolean> => {
  if (step.kind === "link") return exists(storage, step.to);
  return !(await exists(storage, step.kind === "delete" ? step.path : step.from));
};

const perform = async (storage: Storage, step: Step): Promise<void> => {
  if (step.kind === "delete") return storage.delete(step.path);
  if (step.kind !== "link") return storage.rename(step.from, step.to);
  if (storage.link === undefined) {
    throw new DatasetError("NOT_SUPPORTED", `this store cannot link ${step.from}`, { details: { path: step.from } });
  }
  return storage.link(step.from, step.to);
};

export const writePending = async (storage: Storage, record: PendingRecord): Promise<void> => {
  await storage.put(PENDING, new TextEncoder().encode(JSON.stringify(record)));
};

/** `undefined` = no commit is under way. */
export const readPending = async (storage: Storage): Promise<PendingRecord | undefined> => {
  const handle = await storage.open(PENDING);
  if (handle === undefined) return undefined;
  await using opened = handle;
  const text = new TextDecoder().decode(await readAll(opened));
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
  "events" in value &&
  Array.isArray(value.events);

/** Does what of a record is not done yet, in order, and appends its events where the log lacks them. Safe to repeat. */
export const rollForward = async (storage: Storage, record: PendingRecord, recovered: boolean): Promise<void> => {
  for (const step of record.steps) if (!(await isDone(storage, step))) await perform(storage, step);
  for (const event of record.events) {
    if (recovered && (await hasEvent(storage, EVENTS_LOG, event.event_id))) continue;
    await appendEvent(storage, EVENTS_LOG, recovered ? { ...event, recovered: true } : event);
  }
  await discard(storage);
};

/** Removes the record first and the staged files after it, so that no record ever speaks of files that are gone without having been published. */
export const discard = async (storage: Storage): Promise<void> => {
  await storage.delete(PENDING);
  const left: string[] = [];
  for await (const { path } of storage.list(STAGING)) left.push(path);
  if (storage.debris !== undefined) for await (const { path } of storage.debris(STAGING)) left.push(path);
  for (const path of left) await storage.delete(path);
};

/**
 * Brings the dataset to a whole state after a writer died. The commit point is a record's first step: a commit that passed it is
 * finished, one that did not is swept away. Call it under the dataset lock.
 */
export const recover = async (storage: Storage): Promise<"nothing" | "finished" | "swept"> => {
  const record = await readPending(storage);
  const [first] = record?.steps ?? [];
  if (record === undefined || first === undefined || !(await isDone(storage, first))) {
    const debris = record !== undefined;
    await discard(storage);
    return debris ? "swept" : "nothing";
  }
  await rollForward(storage, record, true);
  return "finished";
};
