import type { StorageError } from "./error.ts";

/** Cooperative cancellation, accepted by every operation that may wait. */
export interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** One stored object as a listing shows it. `etag` changes whenever the bytes under the path may have changed. */
export interface ObjectMeta {
  /** Relative, `/`-separated, no empty, `.` or `..` segment. */
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since the epoch, where the store knows it. */
  readonly modifiedMs?: number | undefined;
}

export interface ReadOptions extends Signal {
  /**
   * At least `length` bytes of memory that the caller has no other use for: a store may put what it reads there and give a view of it. Memory used
   * again and again is what a comparison of long files needs; new memory for each piece stays until it is collected.
   */
  readonly into?: Uint8Array | undefined;
}

/** A handle that keeps reading the same bytes after its path is replaced or removed. */
export interface ReadHandle extends AsyncDisposable {
  readonly meta: ObjectMeta;
  /** Exactly `length` bytes from `offset`; a range outside the object is a `StorageError` `RANGE`. */
  read(offset: number, length: number, o?: ReadOptions): Promise<Uint8Array>;
}

export interface ListOptions extends Signal {
  /**
   * Whether the caller does not look at what is in a folder (`a/b/`), at any depth: a store that can does not look there either, others list it
   * all the same.
   */
  readonly except?: ((folder: string) => boolean) | undefined;
  /**
   * Told of each folder below the first one that the listing cannot look into: the store refuses, or it is a link that leaves the root. It is passed over
   * then (such a link is listed as an object, as ever). Without it a refusal ends the listing.
   */
  readonly onUnreachable?: ((folder: string, error: StorageError) => void) | undefined;
}

/** What a reader needs: open and list. */
export interface ReadableStorage {
  /** `undefined` = no such object. */
  open(path: string, o?: Signal): Promise<ReadHandle | undefined>;
  /**
   * Objects whose path starts with `prefix` (plain text prefix, `""` = all), sorted by path in code point order. Writes in flight are never
   * listed, nor are folders. Not a snapshot: an object that comes or goes meanwhile may be in the listing or not, and each is told as it was when it
   * was looked at. The names in one folder, the folders below apart, are those of one moment, so that of an object and another that replaces it there
   * is always one. That holds as far as the store reads them in one step: a disk needs more than one beyond a few hundred names, and what lists a
   * site over HTTP is as old as it is.
   */
  list(prefix: string, o?: ListOptions): AsyncIterable<ObjectMeta>;
  /** Capability: lowercase hex sha256, computed where the bytes live; `undefined` = no such object. */
  digest?(path: string, o?: Signal): Promise<string | undefined>;
}

export type PutMode = "overwrite" | "create" | { readonly ifMatch: string };

/** The first bytes of a stored object. */
export interface Prefix {
  readonly path: string;
  readonly etag: string;
  /** Where it is still to come, a store may copy all of the object meanwhile and cut the copy. Where it fails, that error is passed on and nothing changed. */
  readonly length: number | Promise<number>;
}

/** Whether an effect is on stable storage when the method returns; default `true`. Without it a loss of power may undo it, or leave an object empty. */
export interface Durability {
  readonly durable?: boolean | undefined;
}

/** What a writer knows of the path it writes to. */
export interface Placement {
  /**
   * Nothing lies there, and nobody looks there before the method returns: a store may write in place, and flush the name while the bytes come. What an
   * interrupted write leaves then lies at the path itself; where something lies there after all, `EXISTS`. Not together with `mode`. Default `false`.
   */
  readonly fresh?: boolean | undefined;
}

/** What a writer needs. Every method that returns has put its effect on stable storage, unless it is told that nobody relies on it. */
export interface Storage extends ReadableStorage {
  /**
   * Atomic and durable: a reader sees the old object or the whole new one. `create` fails with `EXISTS` where the path is taken; `ifMatch`
   * with `CONFLICT` where the object under the path has another etag or is absent (against other processes only as good as the lock the
   * caller holds). Where `body` throws, that error is passed on and nothing changed. Names like `.*.tmp` are reserved: `PATH_INVALID`.
   */
  put(
    path: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    o?: Signal & Durability & Placement & { readonly mode?: PutMode | undefined },
  ): Promise<ObjectMeta>;
  /**
   * Capability: a `put` of an object that begins as another one does, whose bytes the store copies itself: by reference where the file system
   * can, never through this process where the system can. `CONFLICT` where the object at `from.path` is no longer the one of `from.etag` or is
   * absent, `RANGE` where it has fewer bytes. The source is never changed; in everything else as `put` with `overwrite`.
   */
  extend?(
    path: string,
    from: Prefix,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    o?: Signal & Placement,
  ): Promise<ObjectMeta>;
  /** Durable; deleting what is absent is no error. */
  delete(path: string, o?: Durability): Promise<void>;
  /** Atomic and durable move that replaces `to`; `NOT_FOUND` where `from` is absent. Works across folders of the store. */
  rename(from: string, to: string): Promise<void>;
  /** Capability: a second name for the same bytes (hard link), durable; `EXISTS` where `to` is taken. */
  link?(from: string, to: string): Promise<void>;
  /**
   * Capability: append and flush, also what others have appended. Creates the object. A short write is rolled back to the former length. Callers
   * hold a lock.
   */
  append?(path: string, body: Uint8Array, o?: Durability): Promise<void>;
  /**
   * Capability: kernel lock, exclusive, also against this very process; released by disposal or by the death of the process. `LOCKED` after
   * `timeoutMs` (absent: waits until the signal ends it; 0: one try). Leaves an empty object at `path`, which nobody may delete.
   */
  lock?(path: string, o?: Signal & { readonly timeoutMs?: number | undefined }): Promise<AsyncDisposable>;
  /**
   * Capability: what interrupted writes left under `prefix`, sorted like a listing. Writes at work look the same, so delete only what a lock
   * keeps other writers out of. What a write of `a/b` leaves lies beside it and is called `a/.b.<anything>.tmp`. Absent = an interrupted write
   * leaves nothing.
   */
  debris?(prefix: string, o?: Signal): AsyncIterable<ObjectMeta>;
  /**
   * Capability: removes the folders at and below `folder` that hold nothing, which other programs may take for something. Call it under a lock
   * that keeps writers out. Absent = the store has no folders.
   */
  prune?(folder: string): Promise<void>;
}
