import { mergeRecordFiles, PLACES, planSnapshot, updateRegistry } from "@usr/dataset/sync";
import {
  type Commit,
  type LockOwner,
  type Step,
  type Transaction,
  transact,
  type WritableRoot,
} from "@usr/dataset/write";
import type { Actor, EventInput } from "@usr/events";
import type { Signal, Storage } from "@usr/storage";
import { RemoteError } from "./error.ts";
import { type Evidence, evidenceOf, wantsDigests, withEvidence } from "./evidence.ts";
import { bytesOfLines, countLines, saidBy } from "./logs.ts";
import { type Plan, type PlanInput, planSync } from "./plan.ts";
import { type Action, alike } from "./plan-types.ts";
import { planRegistry } from "./registries.ts";
import { type Bring, type Progress, SourceMoved, stagedPath, stageFiles, unstage } from "./stage.ts";
import { noLocks, readOnly } from "./storage-site.ts";
import type { Comparison, Conflict, Inventory, PlannedFile, Site, SyncOptions } from "./types.ts";
import { withinLimits } from "./unreadable.ts";
import { watched } from "./watched.ts";

/** Two sites of one dataset, and which way. */
export interface SyncPair {
  readonly dataset: string;
  readonly local: Site;
  readonly remote: Site;
  /** `pull` changes the local site, `push` the remote one. */
  readonly direction: "pull" | "push";
}

/** Who syncs, and when: given, never read from the process. */
export interface SyncContext {
  readonly clock: () => bigint;
  readonly random: (bytes: number) => Uint8Array;
  readonly actor: Actor;
  readonly owner: LockOwner;
  readonly lockTimeoutMs?: number | undefined;
  readonly eventSha256?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SyncResult {
  /** Both sites before the transfer. */
  readonly before: Comparison;
  readonly state: "NO-OP" | "DRY-RUN" | "TRANSFERRED";
  readonly evidence: Evidence;
  readonly files: readonly PlannedFile[];
  /** What stops the sync; only a dry run gets this far with some. */
  readonly conflicts: readonly Conflict[];
  /** Bytes of files that travelled; what an earlier attempt had brought does not count. */
  readonly bytes: number;
  /** Lines of the log that were brought, or would be. */
  readonly lines: number;
}

/** How often a plan is made anew because the source does not stand still. */
const ATTEMPTS = 5;

/**
 * Brings one site's dataset up to the other's and changes nothing else: files are staged and proved at the target first, then published under
 * its lock in an order in which every state is one that whole commits have made. Interrupted, it leaves the target as it was or is finished by
 * the next writer there; run again it uses what has arrived.
 *
 * @throws RemoteError `DATASET_NOT_FOUND` at the source; `CONFLICT`, `LATE_PART` with every conflict in `details.conflicts`, and nothing is
 *   changed; `VERIFY_FAILED` where bytes arrived that are not the source's
 * @throws RemoteError `NOT_SUPPORTED` where the target cannot be written to, or not be locked: nothing was moved
 * @throws DatasetError `LOCKED`, `NO_REGISTRY` and what `transact` throws at the target
 */
export const syncDataset = async (
  pair: SyncPair,
  context: SyncContext,
  o: SyncOptions & { readonly dryRun?: boolean | undefined },
): Promise<SyncResult> => {
  const { local, remote, direction } = pair;
  const watching = direction === "pull" ? { ...pair, remote: watched(remote) } : { ...pair, local: watched(local) };
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptSync(watching, context, o);
    } catch (error) {
      if (!(error instanceof SourceMoved)) throw error;
      if (attempt < ATTEMPTS) continue;
      throw restless(pair, error.message);
    }
  }
};

const restless = ({ dataset, local, remote, direction }: SyncPair, file: string): RemoteError => {
  const { label } = direction === "pull" ? remote : local;
  const message = `${dataset} did not stand still at ${label}: ${file} is not what was listed, ${ATTEMPTS} times`;
  const hint =
    "Nothing was changed, and what has arrived is kept. Sync again when its writer rests; of a published root, write its index anew.";
  return new RemoteError("CONFLICT", message, { hint, details: { dataset, file } });
};

