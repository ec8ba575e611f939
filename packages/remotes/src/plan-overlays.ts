import { fileClass, mapBounded, PLACES } from "@usr/dataset/sync";
import { openPart } from "@usr/overlay";
import { type DatedPart, lateParts, partName } from "@usr/overlay/write";
import { isDigest } from "./evidence.ts";
import { type LogDiff, rewritesParts, writesOverlay } from "./logs.ts";
import { type Action, alike, type Pairing, type Planned } from "./plan-types.ts";
import { sha256Hex } from "./sha256.ts";
import type { ClassName, Conflict, Decoding, Site, SiteFile, SyncOptions } from "./types.ts";
import { DAMAGED_HINT, whyUnreadable, withinLimits } from "./unreadable.ts";

/** Where the overlay files of a plan can be read. */
export interface Places {
  readonly source: Site;
  readonly target: Site;
  /** Which of the two is cheap to read: files that both have are read there. */
  readonly near: "source" | "target";
  readonly dataset: string;
}

/** The head of an overlay file. */
interface Head extends DatedPart {
  readonly file: SiteFile;
  readonly namespace: string;
  readonly key: string;
  readonly createdAtText: string;
}

const WIDTH = 16;
const SINGLE = /^_derived\/[^/]+\.parquet$/;

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/**
 * What brings the overlay `place` of the target up to the source's: parts that it lacks, a newer single file, and sources of compactions
 * moved aside as they are over there. Reads heads only where something differs.
 *
 * @param live files of the overlay on both sides
 * @param archived everything under `_derived/_archived/` on both sides
 */
export const planOverlay = async (
  place: string,
  places: Places,
  live: Pairing,
  archived: Pairing,
  logs: LogDiff,
  o: SyncOptions,
): Promise<Planned> => {
  const name: ClassName = `overlay ${place}`;
  const here = new Map(live.target.map((file) => [file.path, file]));
  const there = new Map(live.source.map((file) => [file.path, file]));
  const sameBytes = (file: SiteFile, others: readonly SiteFile[]): boolean =>
    file.sha256 !== undefined && others.some(({ sha256 }) => sha256 === file.sha256);
  const different = live.source.filter(({ path, ...file }) => {
    const own = here.get(path);
    return own !== undefined && !alike({ path, ...file }, own);
  });
  const missing = live.source.filter((file) => !here.has(file.path) && !sameBytes(file, live.target));
  const extra = live.target.filter((file) => !there.has(file.path) && !sameBytes(file, live.source));
  if (different.length + missing.length + extra.length === 0) return { actions: [], conflicts: [] };

  const heads = await headsOf(places, live, o);
  const arriving = missing.filter((file) => o.mirror === true || !isRetired(file, heads.target, archived.target));
  const retiring = extra.filter((file) => isRetired(file, heads.source, archived.source));
  const actions: Action[] = [];
  const conflicts: Conflict[] = [];

  for (const file of different) {
    const own = here.get(file.path)!;
    const verdict = SINGLE.test(file.path) ? whichFile(heads, file, logs, o) : partVerdict(heads, file, logs, o);
    if (verdict === "source") actions.push(bring(name, file, file.path, own.etag, heads));
    else if (verdict !== "target") conflicts.push({ code: "CONFLICT", class: name, path: file.path, ...verdict });
  }
  const parts = [...live.source, ...live.target].some(({ path }) => !SINGLE.test(path));
  const single = live.target.find(({ path }) => SINGLE.test(path));
  const replaced = new Set(actions.map(({ path }) => path));
  if (
    single !== undefined &&
    arriving.length > 0 &&
    !retiring.includes(single) &&
    !replaced.has(single.path) &&
    o.mirror !== true
  ) {
    const to = await partPath(place, heads.target.get(single.path), single);
    actions.push({ kind: "promote", class: name, path: single.path, to, etag: single.etag });
  }
  for (const file of arriving) {
    if (!heads.source.has(file.path) && o.mirror !== true) {
      const message = `${file.path} cannot be read where it comes from`;
      conflicts.push({ code: "CONFLICT", class: name, path: file.path, message, hint: DAMAGED_HINT });
      continue;
    }
    const asPart = SINGLE.test(file.path) && parts && o.mirror !== true;
    const path = asPart ? await partPath(place, heads.source.get(file.path), file) : file.path;
    actions.push(bring(name, file, path, undefined, heads));
  }
  for (const file of retiring) {
    const to = archivePath(file, archived.source) ?? `${PLACES.archived}${place}/${nameOf(file.path)}`;
    actions.push({ kind: "retire", class: name, path: file.path, to, etag: file.etag });
  }
  if (o.mirror === true) {
    for (const { path, etag } of extra.filter((file) => !retiring.includes(file)))
      actions.push({ kind: "delete", class: name, path, etag });
    return { actions, conflicts: [] };
  }
  conflicts.push(...refusals(name, place, heads, live, new Set(arriving), new Set(retiring)));
  return { actions, conflicts };
};

