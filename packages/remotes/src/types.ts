import type { DecodeLimits } from "@usr/parquet";
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
  /** Every file of the dataset, runtime files left out (`fileClass`), sorted by path in code point order. Empty = no such dataset. */
  readonly files: readonly SiteFile[];
  /** The text of the root's `registry.yaml`; `undefined` = the root has none. */
  readonly registry: string | undefined;
  /** `false` = digests were asked for and the site cannot compute any; said even where there is no file. */
  readonly digests?: boolean | undefined;
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
  /** For messages and audits: the remote's name, or the folder. */
  readonly label: string;
  /** What the root is called in the events of its datasets: its path over there; the label where not given. */
  readonly root?: string | undefined;
  /** The root: `registry.yaml`, and `<dataset>/<file>`. Has `put` where the site may be written to. */
  readonly storage: ReadableStorage | Storage;
  /** `false` = writers cannot be kept apart over there, so nothing may be written, and that is known before anything is tried. */
  readonly locks?: boolean | undefined;
  /** Ids of the datasets of the root, sorted. */
  datasets(o?: Signal): Promise<readonly string[]>;
  /** One round trip. Throws `DATASET_ID_INVALID` for what names no dataset. */
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

/** How Parquet files are opened that a site holds. */
export interface Decoding extends Signal {
  /** What a file of either site may make a reader allocate. Tables, records, snapshots and archives are held against it before they are brought. */
  readonly limits?: DecodeLimits | undefined;
}

/** What was asked of a sync. */
export interface SyncOptions extends Decoding {
  readonly verify: VerifyMode;
  /** The base alone. */
  readonly primaryOnly?: boolean | undefined;
  /** Snapshots too. */
  readonly snapshots?: boolean | undefined;
  /** Make the target what the source is: its own files are deleted, conflicts end in the source's favour. */
  readonly mirror?: boolean | undefined;
  readonly overwriteBase?: boolean | undefined;
  readonly overwriteRegistry?: boolean | undefined;
  /** Tombstones, states and single-file overlays that both sides changed become the source's. */
  readonly overwriteOverlays?: boolean | undefined;
  /** Files that are none of the format's and differ become the source's. */
  readonly overwriteOther?: boolean | undefined;
}

/** The classes of a diff, in the order they are shown. Parts and single-file overlays are in `overlay <name>`, one class each. */
export type ClassName =
  | "base"
  | `overlay ${string}`
  | "tombstones"
  | "state"
  | "registry"
  | "events"
  | "archived"
  | "snapshots"
  | "other";

/** What a sync does with one file of the target. */
export interface PlannedFile {
  readonly class: ClassName;
  /** Where it will lie at the target, relative to the dataset. */
  readonly path: string;
  /**
   * `copy` = new; `extend` = the target's own bytes and new ones after them; `replace` = written over; `merge` = both sides' rows;
   * `append` = lines of the log; `retire` = moved to `_derived/_archived/`, as at the source; `promote` = a single file becomes a part;
   * `delete` = only with `mirror`.
   */
  readonly action: "copy" | "extend" | "replace" | "merge" | "append" | "retire" | "promote" | "delete";
  /** Bytes that have to travel. */
  readonly bytes: number;
}

/** What cannot be united without a decision. */
export interface Conflict {
  readonly code: "CONFLICT" | "LATE_PART";
  readonly class: ClassName;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** One class of files on two sites. */
export interface ClassDiff {
  readonly class: ClassName;
  /** Paths; for events, how many lines, as text. */
  readonly only_local: readonly string[];
  readonly only_remote: readonly string[];
  readonly different: readonly string[];
  /** Parts that came after a compaction that does not know them. */
  readonly late: readonly string[];
}

/** Two sites of a dataset as they were found. */
export interface Comparison {
  readonly dataset: string;
  /** The remote's label. */
  readonly remote: string;
  readonly inventories: readonly [local: Inventory, remote: Inventory];
  /** Lines of the log that one side alone has, transfers apart; `altered`: lines that both have, in other words. */
  readonly events: { readonly onlyLocal: number; readonly onlyRemote: number; readonly altered: number };
  /** Lines of each log, all of them. */
  readonly lines: { readonly local: number; readonly remote: number };
}