const attemptSync = async (
  pair: SyncPair,
  context: SyncContext,
  o: SyncOptions & { readonly dryRun?: boolean | undefined },
): Promise<SyncResult> => {
  const looked = await look(pair, o);
  const { input, evidence } = looked;
  const plan = await planSync(input, o);
  const result = {
    before: await comparisonOf(pair, input, plan, o),
    evidence,
    files: plan.files,
    conflicts: plan.conflicts,
    bytes: 0,
    lines: plan.lines.length,
  };
  const { target } = input;
  if (o.dryRun === true) {
    // What a real run would refuse whatever is planned, a plan of it refuses, too.
    if (plan.hasChange) requireWritable(target, pair.dataset);
    return { ...result, state: plan.hasChange || plan.conflicts.length > 0 ? "DRY-RUN" : "NO-OP" };
  }
  refuse(pair, plan);
  const root = "put" in target.storage ? rootOf(target, target.storage, context) : undefined;
  if (!plan.hasChange) {
    if (root !== undefined) await finishInterrupted(pair, root);
    return { ...result, state: "NO-OP", lines: 0 };
  }
  requireWritable(target, pair.dataset);
  if (root === undefined) throw readOnly(target.label);
  const stage = (actions: readonly Action[]): Promise<number> =>
    stageFiles(
      actions.filter((action) => action.kind === "bring"),
      { ...input, storage: root.storage, mode: evidence.proved, onProgress: context.onProgress },
      o,
    );
  let bytes = await stage(plan.actions);
  if (plan.registry !== undefined) await adoptRegistry(root, input, o);
  const creates = !hasBase(input.targetInventory);
  if (creates) await refuseNested(target, pair.dataset, o);
  const done = await transact(root, pair.dataset, { command: pair.direction, creates, freeze: "none" }, async (tx) => {
    // Under the lock nobody else changes the target; what has changed since is in this plan.
    const fresh = { ...input, targetInventory: await inventory(target, pair.dataset, evidence, o) };
    const now = await planSync(fresh, o);
    refuse(pair, now);
    bytes += await stage(now.actions);
    await requireUnmoved(fresh, now, o);
    if (!now.hasChange) return { result: now };
    return { result: now, commit: await commitOf(tx, pair, fresh, now, { evidence, bytes, o }) };
  });
  await requireEqual(pair, target, done, o);
  const left = await Promise.all(plan.actions.filter((action) => action.kind === "bring").map(stagedPath));
  await unstage(root.storage, pair.dataset, left);
  return { ...result, state: "TRANSFERRED", files: done.files, bytes, lines: done.lines.length };
};

/** Throws `NOT_SUPPORTED` before anything is moved: without locks two writers could lose data. */
const requireWritable = (target: Site, dataset: string): void => {
  if (!("put" in target.storage)) throw readOnly(target.label);
  if (target.locks === false) throw noLocks(target.label, dataset);
};

/** A sync that was stopped after its last visible step has nothing left to do, but for its own event. */
const finishInterrupted = async ({ dataset, direction }: SyncPair, root: WritableRoot): Promise<void> => {
  await using pending = await root.storage.open(`${dataset}/${PLACES.pending}`);
  if (pending === undefined) return;
  await transact(root, dataset, { command: direction, freeze: "none" }, async () => ({ result: undefined }));
};

/** Both sites as a plan found them. */
export const comparisonOf = async (
  { dataset, local, remote, direction }: SyncPair,
  { sourceInventory, targetInventory }: PlanInput,
  { logs }: Pick<Plan, "logs">,
  o: Signal,
): Promise<Comparison> => {
  const pulls = direction === "pull";
  const [ours, theirs] = pulls ? [targetInventory, sourceInventory] : [sourceInventory, targetInventory];
  const [here, there] = pulls ? [logs.onlyTarget, logs.onlySource] : [logs.onlySource, logs.onlyTarget];
  const file = ours.files.find(({ path }) => path === PLACES.events);
  const lines = await countLines({ site: local, dataset, file }, here.length, there.length, o);
  return {
    dataset,
    remote: remote.label,
    inventories: [ours, theirs],
    events: { onlyLocal: saidBy(here), onlyRemote: saidBy(there), altered: logs.altered.length },
    lines: { local: lines.near, remote: lines.far },
  };
};