/** Which of two parts of one name stands: they are immutable, but for maintenance that says so in the log. */
const partVerdict = (heads: Heads, file: SiteFile, logs: LogDiff, o: SyncOptions): Verdict => {
  if (o.mirror === true) return "source";
  const namespace = heads.source.get(file.path)?.namespace ?? "";
  const there = logs.onlySource.some((line) => rewritesParts(namespace, line));
  const here = logs.onlyTarget.some((line) => rewritesParts(namespace, line));
  if (there !== here) return there ? "source" : "target";
  return {
    message: `the part ${file.path} is immutable, and its bytes differ between the sites`,
    hint: "One of the copies is damaged: find it with usr validate, remove that file, and sync again.",
  };
};

/** Which of two single files stands. */
const whichFile = (heads: Heads, file: SiteFile, logs: LogDiff, o: SyncOptions): Verdict => {
  if (o.mirror === true || o.overwriteOverlays === true) return "source";
  const [theirs, ours] = [heads.source.get(file.path), heads.target.get(file.path)];
  const namespace = theirs?.namespace ?? fileNamespace(file.path);
  const [there, here] = [
    logs.onlySource.some((line) => writesOverlay(namespace, line)),
    logs.onlyTarget.some((line) => writesOverlay(namespace, line)),
  ];
  const newerThere = (theirs?.createdAt ?? 0n) > (ours?.createdAt ?? 0n);
  if (there && !here && newerThere) return "source";
  if (here && !there && !newerThere) return "target";
  return {
    message:
      there && here
        ? `both sides have written ${file.path} since it was equal`
        : `${file.path} differs, and no event says which is newer`,
    hint: "Compact the overlay into parts on both sides before writing it on both, or take the source's with --overwrite-overlays.",
  };
};

const fileNamespace = (path: string): string => nameOf(path).slice(0, -".parquet".length);

type Verdict = "source" | "target" | Pick<Conflict, "message" | "hint">;

interface Heads {
  readonly source: ReadonlyMap<string, Head>;
  readonly target: ReadonlyMap<string, Head>;
}

const headsOf = async (places: Places, live: Pairing, o: Decoding): Promise<Heads> => {
  const shared = new Map<string, SiteFile>();
  const other = places.near === "source" ? "target" : "source";
  for (const file of live[other]) {
    const own = live[places.near].find(({ path }) => path === file.path);
    if (own !== undefined && alike(own, file)) shared.set(file.path, own);
  }
  const near = await readHeads(places[places.near], places.dataset, live[places.near], o);
  const far = await readHeads(
    places[other],
    places.dataset,
    live[other].filter(({ path }) => !shared.has(path)),
    o,
  );
  for (const [path] of shared) far.set(path, near.get(path)!);
  return places.near === "source" ? { source: near, target: far } : { source: far, target: near };
};

