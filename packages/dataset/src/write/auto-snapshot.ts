import { formatTimestamp } from "@usr/schema";
import { type ObjectMeta, readAll } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { isSnapshotFile, PINS_FILE, RECORDS, SNAPSHOTS_DIR } from "../layout.ts";
import type { Step, Transaction } from "./types.ts";

/** Unpinned snapshots that are kept; the Python program keeps as many. */
const KEPT = 5;

/** A point in time as file names carry it: digits and `T`, six fraction digits, no zone. */
export const fileStamp = (us: bigint): string => formatTimestamp(us, "us", false).replaceAll(/[-:.]/g, "");

/**
 * Steps that keep the base as it is before a maintenance rewrite, by hard link where the store has them and by copy where not, and
 * that remove the oldest unpinned snapshots beyond five. `first` belongs before the base is replaced, `last` to the end of the commit. Listings are sorted, and stamps sort as times.
 */
export const planSnapshot = async (
  tx: Transaction,
): Promise<{ readonly first: Step; readonly last: readonly Step[] }> => {
  const snapshots: ObjectMeta[] = [];
  for await (const meta of tx.storage.list(SNAPSHOTS_DIR)) if (isSnapshotFile(meta.path)) snapshots.push(meta);
  let at = tx.nowUs;
  while (snapshots.some(({ path }) => path === snapshotPath(at))) at += 1n;
  const to = snapshotPath(at);
  const pinned = await pinnedSnapshots(tx);
  const unpinned = snapshots.filter(({ path }) => !pinned.has(path));
  const last: Step[] = unpinned
    .slice(0, Math.max(0, unpinned.length - (KEPT - 1)))
    .map(({ path, etag }) => ({ kind: "delete", path, etag }));
  if (tx.storage.link !== undefined) return { first: { kind: "link", from: RECORDS, to }, last };
  const copy = await tx.stage(await copyOf(tx, RECORDS));
  return { first: { kind: "publish", from: copy.path, to }, last };
};

const snapshotPath = (us: bigint): string => `${SNAPSHOTS_DIR}records-${fileStamp(us)}.parquet`;

/** `_snapshots/pins.json`: `{"pinned": ["records-….parquet", …]}`. */
const pinnedSnapshots = async (tx: Transaction): Promise<ReadonlySet<string>> => {
  const handle = await tx.storage.open(PINS_FILE);
  if (handle === undefined) return new Set();
  await using opened = handle;
  const text = new TextDecoder().decode(await readAll(opened));
  const names = pinnedNames(text);
  if (names === undefined) {
    throw new DatasetError("CORRUPT", `${PINS_FILE} is not {"pinned": [names]}`, {
      hint: "Mend or remove the file; snapshots are not pruned while it cannot be read.",
      details: { path: PINS_FILE },
    });
  }
  return new Set(names.map((name) => `${SNAPSHOTS_DIR}${name}`));
};

const pinnedNames = (text: string): readonly string[] | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("pinned" in value) || !Array.isArray(value.pinned))
    return undefined;
  const names: readonly unknown[] = value.pinned;
  return names.every((name) => typeof name === "string") ? names : undefined;
};

const COPY_BYTES = 4 * 1024 * 1024;

const copyOf = async (tx: Transaction, path: string): Promise<AsyncIterable<Uint8Array>> => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const handle = await tx.storage.open(path);
    if (handle === undefined) return;
    await using opened = handle;
    for (let at = 0; at < opened.meta.size; at += COPY_BYTES)
      yield await opened.read(at, Math.min(COPY_BYTES, opened.meta.size - at));
  }
  return bytes();
};
