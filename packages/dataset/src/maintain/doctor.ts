import { appendEvent, createEvent, type EventInput, type UsrEvent, uuidv7 } from "@usr/events";
import { discoverOverlays, OverlayError, openPart, type Part } from "@usr/overlay";
import { openParquet, ParquetError } from "@usr/parquet";
import { registryHash } from "@usr/registry";
import { formatTimestamp } from "@usr/schema";
import { type Storage, StorageError, scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DERIVED_DIR, EVENTS_LOG, INCOMING, LOCK, ownerOfLock, PENDING, RECORDS, STAGING } from "../layout.ts";
import { everyEvent } from "../read/event-log.ts";
import { listAll, readObject } from "../read/objects.ts";
import { requireRegistry } from "../read/registry.ts";
import { validate } from "../read/validate.ts";
import { takeLock } from "../write/lock.ts";
import { readPending, recover } from "../write/pending.ts";
import { requireBase } from "../write/transaction.ts";
import type { WritableRoot } from "../write/types.ts";

export interface DoctorOptions {
  /** Mend what can be mended; without it nothing is changed. */
  readonly repair?: boolean | undefined;
}

export interface DoctorFinding {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  /** Relative to the dataset. */
  readonly where: string;
  readonly hint: string | null;
  readonly repairable: boolean;
  readonly repaired: boolean;
}

export interface DoctorReport {
  /** No error is left. */
  readonly ok: boolean;
  readonly findings: readonly DoctorFinding[];
}

/** What `validate` reports that is about the state of a dataset, not about its values. */
const OF_VALIDATE = new Set([
  "LATE_PART",
  "OVERLAY_BOTH_FORMS",
  "NAME_MISMATCH",
  "UNKNOWN_KEY",
  "EVENT_TORN",
  "EVENT_INVALID",
]);

/**
 * Looks for what crashes, copies and strangers leave: a commit that stopped half way (`INTERRUPTED_COMMIT`), staged files and temporaries
 * (`DEBRIS`), overlay files whose event is not in the log (`MISSING_EVENT`), torn and foreign lines of the log, a lock that is held
 * (`LOCKED`), parts that came late, both forms, orphans, misnamed folders. With `repair`, under the dataset lock, the commit is finished or
 * swept, debris removed, missing events appended (`recovered`) and a torn line ended; one event `repair` says so. Nothing else is touched.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `NO_REGISTRY`, `LOCKED`; `CORRUPT` where the commit record cannot be read
 */
export const doctor = async (root: WritableRoot, id: string, o: DoctorOptions = {}): Promise<DoctorReport> => {
  const storage = scopedStorage(root.storage, parseDatasetId(id));
  const registry = await requireRegistry(root.storage);
  await requireBase(storage, id, root);
  if (o.repair !== true) return reportOf([...(await lockHeld(storage)), ...(await look(root, id, storage))]);

  await using _lock = await takeLock(storage, id, root);
  const before = await look(root, id, storage);
  if (!before.some(({ repairable }) => repairable)) return reportOf(before);
  await recover(storage);
  if (storage.debris !== undefined) for await (const { path } of storage.debris("")) await storage.delete(path);
  for (const { path } of await listAll(storage, INCOMING)) await storage.delete(path);
  const base = await fingerprintOf(storage);
  const hash = await registryHash(registry);
  const eventOf = (eventId: string, parts: Pick<EventInput, "args" | "artifacts">, recovered: boolean): UsrEvent =>
    createEvent({
      eventId,
      timestamp: formatTimestamp(root.clock(), "us", true),
      action: "repair",
      dataset: { name: id, root: root.label },
      ...parts,
      fingerprint: base,
      registryHash: hash,
      actor: root.actor,
      recovered,
    });
  for (const { path, namespace, eventId } of await partsWithoutEvent(storage)) {
    const parts = { args: { namespace, code: "MISSING_EVENT" }, artifacts: { overlay: { namespace, path } } };
    await appendEvent(storage, EVENTS_LOG, eventOf(eventId, parts, true));
  }
  const codes = [...new Set(before.filter(({ repairable }) => repairable).map(({ code }) => code))];
  const own = eventOf(uuidv7(root.clock(), root.random(10)), { args: { repaired: codes } }, false);
  await appendEvent(storage, EVENTS_LOG, own);

  const left = new Set((await look(root, id, storage)).map(nameOf));
  return reportOf(
    before.map((finding) => ({ ...finding, repaired: finding.repairable && !left.has(nameOf(finding)) })),
  );
};