/** Both inventories, and how files are compared. Throws `DATASET_NOT_FOUND` where the side that is required has no such dataset. */
export const look = async (
  { dataset, local, remote, direction }: SyncPair,
  o: SyncOptions,
  required: "source" | "either" = "source",
): Promise<{ readonly input: PlanInput; readonly evidence: Evidence }> => {
  const [source, target] = direction === "pull" ? [remote, local] : [local, remote];
  const digests = wantsDigests(o.verify);
  const [theirs, ours] = await Promise.all([
    source.inventory(dataset, { digests, signal: o.signal }),
    target.inventory(dataset, { digests, signal: o.signal }),
  ]);
  if (required === "source" || !hasBase(ours)) await requireDataset(source, dataset, theirs, o);
  const evidence = evidenceOf(o.verify, { site: source, inventory: theirs }, { site: target, inventory: ours });
  return {
    evidence,
    input: {
      dataset,
      source,
      target,
      near: direction === "pull" ? "target" : "source",
      sourceInventory: await withEvidence(source, dataset, theirs, evidence.proved, o),
      targetInventory: await withEvidence(target, dataset, ours, evidence.proved, o),
    },
  };
};

const inventory = async (site: Site, dataset: string, { requested, proved }: Evidence, o: Signal): Promise<Inventory> =>
  withEvidence(
    site,
    dataset,
    await site.inventory(dataset, { digests: wantsDigests(requested), signal: o.signal }),
    proved,
    o,
  );

export const hasBase = ({ files }: Inventory): boolean => files.some(({ path }) => path === PLACES.base);

/** Throws `DATASET_NOT_FOUND` where the site has no such dataset. */
export const requireDataset = async (site: Site, dataset: string, inventory: Inventory, o: Signal): Promise<void> => {
  if (hasBase(inventory)) return;
  const known = await site.datasets(o);
  const some = `${known.slice(0, 10).join(", ")}${known.length > 10 ? ", …" : ""}`;
  throw new RemoteError("DATASET_NOT_FOUND", `${site.label} has no dataset ${dataset}`, {
    hint: known.length === 0 ? `${site.label} has no datasets.` : `It has: ${some}.`,
    details: { dataset, remote: site.label },
  });
};

const rootOf = (site: Site, storage: Storage, context: SyncContext): WritableRoot => ({
  storage,
  label: site.root ?? site.label,
  clock: context.clock,
  random: context.random,
  actor: context.actor,
  owner: context.owner,
  lockTimeoutMs: context.lockTimeoutMs,
  eventSha256: context.eventSha256,
});

