import { fileClass, mapBounded, PLACES } from "@usr/dataset/sync";
import { type Evidence, evidenceAt, evidenceOf, type ProvedMode, wantsDigests, withEvidence } from "./evidence.ts";
import { diffLogs, saidBy } from "./logs.ts";
import { archivesOf } from "./plan.ts";
import { alike } from "./plan-types.ts";
import { requireDataset } from "./sync.ts";
import type { Inventory, Site, SiteFile, SyncOptions } from "./types.ts";

/** What a check of two sites has found. */
export interface VerifyReport {
  readonly dataset: string;
  readonly remote: string;
  /** Both sites hold the same files with the same content, as far as was looked. Snapshots that one side alone has do not count. */
  readonly ok: boolean;
  readonly evidence: Evidence;
  /** Files of both sides whose content was compared, and what they hold. */
  readonly checked: { readonly files: number; readonly bytes: number };
  /** Files that both sides have. */
  readonly shared: { readonly files: number; readonly bytes: number };
  readonly different: readonly string[];
  readonly only_local: readonly string[];
  readonly only_remote: readonly string[];
  /** Lines of the log that one side alone has, transfers apart. Logs may hold the same lines in another order; where they hold one in other words, the log is `different`. */
  readonly events: { readonly only_local: number; readonly only_remote: number };
}

export interface VerifyOptions extends Pick<SyncOptions, "verify" | "signal"> {
  /** Compare the content of this share of the shared files (0 to 1), chosen by `random`; names and sizes of all. */
  readonly sample?: number | undefined;
  readonly random: (bytes: number) => Uint8Array;
}

const WIDTH = 8;

/** Compares every file of both sites and moves nothing. Throws `DATASET_NOT_FOUND` where one of them has no such dataset. */
export const verifyDataset = async (
  { dataset, local, remote }: { readonly dataset: string; readonly local: Site; readonly remote: Site },
  o: VerifyOptions,
): Promise<VerifyReport> => {
  const digests = wantsDigests(o.verify) && o.sample === undefined;
  const [here, there] = await Promise.all(
    [local, remote].map((site) => site.inventory(dataset, { digests, signal: o.signal })),
  );
  if (here === undefined || there === undefined) throw new RangeError("two sites have two inventories");
  await requireDataset(local, dataset, here, o);
  await requireDataset(remote, dataset, there, o);
  const evidence =
    o.sample === undefined
      ? evidenceOf(o.verify, { site: local, inventory: here }, { site: remote, inventory: there })
      : await sampledEvidence(o.verify, local, remote, dataset, o);
  const known = (site: Site, inventory: Inventory): Promise<Inventory> =>
    withEvidence(site, dataset, inventory, o.sample === undefined ? evidence.proved : "size", o);
  const [ours, theirs] = await Promise.all([known(local, here), known(remote, there)]);
  const pairs = pairsOf(ours.files, theirs.files);
  const sized = pairs.filter(([a, b]) => alike(a, b));
  const looked = o.sample === undefined ? pairs : chosen(sized, o.sample, o.random);
  const unlike = o.sample === undefined ? [] : await differing(looked, local, remote, dataset, evidence.proved, o);
  const logs = await diffLogs(
    { site: remote, dataset, file: logOf(there.files), archives: archivesOf(there.files) },
    { site: local, dataset, file: logOf(here.files), archives: archivesOf(here.files) },
    o,
  );
  const events = {
    only_local: saidBy(logs.onlyTarget),
    only_remote: saidBy(logs.onlySource),
  };
  const [only_local, only_remote] = [lacking(ours.files, theirs.files), lacking(theirs.files, ours.files)];
  const counted = [...only_local, ...only_remote].filter((path) => !OF_SNAPSHOTS.has(fileClass(path).kind));
  // Marks speak of snapshots: where these are not the same, marks need not be.
  const ownMarks = counted.length < only_local.length + only_remote.length;
  const different = [...pairs.filter(([a, b]) => !alike(a, b)), ...unlike]
    .map(([{ path }]) => path)
    .filter((path) => !(ownMarks && fileClass(path).kind === "pins"))
    .concat(logs.altered.length > 0 ? [PLACES.events] : [])
    .sort();
  return {
    dataset,
    remote: remote.label,
    ok: different.length + counted.length + events.only_local + events.only_remote === 0,
    evidence,
    checked: total(looked),
    shared: total(pairs),
    different,
    only_local,
    only_remote,
    events,
  };
};

/** What each site keeps for itself, unless it is asked for. */
const OF_SNAPSHOTS: ReadonlySet<string> = new Set(["snapshot", "pins"]);

type Pair = readonly [SiteFile, SiteFile];

const isLog = ({ path }: SiteFile): boolean => fileClass(path).kind === "events";

const logOf = (files: readonly SiteFile[]): SiteFile | undefined => files.find(isLog);

const pairsOf = (a: readonly SiteFile[], b: readonly SiteFile[]): readonly Pair[] => {
  const others = new Map(b.map((file) => [file.path, file]));
  return a
    .filter((file) => !isLog(file))
    .flatMap((file): readonly Pair[] => {
      const other = others.get(file.path);
      return other === undefined ? [] : [[file, other]];
    });
};

const lacking = (files: readonly SiteFile[], others: readonly SiteFile[]): readonly string[] => {
  const there = new Set(others.map(({ path }) => path));
  return files.filter((file) => !isLog(file) && !there.has(file.path)).map(({ path }) => path);
};

const total = (pairs: readonly Pair[]): VerifyReport["checked"] => ({
  files: pairs.length,
  bytes: pairs.reduce((sum, [{ size }]) => sum + size, 0),
});

/** A share of the files, one at least, each as likely as any other. */
const chosen = (pairs: readonly Pair[], share: number, random: VerifyOptions["random"]): readonly Pair[] => {
  const wanted = Math.min(pairs.length, Math.max(1, Math.ceil(pairs.length * share)));
  const left = [...pairs];
  for (let at = 0; at < wanted; at++) {
    const bytes = random(4);
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const from = at + (number % (left.length - at));
    [left[at], left[from]] = [left[from]!, left[at]!];
  }
  return left.slice(0, wanted);
};

const sampledEvidence = async (
  requested: VerifyOptions["verify"],
  local: Site,
  remote: Site,
  dataset: string,
  o: VerifyOptions,
): Promise<Evidence> => {
  const digests = wantsDigests(requested);
  const ask = async (site: Site): Promise<Inventory> => ({
    files: [],
    registry: undefined,
    digests: digests && (await site.digestRanges(`${dataset}/records.parquet`, [], o)) !== undefined,
  });
  return evidenceOf(
    requested,
    { site: local, inventory: await ask(local) },
    { site: remote, inventory: await ask(remote) },
  );
};

const differing = async (
  pairs: readonly Pair[],
  local: Site,
  remote: Site,
  dataset: string,
  mode: ProvedMode,
  o: VerifyOptions,
): Promise<readonly Pair[]> => {
  const same = await mapBounded(pairs, WIDTH, async ([{ path, size }]) => {
    const [a, b] = await Promise.all(
      [local, remote].map((site) => evidenceAt(site, `${dataset}/${path}`, size, mode, o)),
    );
    return a === b;
  });
  return pairs.filter((_, at) => same[at] === false);
};
