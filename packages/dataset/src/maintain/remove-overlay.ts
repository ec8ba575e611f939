import { discoverOverlays, type Overlay, OverlayError } from "@usr/overlay";
import { overlayMetadata } from "@usr/overlay/write";
import { ParquetError } from "@usr/parquet";
import { SchemaError } from "@usr/schema";
import { type ObjectMeta, scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, DERIVED_DIR, isKeptWhole, STAGING } from "../layout.ts";
import { overlayNotFound } from "../read/list.ts";
import { listAll } from "../read/objects.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { fileStamp, stageTwin } from "../write/commit/auto-snapshot.ts";
import { requireBase, transact } from "../write/commit/transaction.ts";
import { checkNamespaceName } from "../write/commit/writable-entry.ts";
import type { Commit, Publish, Step, Transaction, WritableRoot } from "../write/types.ts";
import { compactedGroups, compactedSchema, sourcesOf } from "./compact.ts";

export interface RemoveOverlayOptions {
  readonly namespace: string;
  /** Set aside under `_derived/_archived/`, or deleted for good. There is no default. */
  readonly how: "archive" | "delete";
  readonly dryRun?: boolean | undefined;
}

export interface RemoveOverlayResult {
  readonly namespace: string;
  readonly action: "archived" | "deleted";
  /** Where its files lie now, relative to the dataset; `null` where they are deleted. */
  readonly path: string | null;
}

/**
 * Takes the overlay of a namespace out of a dataset. It goes at once for every reader, whatever the number of its parts: several are folded
 * into one first, which then leaves. An overlay that cannot be read goes file by file. The namespace need not be registered any more.
 *
 * @throws DatasetError `NAMESPACE_RESERVED NAMESPACE_INVALID NAMESPACE_NOT_FOUND`
 */
export const removeOverlay = async (
  root: WritableRoot,
  id: string,
  o: RemoveOverlayOptions,
): Promise<RemoveOverlayResult> => {
  refuseNamespace(o.namespace);
  if (o.dryRun === true) {
    const storage = scopedStorage(root.storage, parseDatasetId(id));
    await requireRegistry(root.storage);
    await requireBase(storage, id, root);
    await using found = await find(root, id, o.namespace);
    return resultOf(o, archiveOf(o.namespace, found.objects, root.clock()));
  }
  return transact(root, id, { command: "overlay remove" }, async (tx) => {
    await using found = await find(root, id, o.namespace);
    const archive = archiveOf(o.namespace, found.objects, tx.nowUs);
    const result = resultOf(o, archive);
    const removed = found.objects.length;
    return {
      result,
      commit: {
        ...(await stepsOf(tx, found, o, archive)),
        action: o.how === "archive" ? "archive_overlay" : "remove_overlay",
        args: { namespace: o.namespace, mode: o.how, archived_path: result.path },
        metrics: { removed },
        artifacts: { overlay: { namespace: o.namespace, path: result.path } },
      },
    };
  });
};

