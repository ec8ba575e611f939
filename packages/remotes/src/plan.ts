import { fileClass, mapBounded, mergeRecordFiles, PLACES } from "@usr/dataset/sync";
import { comparePaths } from "@usr/storage";
import { type BasePlan, planBase, requireLimits } from "./base.ts";
import { diffLogs, type LogDiff, saidBy, writesOverlay } from "./logs.ts";
import { type Places, placeOf, planOverlay } from "./plan-overlays.ts";
import { planNotes, planPins } from "./plan-texts.ts";
import { type Action, alike, type Pairing, type Planned, prevails } from "./plan-types.ts";
import { planRegistry, type RegistryPlan } from "./registries.ts";
import type { ClassName, Conflict, Inventory, PlannedFile, SiteFile, SyncOptions } from "./types.ts";
import { DAMAGED_HINT, whyUnreadable, withinLimits } from "./unreadable.ts";

/** One direction of a sync, worked out and not begun. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly conflicts: readonly Conflict[];
  readonly logs: LogDiff;
  /** Lines that go into the target's log. */
  readonly lines: LogDiff["onlySource"];
  readonly base: BasePlan;
  /** What the target root's `registry.yaml` will say; `undefined` = it stays. */
  readonly registry: string | undefined;
  /** Whether the sync would change anything but tell about former transfers. */
  readonly hasChange: boolean;
  /** What there is to do, for people. */
  readonly files: readonly PlannedFile[];
}

/** Both sides of a plan. */
export interface PlanInput extends Places {
  readonly sourceInventory: Inventory;
  readonly targetInventory: Inventory;
}

/** Works out what brings the target up to the source. Reads what it must of both and changes nothing. */
export const planSync = async (input: PlanInput, o: SyncOptions): Promise<Plan> => {
  const { dataset } = input;
  const [source, target] = [input.sourceInventory.files, input.targetInventory.files];
  const logs = await diffLogs(
    { site: input.source, dataset, file: fileAt(source, PLACES.events), archives: archivesOf(source) },
    { site: input.target, dataset, file: fileAt(target, PLACES.events), archives: archivesOf(target) },
    o,
  );
  const actions: Action[] = [];
  const conflicts: Conflict[] = [];
  const take = (planned: Planned): void => {
    actions.push(...planned.actions);
    conflicts.push(...planned.conflicts);
  };

  const registry = await planRegistry(input.sourceInventory.registry, input.targetInventory.registry, {
    overwrite: o.overwriteRegistry === true || o.mirror === true,
  });
  if (registry.kind === "conflict") conflicts.push(registryConflict(registry));
  const sides = {
    source: { site: input.source, dataset, file: fileAt(source, PLACES.base) },
    target: { site: input.target, dataset, file: fileAt(target, PLACES.base) },
  };
  const base: BasePlan =
    sides.source.file !== undefined && sides.target.file !== undefined && alike(sides.source.file, sides.target.file)
      ? { kind: "same" }
      : await planBase(sides.source, sides.target, logs, sides[input.near], o);
  take(baseActions(base, sides.source.file, sides.target.file, o));
  take(registryFiles({ source, target }, o));

  if (o.primaryOnly !== true) {
    const archived: Pairing = { source: ofKind(source, "archived"), target: ofKind(target, "archived") };
    const overlays = places(source, target);
    for (const place of overlays) {
      const live: Pairing = { source: ofPlace(source, place), target: ofPlace(target, place) };
      take(await planOverlay(place, input, live, archived, logs, o));
    }
    for (const kind of RECORDS) take(await planRecords(kind, input, logs, o));
    const moved = new Set(actions.flatMap((action) => (action.kind === "retire" ? [action.to] : [])));
    const kept = [union("archived", archived, o, moved)];
    if (o.snapshots === true) {
      take(await planPins(input, o));
      kept.push(union("snapshots", { source: ofKind(source, "snapshot"), target: ofKind(target, "snapshot") }, o));
    }
    for (const planned of kept) take(await withinBudget(planned, input, o));
    take(await planNotes(input, o));
    take(union("other", { source: ofKind(source, "other"), target: ofKind(target, "other") }, o));
  }
  const text = registry.kind === "united" ? registry.text : undefined;
  const lines = o.primaryOnly === true ? [] : logs.onlySource;
  return {
    actions,
    conflicts,
    logs,
    lines,
    base,
    registry: text,
    hasChange: actions.length > 0 || text !== undefined || saidBy(lines) > 0,
    files: shown(actions, text, lines),
  };
};

