import type { Overlay, Part } from "@usr/overlay";
import { partName } from "@usr/overlay/write";
import { contractHash, type Registry, registryHash } from "@usr/registry";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { overlayNotFound } from "../read/list.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { passThrough } from "../write/base/freeze.ts";
import { stamped } from "../write/base/shape.ts";
import { fileStamp } from "../write/commit/auto-snapshot.ts";
import { transact } from "../write/commit/transaction.ts";
import type { Publish, Step, Transaction, WritableRoot } from "../write/types.ts";

export interface RefreshOptions {
  /** Only this one; default every namespace that the dataset has overlays of, `usr` apart, which has no contract. */
  readonly namespace?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface RefreshedNamespace {
  readonly namespace: string;
  readonly parts: number;
  /** Parts that named another registry or contract than today's and are, or would be, replaced. */
  readonly parts_refreshed: number;
  readonly contract_hash: string;
}

export interface RefreshResult {
  readonly dataset: string;
  readonly registry_hash: string;
  readonly namespaces: readonly RefreshedNamespace[];
}

/**
 * Makes overlay files name today's registry and today's contract of their namespace, where what they store agrees with it. Column bytes are
 * copied, nothing is decoded, and every read gives the same before and after: creation times and the order of parts stay.
 *
 * A part never changes under its name: it is replaced by a part of another name, and moves to `_derived/_archived/`. The new name comes from
 * the old one and the hashes, so two copies of a dataset that do the same hold the same files. A single file is replaced in its place. Parts
 * that a compaction beside them has replaced already are left alone. With nothing to do nothing is written or logged.
 *
 * Memory: one column chunk. Disk: the refreshed files twice, until the old ones are deleted from the archive.
 *
 * @throws DatasetError `NAMESPACE_RESERVED NAMESPACE_NOT_FOUND`; OverlayError what opening the overlays throws: a file whose columns do not
 * agree with the registry is refused, and none is refreshed
 */
export const refreshOverlayMetadata = async (
  root: WritableRoot,
  id: string,
  o: RefreshOptions = {},
): Promise<RefreshResult> => {
  if (o.namespace === TOMBSTONE_NAMESPACE) {
    throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${TOMBSTONE_NAMESPACE} has no contract to refresh`, {
      hint: "Leave --namespace out, or name a registered one.",
      details: { namespace: o.namespace },
    });
  }
  const open = (): Promise<Snapshot> =>
    openSnapshot(root, id, { namespaces: o.namespace === undefined ? "all" : [o.namespace], tombstones: false });
  if (o.dryRun === true) {
    const registry = await requireRegistry(root.storage);
    await using snapshot = await open();
    const today = await registryHash(registry);
    return resultOf(snapshot.id, today, await plansOf(snapshot, registry, today, o));
  }
  return transact(root, id, { command: "maintenance overlay-refresh-metadata" }, async (tx) => {
    await using snapshot = await open();
    const plans = await plansOf(snapshot, tx.registry, tx.registryHash, o);
    const result = resultOf(tx.id, tx.registryHash, plans);
    const [publish, ...finish] = await stepsOf(tx, plans);
    if (publish === undefined) return { result };
    const refreshed = plans.filter(({ stale }) => stale.length > 0);
    return {
      result,
      commit: {
        // The first file that is there makes the commit; recovery brings the others. No reader can tell, since values are the same.
        publish,
        finish,
        action: "refresh_overlay_metadata",
        args: {
          namespace: o.namespace ?? null,
          namespaces: refreshed.map(({ overlay }) => overlay.namespace),
          registry_hash: tx.registryHash,
          maintenance_reason: "overlay_refresh_metadata",
        },
        metrics: {
          parts: result.namespaces.reduce((sum, { parts }) => sum + parts, 0),
          parts_refreshed: result.namespaces.reduce((sum, { parts_refreshed }) => sum + parts_refreshed, 0),
        },
        artifacts: {
          overlays: refreshed.map(({ overlay: { namespace, key }, contract }) => ({ namespace, key, contract })),
        },
        maintenance: { reason: "overlay_refresh_metadata" },
        target: publish.from,
      },
    };
  });
};

interface Plan {
  readonly overlay: Overlay;
  readonly contract: string;
  /** The parts to replace, newest first. */
  readonly stale: readonly Part[];
}

const plansOf = async (
  snapshot: Snapshot,
  registry: Registry,
  today: string,
  o: RefreshOptions,
): Promise<readonly Plan[]> => {
  if (o.namespace !== undefined && snapshot.overlays.length === 0) {
    throw overlayNotFound(
      snapshot.id,
      o.namespace,
      snapshot.entries.map(({ name }) => name),
    );
  }
  const plans: Plan[] = [];
  for (const overlay of snapshot.overlays) {
    const entry = registry.namespaces.get(overlay.namespace);
    // Opening the overlay has asked for the entry; it can be gone only if the registry changed in between.
    if (entry === undefined) continue;
    const contract = await contractHash(entry);
    plans.push({ overlay, contract, stale: staleParts(overlay, today, contract) });
  }
  return plans;
};

/** Parts made at one moment are ordered by name, so they are renamed together or not at all. */
const staleParts = ({ parts }: Overlay, today: string, contract: string): readonly Part[] => {
  const replaced = new Set(parts.flatMap(({ compactedFrom }) => compactedFrom ?? []).map(({ name }) => name));
  const live = parts.filter(({ name }) => !replaced.has(name));
  const moments = new Set(
    live.filter((part) => part.registryHash !== today || part.contractHash !== contract).map((part) => part.createdAt),
  );
  return live.filter(({ createdAt }) => moments.has(createdAt));
};

const resultOf = (dataset: string, today: string, plans: readonly Plan[]): RefreshResult => ({
  dataset,
  registry_hash: today,
  namespaces: plans.map(({ overlay, contract, stale }) => ({
    namespace: overlay.namespace,
    parts: overlay.parts.length,
    parts_refreshed: stale.length,
    contract_hash: contract,
  })),
});

/**
 * New files come newest first and old ones go oldest first: of parts made at one moment a copy of the newest is then always the newest by
 * name, whatever step has been reached.
 */
const stepsOf = async (
  tx: Transaction,
  plans: readonly Plan[],
): Promise<readonly [] | readonly [Publish, ...Step[]]> => {
  const come: Publish[] = [];
  const go: Step[] = [];
  for (const { overlay, contract, stale } of plans) {
    const objects = new Map(overlay.entry.objects.map((object) => [object.path, object]));
    const archive = `${ARCHIVED_DIR}${overlay.namespace}-${fileStamp(tx.nowUs)}Z/`;
    const names = await namesFor(stale, `${tx.registryHash}\n${contract}`);
    for (const [i, part] of stale.entries()) {
      const schema = stamped(part.file.schema, [
        ["usr:registry_hash", tx.registryHash],
        ["usr:namespace_contract_hash", contract],
      ]);
      const { path: from } = await tx.stageParquet(schema, passThrough(part.file));
      const { path, etag } = objects.get(part.path)!;
      if (overlay.entry.form === "file") {
        come.push({ kind: "publish", from, to: path, over: etag });
        continue;
      }
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      come.push({ kind: "publish", from, to: `${folder}${names[i]!}` });
      go.unshift({ kind: "move", from: path, to: `${archive}${part.name}`, etag });
    }
  }
  const [first, ...others] = come;
  return first === undefined ? [] : [first, ...others, ...go];
};

/** New names in the order of `parts`, which is descending: those made at one moment descend too. */
const namesFor = async (parts: readonly Part[], hashes: string): Promise<readonly string[]> => {
  const made: { readonly createdAt: bigint; readonly name: string }[] = [];
  for (const { name, createdAt } of parts) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${name}\n${hashes}`));
    const hex = Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
    made.push({ createdAt, name: partName(createdAt / 1000n, hex) });
  }
  return made
    .sort((a, b) => (a.createdAt === b.createdAt ? (a.name < b.name ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1))
    .map(({ name }) => name);
};
