import { formatTimestamp } from "@usr/schema";
import type { CompactedSource, OverlayKey } from "../types.ts";

/** What an overlay file says about itself. */
export interface OverlayMetadata {
  readonly namespace: string;
  readonly key: OverlayKey;
  /** Microseconds since the epoch. */
  readonly createdAtUs: bigint;
  readonly registryHash: string;
  /** Absent for the reserved namespace `usr`, which has no contract. */
  readonly contractHash?: string | undefined;
  readonly eventId?: string | undefined;
  /** The parts that this one replaces. List what they replaced themselves too: a part that comes back late is then known. */
  readonly compactedFrom?: readonly CompactedSource[] | undefined;
}

/** The key/value pairs of an overlay file. */
export function overlayMetadata(o: OverlayMetadata): ReadonlyMap<string, string> {
  const pairs = new Map([
    ["usr:overlay_namespace", o.namespace],
    ["usr:overlay_key", o.key],
    ["usr:overlay_created_at", formatTimestamp(o.createdAtUs, "us", true)],
    ["usr:registry_hash", o.registryHash],
  ]);
  if (o.contractHash !== undefined) pairs.set("usr:namespace_contract_hash", o.contractHash);
  if (o.eventId !== undefined) pairs.set("usr:event_id", o.eventId);
  if (o.compactedFrom !== undefined) {
    const sources = o.compactedFrom.map(({ name, createdAt, sha256 }) => ({ name, created_at: createdAt, sha256 }));
    pairs.set("usr:compacted_from", JSON.stringify(sources));
  }
  return pairs;
}