/** Files that are looked at at once. */
const WIDTH = 16;

const NOTHING: Planned = { actions: [], conflicts: [] };

const fileAt = (files: readonly SiteFile[], path: string): SiteFile | undefined =>
  files.find((file) => file.path === path);

export const archivesOf = (files: readonly SiteFile[]): readonly SiteFile[] =>
  files.filter(({ path }) => path.startsWith(PLACES.eventsArchive));

const ofKind = (files: readonly SiteFile[], kind: string): readonly SiteFile[] =>
  files.filter(({ path }) => fileClass(path).kind === kind);

const ofPlace = (files: readonly SiteFile[], place: string): readonly SiteFile[] =>
  files.filter(({ path }) => placeOf(path) === place);

export const places = (source: readonly SiteFile[], target: readonly SiteFile[]): readonly string[] =>
  [...new Set([...source, ...target].flatMap(({ path }) => placeOf(path) ?? []))].sort(comparePaths);

const registryConflict = ({ message }: Extract<RegistryPlan, { kind: "conflict" }>): Conflict => ({
  code: "CONFLICT",
  class: "registry",
  path: PLACES.registry,
  message,
  hint: "Make them agree with usr namespace register on one side, or take the source's entry with --overwrite-registry.",
});

const baseActions = (
  base: BasePlan,
  source: SiteFile | undefined,
  target: SiteFile | undefined,
  o: SyncOptions,
): Planned => {
  if (source === undefined || base.kind === "same") return NOTHING;
  if (base.kind === "unreadable") {
    const { message } = base;
    const conflict: Conflict = { code: "CONFLICT", class: "base", path: PLACES.base, message, hint: DAMAGED_HINT };
    return { actions: [], conflicts: [conflict] };
  }
  const overwrite = o.overwriteBase === true || o.mirror === true;
  if (base.kind === "ahead" && !overwrite) return NOTHING;
  if (base.kind === "diverged" && !overwrite) {
    const hint =
      "Export the rows that only one side has, take the other side's base with --overwrite-base (a snapshot keeps the one that is replaced), and import them again.";
    return {
      actions: [],
      conflicts: [{ code: "CONFLICT", class: "base", path: PLACES.base, message: base.message, hint }],
    };
  }
  const prefix = "prefix" in base ? base.prefix : 0;
  const action: Action = {
    kind: "bring",
    class: "base",
    path: PLACES.base,
    from: source,
    prefix,
    over: target?.etag,
    order: "1",
  };
  return { actions: [action], conflicts: [] };
};

/** Frozen registries are named by their content. */
const registryFiles = ({ source, target }: Pairing, o: SyncOptions): Planned =>
  union("registry", { source: ofKind(source, "registry"), target: ofKind(target, "registry") }, o);

const RECORDS = [
  ["tombstones", "usr", PLACES.tombstones],
  ["state", "usr_state", PLACES.state],
] as const;

/** Tombstones or states: the file of the side that alone has written it since, else rows of both. */
const planRecords = async (
  [name, namespace, path]: (typeof RECORDS)[number],
  input: PlanInput,
  logs: LogDiff,
  o: SyncOptions,
): Promise<Planned> => {
  const from = fileAt(input.sourceInventory.files, path);
  const to = fileAt(input.targetInventory.files, path);
  if (from === undefined) {
    const extra = o.mirror === true && to !== undefined;
    return { actions: extra ? [{ kind: "delete", class: name, path, etag: to.etag }] : [], conflicts: [] };
  }
  if (to !== undefined && alike(from, to)) return NOTHING;
  const there = logs.onlySource.some((line) => writesOverlay(namespace, line));
  const here = logs.onlyTarget.some((line) => writesOverlay(namespace, line));
  if (to === undefined || o.mirror === true || (there && !here)) {
    await requireLimits(input.source, input.dataset, path, o);
    return {
      actions: [{ kind: "bring", class: name, path, from, prefix: 0, over: to?.etag, order: "3" }],
      conflicts: [],
    };
  }
  if (here && !there) return NOTHING;
  await using theirs = await input.source.storage.open(`${input.dataset}/${path}`, o);
  await using ours = await input.target.storage.open(`${input.dataset}/${path}`, o);
  if (theirs === undefined || ours === undefined) return NOTHING;
  const prefer = o.overwriteOverlays === true ? "source" : undefined;
  const merged = await withinLimits(path, () =>
    mergeRecordFiles(path, ours, theirs, { prefer, limits: o.limits }),
  ).catch((error: unknown) => {
    const message = whyUnreadable(error);
    if (message === undefined) throw error;
    return message;
  });
  if (typeof merged === "string")
    return {
      actions: [],
      conflicts: [{ code: "CONFLICT", class: name, path, message: merged, hint: DAMAGED_HINT }],
    };
  if (merged.conflicts.length > 0) {
    const sample = `${merged.conflicts.slice(0, 5).join(", ")}${merged.conflicts.length > 5 ? ", …" : ""}`;
    const message =
      there && here
        ? `both sides have written the ${name} since they were equal, and ${merged.conflicts.length} row(s) differ: ${sample}`
        : `the ${name} of ${merged.conflicts.length} row(s) differ, and no event says which side is newer: ${sample}`;
    const hint =
      "Give these rows the same values on both sides (usr state set, usr delete, usr restore), or take the source's with --overwrite-overlays.";
    return { actions: [], conflicts: [{ code: "CONFLICT", class: name, path, message, hint }] };
  }
  if (merged.changed > 0) return { actions: [{ kind: "merge", class: name, path, from, to }], conflicts: [] };
  // The same rows in other bytes: one of the files becomes both, or the sites would never be equal.
  if (merged.ahead > 0 || !prevails(from, to)) return NOTHING;
  return {
    actions: [{ kind: "bring", class: name, path, from, prefix: 0, over: to.etag, order: "3" }],
    conflicts: [],
  };
};

