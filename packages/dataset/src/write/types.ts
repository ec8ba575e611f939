import type { Actor, EventInput } from "@usr/events";
import type { RowGroup } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import type { Schema } from "@usr/schema";
import type { Prefix, Storage } from "@usr/storage";
import type { Root } from "../types.ts";

/** Who waits for whom: written beside the lock for people, never consulted to decide anything. */
export interface LockOwner {
  readonly host: string;
  readonly pid: number;
  readonly command: string;
}

/** A root that may be changed. Time, randomness and the acting party are given, never read from the process. */
export interface WritableRoot extends Root {
  readonly storage: Storage;
  /** Microseconds since the epoch. */
  readonly clock: () => bigint;
  /** That many random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  readonly actor: Actor;
  readonly owner: LockOwner;
  /** How long to wait for a lock, in milliseconds; 60,000 where not given. */
  readonly lockTimeoutMs?: number | undefined;
  /** Adds the sha256 of the changed file to every event. */
  readonly eventSha256?: boolean | undefined;
}

/**
 * One step of a commit. A step is done when its source is gone (`publish`, `move`, `delete`) or its target is there (`link`). `etag` says
 * which object is meant to be moved, deleted or replaced: a file that came to the same path later is left alone.
 */
export type Step =
  | { readonly kind: "publish"; readonly from: string; readonly to: string; readonly over?: string | undefined }
  | { readonly kind: "move"; readonly from: string; readonly to: string; readonly etag: string }
  | { readonly kind: "link"; readonly from: string; readonly to: string }
  | { readonly kind: "delete"; readonly path: string; readonly etag: string };

/** A step that puts a staged file in its place. */
export type Publish = Extract<Step, { kind: "publish" }>;

/** A file that is on stable storage under `.staging/`, where no reader looks, waiting to be published. */
export interface Staged {
  readonly path: string;
  /** Of the staged object; stores that keep it through a move give it to the published one. */
  readonly etag: string;
  readonly size: number;
}

/** What one commit does and says. */
export interface Commit {
  /** Done first, in order; no reader sees a difference. */
  readonly prepare?: readonly Step[] | undefined;
  /** The one step that makes the change visible, all of it. */
  readonly publish: Publish;
  /** Done last, in order; no reader sees a difference, but for a sync, where each step shows one more whole commit of the other site. */
  readonly finish?: readonly Step[] | undefined;
  /** A file of whole log lines, where it lies after the steps (under `.staging/`): they go into the log before the commit's own event. */
  readonly lines?: string | undefined;
  readonly action: string;
  readonly args: EventInput["args"];
  readonly metrics?: EventInput["metrics"];
  readonly artifacts?: EventInput["artifacts"];
  readonly maintenance?: EventInput["maintenance"];
  /** The Parquet file the event's fingerprint describes, where it lies now; the base where not given. */
  readonly target?: string | undefined;
}

/** What a verb works with while it holds the dataset lock. */
export interface Transaction {
  readonly id: string;
  /** Scoped to the dataset. */
  readonly storage: Storage;
  readonly root: WritableRoot;
  readonly registry: Registry;
  readonly registryHash: string;
  /** Microseconds since the epoch, one reading for the whole transaction. */
  readonly nowUs: bigint;
  /** The id of the event this commit will leave; parts carry it. */
  readonly eventId: string;
  /** A fresh uuid4 as 32 lowercase hex digits. */
  uuid(): string;
  stage(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Staged>;
  /** A file that begins as an object of the dataset does; only where the storage has the capability `extend`. */
  stageAfter(from: Prefix, body: AsyncIterable<Uint8Array>): Promise<Staged>;
  stageParquet(schema: Schema, rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>): Promise<Staged>;
}

export interface TransactOptions {
  readonly command: string;
  /** `records.parquet` must not exist yet (init) or must (everything else). */
  readonly creates?: boolean | undefined;
  /**
   * What the commit does about a registry version that is new to the dataset: `stamp` writes the frozen copy and stamps the base (default),
   * `copy` writes the copy alone because the verb writes the base anew, under the current hash, itself; `none` leaves both to the verb.
   */
  readonly freeze?: "stamp" | "copy" | "none" | undefined;
  /** The verb reads or replaces the event log itself: its lock is held from before the verb starts. Default: from before the first step. */
  readonly locksLog?: boolean | undefined;
}