const refuse = ({ dataset, direction }: SyncPair, { conflicts }: Plan): void => {
  const [first, ...others] = conflicts;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more conflict(s)`;
  throw new RemoteError(
    conflicts.every(({ code }) => code === "LATE_PART") ? "LATE_PART" : "CONFLICT",
    `${direction} of ${dataset} would lose something: ${first.message}${more}`,
    { hint: first.hint, details: { dataset, conflicts } },
  );
};

const adoptRegistry = (root: WritableRoot, { sourceInventory }: PlanInput, o: SyncOptions): Promise<void> =>
  updateRegistry(root, async (text) => {
    const plan = await planRegistry(sourceInventory.registry, text, {
      overwrite: o.overwriteRegistry === true || o.mirror === true,
    });
    if (plan.kind === "united") return plan.text;
    throw new RemoteError("CONFLICT", `${root.label}: ${plan.message}`, {
      hint: "Sync again to see what has changed.",
    });
  });

/** A dataset may not lie inside another. */
const refuseNested = async (target: Site, dataset: string, o: Signal): Promise<void> => {
  const other = (await target.datasets(o)).find((id) => id.startsWith(`${dataset}/`) || dataset.startsWith(`${id}/`));
  if (other === undefined) return;
  throw new RemoteError(
    "CONFLICT",
    `${dataset} cannot lie beside the dataset ${other} at ${target.label}: one is inside the other`,
    { hint: "Rename one of them.", details: { dataset, other } },
  );
};

/** The files that were used are still what they were, so that all of them are of one state of the source. */
const requireUnmoved = async (
  { source, dataset, sourceInventory }: PlanInput,
  plan: Plan,
  o: Signal,
): Promise<void> => {
  const now = new Map(
    (await source.inventory(dataset, { digests: false, signal: o.signal })).files.map(({ path, etag }) => [path, etag]),
  );
  const used = plan.actions.flatMap((action) =>
    action.kind === "bring" || action.kind === "merge" ? [action.from] : [],
  );
  const base = sourceInventory.files.filter(({ path }) => path === PLACES.base);
  for (const { path, etag } of [...used, ...base]) if (now.get(path) !== etag) throw new SourceMoved(path);
};

const commitOf = async (
  tx: Transaction,
  { direction, remote }: SyncPair,
  input: PlanInput,
  plan: Plan,
  { evidence, bytes, o }: { readonly evidence: Evidence; readonly bytes: number; readonly o: SyncOptions },
): Promise<Commit> => {
  const prepare: Step[] = [];
  const visible: { readonly order: string; readonly step: Step }[] = [];
  const last: Step[] = [];
  let target: string | undefined;
  for (const action of plan.actions) {
    const { path } = action;
    if (action.kind === "bring") {
      const step: Step = { kind: "publish", from: await stagedPath(action), to: path, over: action.over };
      if (action.order === undefined) prepare.push(step);
      else visible.push({ order: action.order, step });
      if (path === PLACES.base) target = step.from;
    } else if (action.kind === "write") {
      const { path: from } = await tx.stage(new TextEncoder().encode(action.text));
      prepare.push({ kind: "publish", from, to: path, over: action.over });
    } else if (action.kind === "merge") {
      visible.push({ order: "3", step: await mergeStep(tx, input, action, o) });
    } else if (action.kind === "promote") {
      visible.push({ order: "15", step: { kind: "move", from: path, to: action.to, etag: action.etag } });
    } else if (action.kind === "retire") {
      last.push({ kind: "move", from: path, to: action.to, etag: action.etag });
    } else last.push({ kind: "delete", path, etag: action.etag });
  }
  if (losesRows(plan)) {
    const snapshot = await planSnapshot(tx);
    prepare.push(snapshot.first);
    last.push(...snapshot.last);
  }
  const staged = await tx.stage(bytesOfLines(plan.lines));
  visible.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  return {
    prepare,
    publish: { kind: "publish", from: staged.path, to: PLACES.mergedLines },
    finish: [...visible.map(({ step }) => step), ...last],
    lines: PLACES.mergedLines,
    action: direction,
    args: argsOf(direction, remote, evidence, o),
    metrics: { files: plan.files.length, bytes, events: plan.lines.length },
    target,
  };
};

/** The target's base is replaced by one that need not hold all of its rows. */
const losesRows = ({ base, actions }: Plan): boolean =>
  actions.some((action) => action.kind === "bring" && action.class === "base" && action.over !== undefined) &&
  base.kind !== "extend" &&
  !(base.kind === "replace" && base.keepsRows);

const mergeStep = async (
  tx: Transaction,
  { source, target, dataset }: PlanInput,
  { path, from, to }: Extract<Action, { kind: "merge" }>,
  o: SyncOptions,
): Promise<Step> => {
  await using theirs = await source.storage.open(`${dataset}/${path}`, o);
  await using ours = await target.storage.open(`${dataset}/${path}`, o);
  const known = path === PLACES.tombstones ? PLACES.tombstones : PLACES.state;
  if (theirs === undefined || ours === undefined || theirs.meta.etag !== from.etag) throw new SourceMoved(path);
  const prefer = o.overwriteOverlays === true ? "source" : undefined;
  const merged = await withinLimits(path, () => mergeRecordFiles(known, ours, theirs, { prefer, limits: o.limits }));
  const staged = await merged.stage(tx);
  return { kind: "publish", from: staged.path, to: path, over: to.etag };
};

const argsOf = (
  direction: SyncPair["direction"],
  remote: Site,
  { proved }: Evidence,
  o: SyncOptions,
): EventInput["args"] => ({
  [direction === "pull" ? "from" : "to"]: remote.label,
  verify: proved,
  verify_sidecars: o.primaryOnly !== true,
  verify_derived_hashes: proved === "hash" && o.primaryOnly !== true,
});

/** Everything that was brought, and proved before it was published, lies where it belongs. */
const requireEqual = async ({ dataset }: SyncPair, target: Site, { actions }: Plan, o: Signal): Promise<void> => {
  const { files } = await target.inventory(dataset, { digests: false, signal: o.signal });
  const found = new Map(files.map((file) => [file.path, file]));
  const wrong = actions
    .filter((action): action is Bring => action.kind === "bring")
    .filter(({ path, from }) => {
      const file = found.get(path);
      return file === undefined || !alike(file, from);
    });
  if (wrong.length === 0) return;
  throw new RemoteError(
    "VERIFY_FAILED",
    `after the transfer ${wrong[0]!.path} at ${target.label} is not what was sent`,
    {
      hint: "Somebody else has written there, or the disk is failing: look with usr diff, and check with usr validate.",
      details: { dataset, paths: wrong.map(({ path }) => path) },
    },
  );
};
