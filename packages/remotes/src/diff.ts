import { fileClass, PLACES } from "@usr/dataset/sync";
import type { Evidence } from "./evidence.ts";
import type { LogDiff } from "./logs.ts";
import { type Plan, places, planSync } from "./plan.ts";
import { placeOf } from "./plan-overlays.ts";
import { alike, type Pairing } from "./plan-types.ts";
import { comparisonOf, hasBase, look } from "./sync.ts";
import type { ClassDiff, ClassName, Comparison, Conflict, PlannedFile, Site, SiteFile, SyncOptions } from "./types.ts";

/** How two sites of a dataset differ. */
export interface DatasetDiff extends Comparison {
  readonly evidence: Evidence;
  /** Whether a pull or a push would change anything or is stopped by a conflict, or the logs tell the same event in different words. */
  readonly hasChange: boolean;
  readonly classes: readonly ClassDiff[];
  /** What a pull and what a push would do; `undefined` where the side it would read has no such dataset. */
  readonly pull: readonly PlannedFile[] | undefined;
  readonly push: readonly PlannedFile[] | undefined;
  /** Conflicts of either direction. */
  readonly conflicts: readonly Conflict[];
}

const EMPTY: LogDiff = { onlySource: [], onlyTarget: [], altered: [] };

/** Compares both sites and changes nothing. Throws `DATASET_NOT_FOUND` where neither has the dataset. */
export const diffDataset = async (
  { dataset, local, remote }: { readonly dataset: string; readonly local: Site; readonly remote: Site },
  o: SyncOptions,
): Promise<DatasetDiff> => {
  const { input, evidence } = await look({ dataset, local, remote, direction: "pull" }, o, "either");
  const [theirs, ours] = [input.sourceInventory, input.targetInventory];
  const turned = {
    ...input,
    source: local,
    target: remote,
    near: "source",
    sourceInventory: ours,
    targetInventory: theirs,
  } as const;
  const pull: Plan | undefined = hasBase(theirs) ? await planSync(input, o) : undefined;
  const push: Plan | undefined = hasBase(ours) ? await planSync(turned, o) : undefined;
  const logs: LogDiff =
    pull?.logs ??
    (push === undefined ? EMPTY : { ...push.logs, onlySource: push.logs.onlyTarget, onlyTarget: push.logs.onlySource });
  const before = await comparisonOf({ dataset, local, remote, direction: "pull" }, input, { logs }, o);
  const conflicts = unique([...(pull?.conflicts ?? []), ...(push?.conflicts ?? [])]);
  return {
    ...before,
    evidence,
    hasChange:
      pull?.hasChange === true || push?.hasChange === true || conflicts.length > 0 || before.events.altered > 0,
    classes: classesOf({ source: theirs.files, target: ours.files }, conflicts, before.events, [pull, push]),
    pull: pull?.files,
    push: push?.files,
    conflicts,
  };
};

const unique = (conflicts: readonly Conflict[]): readonly Conflict[] => [
  ...new Map(conflicts.map((conflict) => [`${conflict.code} ${conflict.path}`, conflict])).values(),
];

const NAMES: Readonly<Record<string, ClassName>> = {
  base: "base",
  tombstones: "tombstones",
  state: "state",
  registry: "registry",
  archived: "archived",
  snapshot: "snapshots",
  pins: "snapshots",
  notes: "other",
  other: "other",
};

const classesOf = (
  { source, target }: Pairing,
  conflicts: readonly Conflict[],
  events: DatasetDiff["events"],
  plans: readonly (Plan | undefined)[],
): readonly ClassDiff[] => {
  const kinds = (name: ClassName) => (file: SiteFile) => NAMES[fileClass(file.path).kind] === name;
  const of = (name: ClassName, belongs: (file: SiteFile) => boolean): ClassDiff =>
    classDiff(name, { source: source.filter(belongs), target: target.filter(belongs) }, conflicts);
  const lines = (count: number): readonly string[] => (count === 0 ? [] : [`${count} line(s)`]);
  const registry = of("registry", kinds("registry"));
  const rootDiffers =
    plans.some((plan) => plan?.registry !== undefined) || conflicts.some(({ path }) => path === PLACES.registry);
  return [
    of("base", kinds("base")),
    ...places(source, target).map((place) => of(`overlay ${place}`, ({ path }) => placeOf(path) === place)),
    of("tombstones", kinds("tombstones")),
    of("state", kinds("state")),
    rootDiffers ? { ...registry, different: [PLACES.registry, ...registry.different] } : registry,
    {
      class: "events",
      only_local: lines(events.onlyLocal),
      only_remote: lines(events.onlyRemote),
      different: lines(events.altered),
      late: [],
    },
    of("archived", kinds("archived")),
    of("snapshots", kinds("snapshots")),
    of("other", kinds("other")),
  ];
};

const classDiff = (name: ClassName, { source, target }: Pairing, conflicts: readonly Conflict[]): ClassDiff => {
  const [there, here] = [byPath(source), byPath(target)];
  const promoted = name.startsWith("overlay ");
  const lacks = (file: SiteFile, others: ReadonlyMap<string, SiteFile>): boolean =>
    !others.has(file.path) &&
    !(promoted && file.sha256 !== undefined && [...others.values()].some(({ sha256 }) => sha256 === file.sha256));
  const paths = (files: readonly SiteFile[]): readonly string[] => files.map(({ path }) => path);
  return {
    class: name,
    only_local: paths(target.filter((file) => lacks(file, there))),
    only_remote: paths(source.filter((file) => lacks(file, here))),
    different: paths(source.filter((file) => here.has(file.path) && !alike(file, here.get(file.path)!))),
    late: conflicts.filter(({ code, class: of }) => code === "LATE_PART" && of === name).map(({ path }) => path),
  };
};

const byPath = (files: readonly SiteFile[]): ReadonlyMap<string, SiteFile> =>
  new Map(files.map((file) => [file.path, file]));