const nameOf = ({ code, where }: DoctorFinding): string => `${code} ${where}`;

const reportOf = (findings: readonly DoctorFinding[]): DoctorReport => ({
  ok: !findings.some(({ severity, repaired }) => severity === "error" && !repaired),
  findings,
});

const finding = (
  severity: DoctorFinding["severity"],
  code: string,
  message: string,
  where: string,
  hint: string | null,
  repairable: boolean,
): DoctorFinding => ({ severity, code, message, where, hint, repairable, repaired: false });

const REPAIR = "Repair it with: usr doctor --repair";

const look = async (root: WritableRoot, id: string, storage: Storage): Promise<readonly DoctorFinding[]> => {
  const found: DoctorFinding[] = [];
  const pending = await readPending(storage);
  if (pending !== undefined) {
    const message = `The command ${pending.command} was interrupted while it committed, or is at work.`;
    found.push(finding("error", "INTERRUPTED_COMMIT", message, PENDING, REPAIR, true));
  }
  const left = (await listAll(storage, STAGING)).filter(({ path }) => path !== PENDING);
  left.push(...(await listAll(storage, INCOMING)));
  if (storage.debris !== undefined) for await (const meta of storage.debris("")) left.push(meta);
  for (const { path, size } of left)
    found.push(finding("warning", "DEBRIS", `An interrupted write left ${size} bytes.`, path, REPAIR, true));
  for (const { path } of await partsWithoutEvent(storage))
    found.push(finding("error", "MISSING_EVENT", "The log has no event of this file.", path, REPAIR, true));
  const { problems } = await validate(root, id, { nowUs: root.clock() });
  for (const { severity, code, message, where, hint } of problems) {
    if (!OF_VALIDATE.has(code)) continue;
    found.push(finding(severity, code, message, where.replace(`${id}/`, ""), hint, code === "EVENT_TORN"));
  }
  return found;
};

/** Overlay files that name an event which the log lacks, and every archive of it too. Files that name none, and broken ones, are `validate`'s. */
const partsWithoutEvent = async (
  storage: Storage,
): Promise<readonly { readonly path: string; readonly namespace: string; readonly eventId: string }[]> => {
  const named: { readonly path: string; readonly namespace: string; readonly eventId: string }[] = [];
  for (const { path } of discoverOverlays(await listAll(storage, DERIVED_DIR)).flatMap(({ objects }) => objects)) {
    const part = await partAt(storage, path);
    if (part?.eventId !== undefined) named.push({ path, namespace: part.namespace, eventId: part.eventId });
  }
  const logged = new Set<string>();
  if (named.length > 0) {
    for await (const { event_id } of everyEvent(storage)) if (event_id !== undefined) logged.add(event_id);
  }
  return named.filter(({ eventId }) => !logged.has(eventId));
};

const partAt = async (storage: Storage, path: string): Promise<Part | undefined> => {
  const handle = await storage.open(path);
  if (handle === undefined) return undefined;
  await using opened = handle;
  try {
    return await openPart(opened, { path });
  } catch (error) {
    if (error instanceof OverlayError || error instanceof ParquetError) return undefined;
    throw error;
  }
};

const fingerprintOf = async (storage: Storage): Promise<EventInput["fingerprint"]> => {
  const handle = await storage.open(RECORDS);
  if (handle === undefined) return { rows: 0, cols: 0, size_bytes: 0 };
  await using opened = handle;
  const file = await openParquet(opened);
  return { rows: file.numRows, cols: file.leafColumns, size_bytes: opened.meta.size };
};

/** Who holds the dataset lock, where somebody does. Asks only where an owner record lies, so that looking makes no lock file. */
const lockHeld = async (storage: Storage): Promise<readonly DoctorFinding[]> => {
  const owner = await readObject(storage, ownerOfLock(LOCK));
  if (owner === undefined || storage.lock === undefined) return [];
  try {
    await using _free = await storage.lock(LOCK, { timeoutMs: 0 });
    return [];
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "LOCKED") throw error;
    const who = new TextDecoder().decode(owner.bytes).trim();
    const hint = "What it is writing looks like debris until it ends.";
    return [finding("warning", "LOCKED", `The dataset is being written by ${who}.`, LOCK, hint, false)];
  }
};
