import { formatTimestamp, parseTimestamp } from "@usr/schema";
import type { ObjectMeta, ReadableStorage } from "@usr/storage";
import { isSnapshotFile, RECORDS, SNAPSHOTS_DIR, STAGING } from "../../layout.ts";
import { bytesOf } from "../../read/objects.ts";
import { readMarks } from "../../read/snapshot-marks.ts";
import type { Step, Transaction } from "../types.ts";

/** Automatic snapshots that are kept; the Python program keeps as many. */
const KEPT = 5;

/** A point in time as file names carry it: digits and `T`, six fraction digits, no zone. */
export const fileStamp = (us: bigint): string => formatTimestamp(us, "us", false).replaceAll(/[-:.]/g, "");

/** The time that a snapshot's name begins with, in RFC 3339; `undefined` where it says none. */
export const snapshotTime = (name: string): string | undefined => {
  const [, y, mo, d, h, mi, s, fraction = ""] =
    /^records-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{6})?\D/.exec(name) ?? [];
  return y === undefined ? undefined : `${y}-${mo}-${d}T${h}:${mi}:${s}.${fraction.padEnd(6, "0")}Z`;
};

/** Every snapshot of the base, by name: oldest first, since names begin with a stamp. */
export const snapshotObjects = async (storage: ReadableStorage): Promise<readonly ObjectMeta[]> => {
  const snapshots: ObjectMeta[] = [];
  for await (const meta of storage.list(SNAPSHOTS_DIR)) if (isSnapshotFile(meta.path)) snapshots.push(meta);
  return snapshots;
};

/**
 * Steps that keep the base as it is before a maintenance rewrite, by hard link where the store has them and by copy where not, and
 * that remove the oldest snapshots beyond five; those that are pinned or were asked for are apart. `first` belongs before the base is
 * replaced, `last` to the end of the commit; `path` is the new snapshot.
 */
export const planSnapshot = async (
  tx: Transaction,
): Promise<{ readonly path: string; readonly first: Step; readonly last: readonly Step[] }> => {
  const snapshots = await snapshotObjects(tx.storage);
  const to = freeSnapshotPath(tx, snapshots);
  const marks = await readMarks(tx.storage);
  const kept = new Set([...marks.pinned, ...marks.manual].map((name) => `${SNAPSHOTS_DIR}${name}`));
  const others = snapshots.filter(({ path }) => !kept.has(path));
  const last: Step[] = others
    .slice(0, Math.max(0, others.length - (KEPT - 1)))
    .map(({ path, etag }) => ({ kind: "delete", path, etag }));
  if (tx.storage.link !== undefined) return { path: to, first: { kind: "link", from: RECORDS, to }, last };
  const copy = await tx.stage(copyOf(tx, RECORDS));
  return { path: to, first: { kind: "publish", from: copy.path, to }, last };
};

/**
 * A name for a snapshot of now that no other has: `records-<stamp>.parquet`, with a label `records-<stamp>-<label>.parquet`. It comes after all
 * others even where the clock went back, for the order of names says which snapshots are the newest.
 */
export const freeSnapshotPath = (
  tx: Pick<Transaction, "nowUs">,
  snapshots: readonly ObjectMeta[],
  label?: string,
): string => {
  let at = tx.nowUs;
  for (const { path } of snapshots) {
    const stamp = stampOf(path);
    if (stamp >= at) at = stamp + 1n;
  }
  return `${SNAPSHOTS_DIR}records-${fileStamp(at)}${label === undefined ? "" : `-${label}`}.parquet`;
};

/** The time that the name of a snapshot tells, in microseconds; 0 where it tells none. */
const stampOf = (path: string): bigint => {
  const time = snapshotTime(path.slice(SNAPSHOTS_DIR.length));
  return time === undefined ? 0n : (parseTimestamp(time)?.epochNs ?? 0n) / 1000n;
};

/** The same bytes under a staged name: by hard link where the store has them, by copy where not. */
export const stageTwin = async (tx: Transaction, path: string): Promise<string> => {
  if (tx.storage.link === undefined) return (await tx.stage(copyOf(tx, path))).path;
  const twin = `${STAGING}${tx.eventId}-twin`;
  await tx.storage.link(path, twin);
  return twin;
};

async function* copyOf(tx: Transaction, path: string): AsyncGenerator<Uint8Array> {
  await using handle = await tx.storage.open(path);
  if (handle !== undefined) yield* bytesOf(handle);
}
