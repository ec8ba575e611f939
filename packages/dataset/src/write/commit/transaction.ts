import type { AppendOptions, EventInput, UsrEvent } from "@usr/events";
import { createEvent, uuidv7 } from "@usr/events";
import { openParquet, writeParquet } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import { registryHash } from "@usr/registry";
import { formatTimestamp } from "@usr/schema";
import type { Storage } from "@usr/storage";
import { scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../../dataset-id.ts";
import { DatasetError } from "../../error.ts";
import { EVENTS_LOG, RECORDS, STAGING } from "../../layout.ts";
import { datasetNotFound } from "../../read/list.ts";
import { requireRegistry } from "../../read/registry.ts";
import { NO_FREEZE, planFreeze } from "../base/freeze.ts";
import { tableOptions } from "../base/row-groups.ts";
import type { Commit, Staged, Step, Transaction, TransactOptions, WritableRoot } from "../types.ts";
import { takeEventsLock, takeLock } from "./lock.ts";
import { carryOut, type PendingRecord, recover, sweepStaged, tidy, writePending } from "./pending.ts";

/**
 * Runs one verb under the dataset lock and commits what it returns: lock, recover, freeze the registry if it is new, stage, pending
 * record, steps, events, unlock. Without a `commit` nothing is changed and nothing logged. On an error the dataset is as it was,
 * unless the commit point had passed: then the next transaction finishes it.
 */
export const transact = async <T>(
  root: WritableRoot,
  id: string,
  o: TransactOptions,
  work: (tx: Transaction) => Promise<{ readonly commit?: Commit | undefined; readonly result: T }>,
): Promise<T> => {
  const dataset = parseDatasetId(id);
  const storage = scopedStorage(root.storage, dataset);
  await requireRegistry(root.storage);
  if (o.creates !== true) await requireBase(storage, dataset, root);
  await using _lock = await takeLock(storage, dataset, root);
  await recover(storage, { lockTimeoutMs: root.lockTimeoutMs });
  // Read again under the lock: what was true while waiting may not be true now.
  const registry = await requireRegistry(root.storage);
  if (o.creates !== true) await requireBase(storage, dataset, root);
  await using log = o.locksLog === true ? quietly(await takeEventsLock(storage, dataset, root)) : undefined;
  const nowUs = root.clock();
  const tx = newTransaction(root, dataset, storage, registry, await registryHash(registry), nowUs);
  let outcome: Awaited<ReturnType<typeof work>>;
  try {
    outcome = await work(tx);
    if (outcome.commit === undefined) await sweepStaged(storage);
  } catch (cause) {
    await recoverQuietly(storage);
    throw cause;
  }
  if (outcome.commit !== undefined) await commitChanges(tx, o, outcome.commit, log !== undefined);
  return outcome.result;
};

/** Throws `DATASET_NOT_FOUND` where the dataset has no base. */
export const requireBase = async (storage: Storage, id: string, root: WritableRoot): Promise<void> => {
  const handle = await storage.open(RECORDS);
  if (handle === undefined) throw await datasetNotFound(root.storage, id);
  await handle[Symbol.asyncDispose]();
};

/** Staged files have names of their own, and nobody looks at them before the record of the commit names them. */
const FRESH = { fresh: true } as const;

const newTransaction = (
  root: WritableRoot,
  id: string,
  storage: Storage,
  registry: Registry,
  hash: string,
  nowUs: bigint,
): Transaction => {
  const eventId = uuidv7(nowUs, root.random(10));
  let staged = 0;
  const nextPath = (): string => `${STAGING}${eventId}-${staged++}`;
  const stage = async (body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Staged> => {
    const path = nextPath();
    const { size, etag } = await storage.put(path, body, FRESH);
    return { path, size, etag };
  };
  return {
    id,
    storage,
    root,
    registry,
    registryHash: hash,
    nowUs,
    eventId,
    uuid: () => uuid4(root.random(16)),
    stage,
    stageAfter: async (from, body) => {
      if (storage.extend === undefined) {
        throw new DatasetError("NOT_SUPPORTED", `this store cannot extend ${from.path}`, {
          details: { path: from.path },
        });
      }
      const path = nextPath();
      const { size, etag } = await storage.extend(path, from, body, FRESH);
      return { path, size, etag };
    },
    stageParquet: (schema, rowGroups) => stage(writeParquet(schema, rowGroups, tableOptions(schema))),
  };
};

/** A uuid4 of 16 random bytes, as 32 lowercase hex digits. */
export const uuid4 = (bytes: Uint8Array): string => {
  const b = Uint8Array.from(bytes);
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  return Array.from(b, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

const commitChanges = async (tx: Transaction, o: TransactOptions, commit: Commit, locked: boolean): Promise<void> => {
  let record: PendingRecord;
  let log: AsyncDisposable | undefined;
  try {
    record = await pendingRecord(tx, o, commit);
    requireNames(record.steps);
    log = locked ? undefined : quietly(await takeEventsLock(tx.storage, tx.id, tx.root));
  } catch (cause) {
    await recoverQuietly(tx.storage);
    throw cause;
  }
  const held = { locked: true };
  try {
    await requireOpenLog(tx.storage);
    if (record.lines !== undefined) record = { ...record, logSize: await sizeOf(tx.storage, EVENTS_LOG) };
    await writePending(tx.storage, record);
    await carryOut(tx.storage, record, held);
  } catch (cause) {
    // Past the commit step the change stands: finish it here if the store lets us, so that an error means "nothing changed".
    if ((await recoverQuietly(tx.storage, held)) !== "finished") throw cause;
    return;
  } finally {
    await log?.[Symbol.asyncDispose]();
  }
  // Done and logged. What cannot be swept now is swept by the next transaction.
  await Promise.allSettled([tidy(tx.storage, record)]);
};

/** A lock that cannot be released ends with the process; it must not make a finished commit look failed. */
const quietly = (lock: AsyncDisposable): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => void (await Promise.allSettled([lock[Symbol.asyncDispose]()])),
});

/** A log that takes no lines stops the commit while nothing is changed. Appending nothing asks: it makes the log at most, and writes no byte. */
const requireOpenLog = async (storage: Storage): Promise<void> => {
  await storage.append?.(EVENTS_LOG, new Uint8Array(0), { durable: false });
};

/** What file systems take as the name of a file or folder, in bytes. */
const NAME_BYTES = 255;

/** A step that no file system can do stops the commit while nothing is changed: after the commit step nobody could ever finish it. */
const requireNames = (steps: readonly Step[]): void => {
  const encoder = new TextEncoder();
  for (const step of steps) {
    if (step.kind === "delete") continue;
    const name = step.to.split("/").find((part) => encoder.encode(part).length > NAME_BYTES);
    if (name === undefined) continue;
    throw new DatasetError("NOT_SUPPORTED", `${step.to} would have to be written: ${name} is too long for a name`, {
      hint: `File systems take names of ${NAME_BYTES} bytes; a namespace with a shorter one would do.`,
      details: { path: step.to },
    });
  }
};

const sizeOf = async (storage: Storage, path: string): Promise<number> => {
  await using handle = await storage.open(path);
  return handle?.meta.size ?? 0;
};

const pendingRecord = async (tx: Transaction, o: TransactOptions, commit: Commit): Promise<PendingRecord> => {
  const freeze = o.freeze === "none" ? NO_FREEZE : await planFreeze(tx, o.freeze ?? "stamp");
  const before = [...freeze.steps, ...(commit.prepare ?? [])];
  const events: PendingRecord["events"][number][] = [];
  if (freeze.event !== undefined) {
    const target = freeze.base?.path ?? commit.target;
    const event = await eventOf(tx, { ...freeze.event, target }, uuidv7(tx.nowUs, tx.root.random(10)));
    events.push({ event, step: freeze.steps.length - 1 });
  }
  events.push({ event: await eventOf(tx, commit, tx.eventId), step: before.length });
  return {
    version: 1,
    command: o.command,
    steps: [...before, commit.publish, ...(commit.finish ?? [])],
    commit: before.length,
    ...(commit.lines === undefined ? {} : { lines: commit.lines }),
    events,
  };
};

type EventParts = Pick<Commit, "action" | "args" | "metrics" | "artifacts" | "maintenance" | "target">;

const eventOf = async (tx: Transaction, parts: EventParts, eventId: string): Promise<UsrEvent> =>
  createEvent({
    eventId,
    timestamp: formatTimestamp(tx.nowUs, "us", true),
    action: parts.action,
    dataset: { name: tx.id, root: tx.root.label },
    args: parts.args,
    metrics: parts.metrics,
    artifacts: parts.artifacts,
    maintenance: parts.maintenance,
    fingerprint: await fingerprintOf(tx.storage, parts.target ?? RECORDS, tx.root),
    registryHash: tx.registryHash,
    actor: tx.root.actor,
  });

/** What an event says of a Parquet file; all zeros where there is none. */
export const fingerprintOf = async (
  storage: Storage,
  path: string,
  root: Pick<WritableRoot, "eventSha256">,
): Promise<EventInput["fingerprint"]> => {
  await using handle = await storage.open(path);
  if (handle === undefined) return { rows: 0, cols: 0, size_bytes: 0 };
  const file = await openParquet(handle);
  const sha256 = root.eventSha256 === true ? await storage.digest?.(path) : undefined;
  return {
    rows: file.numRows,
    cols: file.leafColumns,
    size_bytes: handle.meta.size,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
};

/** Where the store refuses even the clean-up nothing is lost: the next transaction recovers, and the first failure is the one to report. */
const recoverQuietly = async (
  storage: Storage,
  o: AppendOptions = {},
): Promise<"nothing" | "finished" | "swept" | "failed"> => {
  try {
    return await recover(storage, o);
  } catch {
    return "failed";
  }
};
