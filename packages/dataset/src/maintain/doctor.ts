import { appendEvent, createEvent, type EventInput, type UsrEvent, uuidv7 } from "@usr/events";
import { discoverOverlays, OverlayError, openPart, type Part } from "@usr/overlay";
import { ParquetError } from "@usr/parquet";
import { type Registry, RegistryError, registryHash } from "@usr/registry";
import { formatTimestamp } from "@usr/schema";
import { type ObjectMeta, type Storage, StorageError, scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import {
  DERIVED_DIR,
  EVENTS_LOG,
  INCOMING,
  LOCK,
  ownerOfLock,
  PENDING,
  RECORDS,
  REGISTRY_DIR,
  REGISTRY_FILE,
  SNAPSHOTS_DIR,
  STAGING,
  temporariesOf,
} from "../layout.ts";
import { everyEvent } from "../read/event-log.ts";
import { listAll } from "../read/objects.ts";
import { loadRegistry, requireRegistry } from "../read/registry.ts";
import { validate } from "../read/validate.ts";
import { lockOwner, takeLock, takeRegistryLock } from "../write/commit/lock.ts";
import { readPending, recover } from "../write/commit/pending.ts";
import { fingerprintOf, requireBase, uuid4 } from "../write/commit/transaction.ts";
import type { WritableRoot } from "../write/types.ts";
import { keepOriginal, type Mending, type Remedy } from "./mending.ts";
import { remedyFor } from "./remedies.ts";

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

/** A finding and how it is mended; findings without are mended by nobody, or by recovery. */
interface Found {
  readonly finding: DoctorFinding;
  readonly mend?: Remedy | undefined;
}

/** What `validate` reports that is about the state of a dataset, not about its values. */
const OF_VALIDATE = new Set([
  "CORRUPT",
  "LATE_PART",
  "OVERLAY_BOTH_FORMS",
  "NAME_MISMATCH",
  "UNKNOWN_KEY",
  "EVENT_TORN",
  "EVENT_INVALID",
  "MISSING_PART",
  "NO_REGISTRY",
  "REGISTRY_INVALID",
  "SNAPSHOT_NOT_FOUND",
]);

const INTERRUPTED = "INTERRUPTED_COMMIT";

/** What a commit half way looks like, too: said only where there is none. */
const OF_COMMIT = new Set([
  "LATE_PART",
  "OVERLAY_BOTH_FORMS",
  "UNKNOWN_KEY",
  "MISSING_PART",
  "MISSING_EVENT",
  "SNAPSHOT_NOT_FOUND",
]);

/** Places where anything that is broken belongs to the state of a dataset: frozen registries, snapshots and their pins. */
const BESIDE = [REGISTRY_DIR, SNAPSHOTS_DIR];

/**
 * Looks for what crashes, copies and strangers leave: a commit that stopped half way (`INTERRUPTED_COMMIT`; what its files look like meanwhile
 * is not said) or whose record cannot be read,
 * staged files and temporaries (`DEBRIS`), overlay files whose event is not in the log (`MISSING_EVENT`) and parts of the log that are gone,
 * torn and foreign lines of the log, a lock that is held (`LOCKED`) or holds nobody (`NOT_SUPPORTED`), parts that came late, both forms,
 * orphans, misnamed folders, files that cannot be read, registries, snapshots and pins that are missing or broken. With `repair`, under the dataset lock, the
 * commit is finished or swept, debris removed, missing events appended (`recovered`), a torn line ended, a namespace that lies in several places
 * or under another name brought to its own folder, the frozen copy of today's registry and the pins written anew; what was replaced is kept in
 * `_derived/_archived/`, and one event `repair` says so. Nothing else is touched.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`; with `repair` `NO_REGISTRY`, `LOCKED`, RegistryError `REGISTRY_INVALID`
 */
export const doctor = async (root: WritableRoot, id: string, o: DoctorOptions = {}): Promise<DoctorReport> => {
  const storage = scopedStorage(root.storage, parseDatasetId(id));
  await requireBase(storage, id, root);
  if (o.repair !== true) {
    const found = await look(root, id, storage, await readableRegistry(root.storage));
    return reportOf([...(await lockState(storage)), ...findingsOf(found)]);
  }

  const registry = await requireRegistry(root.storage);
  await using _lock = await takeLock(storage, id, root);
  const before = await look(root, id, storage, registry);
  if (!before.some(({ finding: { repairable } }) => repairable)) return reportOf(findingsOf(before));
  const nowUs = root.clock();
  const mending: Mending = { storage, registry, nowUs, uuid: () => uuid4(root.random(16)) };
  for (const { mend } of before.filter(({ finding: { code } }) => code === "CORRUPT")) await mend?.(mending);
  await recover(storage);
  if (storage.debris !== undefined) for await (const { path } of storage.debris("")) await storage.delete(path);
  for (const { path } of await listAll(storage, INCOMING)) await storage.delete(path);
  if ((await registryDebris(root)).length > 0) await (await takeRegistryLock(root))[Symbol.asyncDispose]();
  // Only now can be told what is wrong beside a commit that had stopped half way.
  const whole = before.some(({ finding: { code } }) => code === INTERRUPTED)
    ? await look(root, id, storage, registry)
    : before;
  for (const { mend } of whole.filter(({ finding: { code } }) => code !== "CORRUPT")) await mend?.(mending);
  const base = await fingerprintOf(storage, RECORDS, root);
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
  const all = [...new Map([...whole, ...before].map((found) => [nameOf(found.finding), found])).values()];
  const repairable = all.filter(({ finding }) => finding.repairable);
  const codes = [...new Set(repairable.map(({ finding: { code } }) => code))];
  const own = eventOf(uuidv7(root.clock(), root.random(10)), { args: { repaired: codes } }, false);
  await appendEvent(storage, EVENTS_LOG, own);

  const left = new Set(findingsOf(await look(root, id, storage, registry)).map(nameOf));
  return reportOf(
    findingsOf(all).map((finding) => ({ ...finding, repaired: finding.repairable && !left.has(nameOf(finding)) })),
  );
};

/** The root's registry; `undefined` where it has none or one that cannot be read, which `validate` reports. */
const readableRegistry = async (storage: Storage): Promise<Registry | undefined> => {
  try {
    return await loadRegistry(storage);
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
};

const findingsOf = (found: readonly Found[]): readonly DoctorFinding[] => found.map(({ finding }) => finding);

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

const REPAIR = "Repair it with: usr doctor DATASET --repair";

const look = async (
  root: WritableRoot,
  id: string,
  storage: Storage,
  registry: Registry | undefined,
): Promise<readonly Found[]> => {
  const found: Found[] = [...(await commitUnderWay(storage))];
  const left = (await listAll(storage, STAGING)).filter(({ path }) => path !== PENDING);
  left.push(...(await listAll(storage, INCOMING)));
  if (storage.debris !== undefined) for await (const meta of storage.debris("")) left.push(meta);
  left.push(...(await registryDebris(root)));
  for (const { path, size } of left)
    found.push({
      finding: finding("warning", "DEBRIS", `An interrupted write left ${size} bytes.`, path, REPAIR, true),
    });
  for (const { path } of await partsWithoutEvent(storage)) {
    const message = "The log has no event of this file.";
    found.push({ finding: finding("error", "MISSING_EVENT", message, path, REPAIR, true) });
  }
  const { problems } = await validate(root, id, { nowUs: root.clock() });
  for (const problem of problems) {
    const { severity, code, message, hint } = problem;
    const where = problem.where.startsWith(`${id}/`) ? problem.where.slice(id.length + 1) : problem.where;
    if (!OF_VALIDATE.has(code) && !BESIDE.some((folder) => where.startsWith(folder))) continue;
    const { mend, byHand = hint } = await remedyFor({ code, where }, storage, registry);
    const repairable = mend !== undefined || code === "EVENT_TORN";
    found.push({ finding: finding(severity, code, message, where, repairable ? REPAIR : byHand, repairable), mend });
  }
  const halfWay = found.some(({ finding: { code } }) => code === INTERRUPTED);
  return halfWay ? found.filter(({ finding: { code } }) => !OF_COMMIT.has(code)) : found;
};

/** The commit that is under way or stopped, if any. A record that cannot be read stops every change: it and its files are put aside. */
const commitUnderWay = async (storage: Storage): Promise<readonly Found[]> => {
  try {
    const pending = await readPending(storage);
    if (pending === undefined) return [];
    const message = `The command ${pending.command} was interrupted while it committed, or is at work.`;
    return [{ finding: finding("error", INTERRUPTED, message, PENDING, REPAIR, true) }];
  } catch (error) {
    if (!(error instanceof DatasetError) || error.code !== "CORRUPT") throw error;
    const mend: Remedy = async (m) => {
      // The record last: while it is there nothing sweeps the files it may speak of.
      for (const { path } of await listAll(m.storage, STAGING)) if (path !== PENDING) await keepOriginal(m, path);
      await keepOriginal(m, PENDING);
    };
    return [{ finding: finding("error", "CORRUPT", error.message, PENDING, REPAIR, true), mend }];
  }
};

/** What interrupted writes of the registry and of its lock's owner left in the root. */
const registryDebris = async (root: WritableRoot): Promise<readonly ObjectMeta[]> => {
  const left: ObjectMeta[] = [];
  for (const path of [REGISTRY_FILE, ownerOfLock(LOCK)])
    if (root.storage.debris !== undefined)
      for await (const meta of root.storage.debris(temporariesOf(path))) left.push(meta);
  return left;
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
  await using handle = await storage.open(path);
  if (handle === undefined) return undefined;
  try {
    return await openPart(handle, { path });
  } catch (error) {
    if (error instanceof OverlayError || error instanceof ParquetError) return undefined;
    throw error;
  }
};

/**
 * Who holds the dataset lock, where somebody does, and whether locks hold anybody at all. Asks only where the lock file lies, so that looking
 * makes none; while it asks it holds the lock for a moment.
 */
const lockState = async (storage: Storage): Promise<readonly DoctorFinding[]> => {
  const found = await storage.open(LOCK);
  if (found === undefined || storage.lock === undefined) return [];
  await found[Symbol.asyncDispose]();
  try {
    await using _mine = await storage.lock(LOCK, { timeoutMs: 0 });
    const second = await storage.lock(LOCK, { timeoutMs: 0 }).catch((error: unknown) => {
      if (error instanceof StorageError && error.code === "LOCKED") return undefined;
      throw error;
    });
    if (second === undefined) return [];
    await second[Symbol.asyncDispose]();
    const hint = "Keep the data on a file system whose locks work: here two writers could lose data.";
    return [
      finding(
        "error",
        "NOT_SUPPORTED",
        "A lock that is held can be taken again: locks keep nobody out.",
        LOCK,
        hint,
        false,
      ),
    ];
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === "LOCKED") {
      const message = `The dataset is being written by ${await lockOwner(storage, LOCK)}.`;
      const hint = "What it is writing looks like debris until it ends.";
      return [finding("warning", "LOCKED", message, LOCK, hint, false)];
    }
    if (error.code === "NOT_SUPPORTED")
      return [finding("error", "NOT_SUPPORTED", error.message, LOCK, error.hint ?? null, false)];
    // A dataset that may only be read has no writers here.
    if (error.code === "PERMISSION" || error.code === "READ_ONLY") return [];
    throw error;
  }
};