/** Files that are never written anew: what the target lacks is brought, what differs is a conflict. */
const union = (
  name: ClassName,
  { source, target }: Pairing,
  o: SyncOptions,
  moved: ReadonlySet<string> = new Set(),
): Planned => {
  const actions: Action[] = [];
  const conflicts: Conflict[] = [];
  const here = new Map(target.map((file) => [file.path, file]));
  for (const from of source) {
    const to = here.get(from.path);
    if (moved.has(from.path) || (to !== undefined && alike(from, to))) continue;
    if (to !== undefined && o.mirror !== true && !(name === "other" && o.overwriteOther === true)) {
      conflicts.push(differing(name, from.path));
      continue;
    }
    const over = to?.etag;
    actions.push({ kind: "bring", class: name, path: from.path, from, prefix: 0, over, order: undefined });
  }
  if (o.mirror === true) {
    const there = new Set(source.map(({ path }) => path));
    for (const { path, etag } of target)
      if (!there.has(path)) actions.push({ kind: "delete", class: name, path, etag });
  }
  return { actions, conflicts };
};

/** Nothing else of a plan opens snapshots and archives, but who restores them decodes them. */
const withinBudget = async (planned: Planned, { source, dataset }: PlanInput, o: SyncOptions): Promise<Planned> => {
  const tables = planned.actions.filter(({ kind, path }) => kind === "bring" && path.endsWith(".parquet"));
  await mapBounded(tables, WIDTH, ({ path }) => requireLimits(source, dataset, path, o));
  return planned;
};

const differing = (name: ClassName, path: string): Conflict => ({
  code: "CONFLICT",
  class: name,
  path,
  message:
    name === "other"
      ? `${path} differs, and nothing tells which copy is newer`
      : `${path} is never written anew, and its bytes differ between the sites`,
  hint:
    name === "other"
      ? "Take the source's with --overwrite-other, or make both equal by hand."
      : "One of the copies is damaged: remove that file, and sync again.",
});

const shown = (
  actions: readonly Action[],
  registry: string | undefined,
  lines: LogDiff["onlySource"],
): readonly PlannedFile[] => {
  const files = actions.map((action): PlannedFile => {
    const { class: name, path } = action;
    if (action.kind === "merge") return { class: name, path, action: "merge", bytes: action.from.size };
    if (action.kind === "write") return { class: name, path, action: "merge", bytes: action.text.length };
    if (action.kind !== "bring") return { class: name, path, action: action.kind, bytes: 0 };
    const how = action.over === undefined ? "copy" : action.prefix > 0 ? "extend" : "replace";
    return { class: name, path, action: how, bytes: action.from.size - action.prefix };
  });
  if (registry !== undefined)
    files.push({ class: "registry", path: PLACES.registry, action: "merge", bytes: registry.length });
  if (saidBy(lines) > 0) {
    const bytes = lines.reduce((sum, { text }) => sum + text.length + 1, 0);
    files.push({ class: "events", path: PLACES.events, action: "append", bytes });
  }
  return files;
};
