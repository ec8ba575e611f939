import type { Actor } from "@usr/events";
import type { Storage } from "@usr/storage";
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
