import { fileClass, PLACES } from "@usr/dataset/sync";
import type { Evidence } from "./evidence.ts";
import { alike } from "./plan-types.ts";
import type { Comparison, Conflict, Inventory, PlannedFile, SiteFile } from "./types.ts";

/** What `changes` of a diff holds: the keys that scripts over the Python program's output read. */
export interface Changes {
  readonly primary_sha_diff: boolean;
  readonly meta_mtime_diff: boolean;
  readonly events_new_remote_lines: number;
  readonly events_content_diff: boolean;
  readonly snapshots_name_diff: boolean;
  readonly snapshots_remote_newer: number;
  readonly derived_files_diff: boolean;
  readonly aux_files_diff: boolean;
}

/** The classes of the Python program: everything below `_derived/` is derived, and what has no name of its own auxiliary. */
type Group = "primary" | "meta" | "events" | "snapshots" | "derived" | "auxiliary";

const groupOf = (path: string): Group => {
  if (path.startsWith("_derived/")) return "derived";
  switch (fileClass(path).kind) {
    case "base":
      return "primary";
    case "notes":
      return "meta";
    case "events":
      return "events";
    case "snapshot":
    case "pins":
      return "snapshots";
    default:
      return "auxiliary";
  }
};

const filesOf = ({ files }: Inventory, group: Group): ReadonlyMap<string, SiteFile> =>
  new Map(files.filter(({ path }) => groupOf(path) === group).map((file) => [file.path, file]));

const differ = (a: ReadonlyMap<string, SiteFile>, b: ReadonlyMap<string, SiteFile>): boolean =>
  a.size !== b.size || [...a].some(([path, file]) => !b.has(path) || !alike(file, b.get(path)!));

/** The differences as the Python program names them. Its `meta_mtime_diff` compared times; here it says whether the bytes differ. */
export const changesOf = ({ inventories: [local, remote], events }: Comparison): Changes => {
  const differs = (group: Group): boolean => differ(filesOf(local, group), filesOf(remote, group));
  return {
    primary_sha_diff: differs("primary"),
    meta_mtime_diff: differs("meta"),
    events_new_remote_lines: events.onlyRemote,
    events_content_diff: events.onlyLocal + events.onlyRemote + events.altered > 0,
    snapshots_name_diff: differs("snapshots"),
    snapshots_remote_newer: newerSnapshots(local, remote),
    derived_files_diff: differs("derived"),
    aux_files_diff: differs("auxiliary"),
  };
};

const newerSnapshots = (local: Inventory, remote: Inventory): number => {
  const names = (inventory: Inventory): readonly string[] =>
    [...filesOf(inventory, "snapshots").keys()].filter((path) => path.endsWith(".parquet")).sort();
  const newest = names(local).at(-1) ?? "";
  return names(remote).filter((name) => name > newest).length;
};

/** What `--audit-json-out` writes: the documented keys of the Python program in their order, and after them what it left out. */
export interface Audit {
  readonly action: "diff" | "pull" | "push";
  readonly transfer_state: "DIFF-ONLY" | "DRY-RUN" | "TRANSFERRED" | "NO-OP";
  readonly dataset: string;
  readonly [key: string]: unknown;
}

/** What is known beside the comparison itself. */
export interface AuditFacts {
  readonly action: Audit["action"];
  readonly state: Audit["transfer_state"];
  readonly evidence: Evidence;
  readonly files: readonly PlannedFile[];
  readonly conflicts: readonly Conflict[];
  /** What travelled. */
  readonly bytes: number;
  readonly lines: number;
  /** From start to end. */
  readonly seconds: number;
  /** RFC 3339. */
  readonly finishedAt: string;
  readonly primaryOnly: boolean;
}

/** The audit of one command: the comparison of before, and what came of it. */
export const auditOf = (before: Comparison, facts: AuditFacts): Audit => {
  const { action, evidence, primaryOnly } = facts;
  const changes = changesOf(before);
  const [local, remote] = before.inventories;
  const side = (group: Group, folder: string): Readonly<Record<string, unknown>> => {
    const [here, there] = [filesOf(local, group), filesOf(remote, group)];
    const names = (mine: ReadonlyMap<string, SiteFile>, other: ReadonlyMap<string, SiteFile>): readonly string[] =>
      [...mine.keys()].filter((path) => !other.has(path)).map((path) => path.slice(folder.length));
    return {
      changed: differ(here, there),
      local_files: here.size,
      remote_files: there.size,
      local_only: names(here, there),
      remote_only: names(there, here),
    };
  };
  return {
    action,
    transfer_state: facts.state,
    dataset: before.dataset,
    verify: {
      primary: evidence.proved,
      sidecars: action === "diff" || primaryOnly ? "off" : "strict",
      content_hashes: action !== "diff" && !primaryOnly && evidence.proved === "hash" ? "on" : "off",
      requested: evidence.requested,
      weaker: evidence.weaker,
      notes: evidence.notes,
    },
    primary: { changed: changes.primary_sha_diff },
    meta: { changed: changes.meta_mtime_diff },
    [PLACES.events]: {
      local: before.lines.local,
      remote: before.lines.remote,
      changed: changes.events_content_diff,
    },
    _snapshots: {
      changed: changes.snapshots_name_diff,
      remote_count: filesOf(remote, "snapshots").size,
      newer_than_local: changes.snapshots_remote_newer,
    },
    _derived: side("derived", "_derived/"),
    _auxiliary: side("auxiliary", ""),
    remote: before.remote,
    files: facts.files,
    conflicts: facts.conflicts,
    bytes: facts.bytes,
    events: facts.lines,
    seconds: facts.seconds,
    finished_at: facts.finishedAt,
  };
};
