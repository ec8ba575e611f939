import type { ReadableStorage, Signal, Storage } from "@usr/storage";

/** One file of a dataset, as the site that holds it describes it. */
export interface SiteFile {
  /** Relative to the dataset. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the bytes may have changed; means something on its own site only. */
  readonly etag: string;
  /** Milliseconds since the epoch, where the site knows it. */
  readonly modifiedMs?: number | undefined;
  /** Lowercase hex sha256 of the bytes; absent where it was not asked for or the site cannot compute it. */
  readonly sha256?: string | undefined;
}

/** Everything a plan needs to know about a dataset on a site. */
export interface Inventory {
  /** Every file of the dataset, runtime files left out (`isRuntimeFile`), sorted by path in code point order. Empty = no such dataset. */
  readonly files: readonly SiteFile[];
  /** The text of the root's `registry.yaml`; `undefined` = the root has none. */
  readonly registry: string | undefined;
}

export interface InventoryOptions extends Signal {
  /** Whether every file needs its `sha256`. A site that cannot compute digests leaves them out: that is an answer, no error. */
  readonly digests: boolean;
}

/** A piece of a file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * A root of datasets as sync sees it: a storage, and the questions that would cost too many round trips if they were asked file by file.
 * `storageSite` makes one of any storage. A site that is far away answers `inventory`, `digestRanges` and `datasets` in one round trip each.
 *
 * Unreachable is an error of the site (`RemoteError` `UNREACHABLE`), never "absent".
 */
export interface Site extends AsyncDisposable {
  /** For messages, events and audits: the remote's name, or the folder. */
  readonly label: string;
  /** The root: `registry.yaml`, and `<dataset>/<file>`. Has `put` where the site may be written to. */
  readonly storage: ReadableStorage | Storage;
  /** Ids of the datasets of the root, sorted. */
  datasets(o?: Signal): Promise<readonly string[]>;
  /** One round trip. */
  inventory(dataset: string, o: InventoryOptions): Promise<Inventory>;
  /**
   * Lowercase hex sha256 of each range, in the order asked; `undefined` where the site cannot compute digests. The ranges do not overlap and
   * ascend, so one pass over the file is enough. A range outside the file is a `StorageError` `RANGE`, an absent file `NOT_FOUND`.
   */
  digestRanges(path: string, ranges: readonly ByteRange[], o?: Signal): Promise<readonly string[] | undefined>;
  /**
   * Makes `to` an object of the first `length` bytes of `from`, without moving them over the wire; replaces what is there. Only asked of sites
   * that may be written to. `NOT_FOUND` and `RANGE` as in `digestRanges`.
   */
  copyPrefix(from: string, length: number, to: string): Promise<void>;
}

/** Digests known from earlier, so that files that cannot have changed are not read again. It lives outside every dataset. */
export interface DigestCache {
  /** The sha256 of that version of a file, if it is known. `site` and `path` name it; a version is its etag and size. */
  get(site: string, path: string, etag: string, size: number): string | undefined;
  set(site: string, path: string, etag: string, size: number, sha256: string): void;
}

/** How much equality was asked for, or proved. Ordered by strength: `size` says least, `hash` says that every byte is the same. */
export type VerifyMode = "auto" | "hash" | "parquet" | "size";

/** One entry of `remotes.yaml`. */
export type RemoteProfile = SshProfile | FileProfile | HttpProfile;

interface CommonProfile {
  readonly name: string;
  /** What `--verify` is when it is not typed. */
  readonly verify?: VerifyMode | undefined;
}

export interface SshProfile extends CommonProfile {
  readonly type: "ssh";
  /** A host name or an alias of the user's ssh config. */
  readonly host: string;
  readonly user: string;
  /** The root of datasets on the remote. */
  readonly baseDir: string;
  /** The name of the environment variable that holds the path of a private key. */
  readonly sshKeyEnv?: string | undefined;
  /** Never ask for a password or a second factor (default true). */
  readonly batchMode: boolean;
}

export interface FileProfile extends CommonProfile {
  readonly type: "file";
  /** A folder: a mounted share, a second disk. */
  readonly baseDir: string;
}

export interface HttpProfile extends CommonProfile {
  readonly type: "http";
  /** Where the published root lies. Read only. */
  readonly url: string;
}