const refuseNamespace = (namespace: string): void => {
  if (isKeptWhole(namespace)) {
    throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${namespace} is never removed as a whole`, {
      hint: "Rows are restored with: usr restore. State is cleared with: usr state clear",
      details: { namespace },
    });
  }
  checkNamespaceName(namespace);
};

interface Found extends AsyncDisposable {
  /** At least one. */
  readonly objects: readonly ObjectMeta[];
  /** Present where the overlay can be read. */
  readonly readable: { readonly snapshot: Snapshot; readonly overlay: Overlay } | undefined;
}

/** The overlay as a reader finds it; where no reader can, the files under the namespace's name. */
const find = async (root: WritableRoot, id: string, namespace: string): Promise<Found> => {
  const snapshot = await openSnapshot(root, id, { namespaces: [namespace], tombstones: false }).catch(unlessBroken);
  const overlay = snapshot?.overlays.find((other) => other.namespace === namespace);
  const close = async (): Promise<void> => snapshot?.[Symbol.asyncDispose]();
  if (snapshot !== undefined && overlay !== undefined)
    return { objects: overlay.entry.objects, readable: { snapshot, overlay }, [Symbol.asyncDispose]: close };
  await close();
  const storage = scopedStorage(root.storage, id);
  const entries = discoverOverlays(await listAll(storage, DERIVED_DIR));
  const objects = entries.filter(({ name }) => name === namespace).flatMap((entry) => entry.objects);
  if (objects.length > 0) return { objects, readable: undefined, [Symbol.asyncDispose]: async () => undefined };
  throw overlayNotFound(
    id,
    namespace,
    entries.map(({ name }) => name),
  );
};

/** An overlay that is broken is removed all the same; any other failure is passed on. */
const unlessBroken = (error: unknown): undefined => {
  if (error instanceof OverlayError || error instanceof ParquetError || error instanceof SchemaError) return undefined;
  throw error;
};

/** The single file or the folder that the files move to. */
const archiveOf = (namespace: string, objects: readonly ObjectMeta[], nowUs: bigint): string => {
  const alone = objects.length === 1 && objects[0]!.path.split("/").length === 2;
  return `${ARCHIVED_DIR}${namespace}-${fileStamp(nowUs)}Z${alone ? ".parquet" : "/"}`;
};

const inArchive = (archive: string, path: string): string =>
  archive.endsWith("/") ? `${archive}${path.slice(path.lastIndexOf("/") + 1)}` : archive;

const resultOf = ({ namespace, how }: RemoveOverlayOptions, archive: string): RemoveOverlayResult =>
  how === "archive" ? { namespace, action: "archived", path: archive } : { namespace, action: "deleted", path: null };

type Steps = Pick<Commit, "prepare" | "publish" | "finish">;

const stepsOf = async (
  tx: Transaction,
  { objects, readable }: Found,
  { how }: RemoveOverlayOptions,
  archive: string,
): Promise<Steps> => {
  // What lands here is swept with everything staged.
  const away = `${STAGING}${tx.eventId}-removed`;
  const place = (path: string): string => (how === "archive" ? inArchive(archive, path) : away);
  const clearing = ({ path, etag }: ObjectMeta): Step =>
    how === "archive" ? { kind: "move", from: path, to: place(path), etag } : { kind: "delete", path, etag };
  const [first, ...others] = objects;
  if (first === undefined) throw new RangeError("An overlay has one file at least.");
  const folded = others.length === 0 || readable === undefined ? undefined : await stageFolded(tx, readable);
  if (folded === undefined)
    return { publish: { kind: "publish", from: first.path, to: place(first.path) }, finish: others.map(clearing) };
  // The folded part takes the name of the first file: a commit step has to start from something that is there before it.
  const keep: Publish | undefined =
    how === "archive" ? { kind: "publish", from: await stageTwin(tx, first.path), to: place(first.path) } : undefined;
  return {
    prepare: [
      ...(keep === undefined ? [] : [keep]),
      { kind: "publish", from: folded, to: first.path },
      ...others.map(clearing),
    ],
    publish: { kind: "publish", from: first.path, to: away },
  };
};

/** All parts in one, staged; `undefined` where their rows cannot be merged. */
const stageFolded = async (
  tx: Transaction,
  { snapshot, overlay }: NonNullable<Found["readable"]>,
): Promise<string | undefined> => {
  const { namespace, key, parts } = overlay;
  const metadata = overlayMetadata({
    namespace,
    key,
    createdAtUs: parts[0]!.createdAt / 1000n + 1n,
    registryHash: tx.registryHash,
    compactedFrom: await sourcesOf(tx.storage, overlay),
  });
  try {
    const schema = compactedSchema(overlay, metadata);
    const { path } = await tx.stageParquet(schema, await compactedGroups(snapshot, overlay, schema));
    return path;
  } catch (error) {
    return unlessBroken(error);
  }
};