const readHeads = async (
  site: Site,
  dataset: string,
  files: readonly SiteFile[],
  o: Decoding,
): Promise<Map<string, Head>> => {
  const heads = await mapBounded(files, WIDTH, async (file): Promise<readonly [string, Head] | undefined> => {
    await using handle = await site.storage.open(`${dataset}/${file.path}`, o);
    if (handle === undefined) return undefined;
    try {
      const part = await withinLimits(file.path, () =>
        openPart(handle, { path: file.path, signal: o.signal, limits: o.limits }),
      );
      const { name, namespace, key, createdAt, createdAtText, compactedFrom } = part;
      return [file.path, { name, namespace, key, createdAt, createdAtText, compactedFrom, file }];
    } catch (error) {
      // Without a head it cannot be brought; what lies at the target already is the target's.
      if (whyUnreadable(error) === undefined) throw error;
      return undefined;
    }
  });
  return new Map(heads.filter((head) => head !== undefined));
};

/** Whether a side has had this file and set it aside: a compaction lists it, or it lies in the archive. */
const isRetired = (file: SiteFile, live: ReadonlyMap<string, Head>, archived: readonly SiteFile[]): boolean => {
  if (archivePath(file, archived) !== undefined) return true;
  const name = nameOf(file.path);
  for (const { compactedFrom } of live.values()) {
    const listed = compactedFrom?.find((source) => source.name === name);
    if (listed !== undefined && (!isDigest(file.sha256) || file.sha256 === listed.sha256)) return true;
  }
  return false;
};

const archivePath = (file: SiteFile, archived: readonly SiteFile[]): string | undefined =>
  archived.find((other) => nameOf(other.path) === nameOf(file.path) && alike(other, file))?.path;

/** Where a single file lies once it is a part: the name is made of its content, so that every site finds the same. */
const partPath = async (place: string, head: Head | undefined, file: SiteFile): Promise<string> => {
  const digest = isDigest(file.sha256)
    ? file.sha256
    : await sha256Hex([new TextEncoder().encode(`${place}/${head?.createdAtText}/${file.size}`)]);
  return `${PLACES.overlayDir(place)}${partName((head?.createdAt ?? 0n) / 1000n, digest.slice(0, 32))}`;
};

const bring = (name: ClassName, from: SiteFile, path: string, over: string | undefined, heads: Heads): Action => ({
  kind: "bring",
  class: name,
  path,
  from,
  prefix: 0,
  over,
  order: `2 ${(heads.source.get(from.path)?.createdAt ?? 0n).toString().padStart(30, "0")} ${nameOf(path)}`,
});

/** What would break the overlay at the target: parts that came too late, or are keyed by something else. */
const refusals = (
  name: ClassName,
  place: string,
  heads: Heads,
  live: Pairing,
  arriving: ReadonlySet<SiteFile>,
  retiring: ReadonlySet<SiteFile>,
): readonly Conflict[] => {
  const coming = new Set([...arriving].map(({ path }) => heads.source.get(path)).filter((head) => head !== undefined));
  const after = [
    ...live.target.filter((file) => !retiring.has(file)).map(({ path }) => heads.target.get(path)),
    ...coming,
  ].filter((head) => head !== undefined);
  const found: Conflict[] = [];
  for (const { part, compaction } of lateParts(after)) {
    if (!coming.has(part) && !coming.has(compaction)) continue;
    const where = coming.has(part) ? "the source's" : "the target's";
    found.push({
      code: "LATE_PART",
      class: name,
      path: part.file.path,
      message: `${where} part ${part.file.path} (${part.createdAtText}) is older than the compaction ${compaction.name} (${compaction.createdAtText}), which does not list it`,
      hint: `Where the part lies beside all parts of that compaction, compact ${place} there and sync again; else attach its rows again where the compaction lies, and remove the part.`,
    });
  }
  const keys = new Set(after.map(({ key }) => key));
  if (keys.size > 1) {
    found.push({
      code: "CONFLICT",
      class: name,
      path: PLACES.overlayDir(place),
      message: `the parts of ${place} are keyed by ${[...keys].join(" on one side and by ")} on the other`,
      hint: "Remove the overlay of one side (usr overlay remove), and sync again.",
    });
  }
  return found;
};

/** The stem under which an overlay file is planned, `undefined` for other files. */
export const placeOf = (path: string): string | undefined => {
  const found = fileClass(path);
  return found.kind === "part" || found.kind === "overlay" ? found.place : undefined;
};
