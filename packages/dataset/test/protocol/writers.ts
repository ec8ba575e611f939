import {
  type Bugs,
  type Change,
  type Part,
  type Stage,
  type State,
  type Step,
  type View,
  viewOf,
  type Writer,
} from "./model.ts";

/** What the writers can do next: go on, begin, die. */
export const writerSteps = (s: State, bugs: Bugs): readonly Step[] => {
  const steps: Step[] = [];
  for (let i = 0; i < s.writers.length; i++) {
    const w = s.writers[i]!;
    if (w.stage !== "idle") {
      steps.push({ name: DEATHS[w.stage][Number(w.recovering)]!, to: ended(s, i) }, ...onward(s, i, w, bugs));
    } else if (w.left > 0 && (s.owner === undefined || bugs.noLock === true)) {
      steps.push({
        name: "begin",
        to: { ...withWriter(s, i, { ...w, stage: "recover", left: w.left - 1 }), owner: i },
      });
    }
  }
  return steps;
};

const deathAt = (stage: Stage): readonly string[] => [`die: ${stage}`, `die: ${stage}, recovering`];
const DEATHS: Readonly<Record<Stage, readonly string[]>> = {
  idle: deathAt("idle"),
  recover: deathAt("recover"),
  plan: deathAt("plan"),
  stage: deathAt("stage"),
  record: deathAt("record"),
  publish: deathAt("publish"),
  finish: deathAt("finish"),
  event: deathAt("event"),
  discard: deathAt("discard"),
  sweep: deathAt("sweep"),
};

const withWriter = (s: State, i: number, writer: Writer): State => ({ ...s, writers: s.writers.with(i, writer) });

/** The lock is free; what the process knew is gone. */
const ended = (s: State, i: number): State => ({
  ...withWriter(s, i, { ...s.writers[i]!, stage: "idle", change: undefined, recovering: false }),
  owner: s.owner === i ? undefined : s.owner,
});

const one = (name: string, to: State): readonly Step[] => [{ name, to }];

/** The state with the writer at another stage. */
type To = (stage: Stage, more?: Partial<Writer>) => State;

const onward = (s: State, i: number, w: Writer, bugs: Bugs): readonly Step[] => {
  const to: To = (stage, more = {}) => withWriter(s, i, { ...w, ...more, stage });
  if (w.stage === "recover") return recovery(s, to, bugs);
  if (w.stage === "plan") return planned(s, i, to, bugs);
  if (w.stage === "sweep") {
    const next = s.record === undefined ? to("plan", { recovering: false }) : to("discard");
    return one(w.recovering ? "sweep, recovering" : "sweep", { ...next, staged: [] });
  }
  if (w.stage === "discard") {
    if (!w.recovering) return one("discard", { ...ended(s, i), record: undefined });
    const debris = s.staged.length > 0;
    const next = to(debris ? "sweep" : "plan", { change: undefined, recovering: debris });
    return one("discard, recovering", { ...next, record: undefined });
  }
  return carriedOut(s, i, w, w.change!, to(following(w, bugs)), bugs);
};

/** What the one before left behind is looked at first. */
const recovery = (s: State, to: To, bugs: Bugs): readonly Step[] => {
  if (s.record === undefined) return one("recover: no record", to(s.staged.length > 0 ? "sweep" : "plan"));
  if (s.staged.includes(s.record.part.id)) {
    const first = bugs.stagedSweptFirst === true ? "sweep" : "discard";
    return one("recover: not happened", to(first, { recovering: true }));
  }
  const first = bugs.recoveryForgets === "leaves" ? "event" : "finish";
  return one("recover: happened", to(first, { change: s.record, recovering: true }));
};

const PLAN: Readonly<Record<Change["kind"], string>> = {
  attach: "plan: attach",
  import: "plan: import",
  compact: "plan: compact",
  fold: "plan: fold",
};
const PUBLISH: Readonly<Record<Change["kind"], string>> = {
  attach: "publish: attach",
  import: "publish: import",
  compact: "publish: compact",
  fold: "publish: fold",
};

/** One step of a change. */
const carriedOut = (s: State, i: number, w: Writer, change: Change, next: State, bugs: Bugs): readonly Step[] => {
  switch (w.stage) {
    case "stage":
      return one("stage", { ...next, staged: [...s.staged, change.part.id] });
    case "record":
      return one("record", { ...next, record: bugs.noPendingRecord === true ? undefined : change });
    case "publish":
      // Where another has swept it away the command fails.
      if (!s.staged.includes(change.part.id)) return one("fail", ended(s, i));
      return one(PUBLISH[change.kind], published(next, change));
    case "finish": {
      const leaving = change.leaves.find((id) => s.parts.some((part) => part.id === id));
      if (leaving === undefined) return one("finish", next);
      const parts = s.parts.filter(({ id }) => id !== leaving);
      const replaced = s.replaced.filter((id) => id !== leaving);
      return one(w.recovering ? "leave, recovering" : "leave", { ...s, parts, replaced });
    }
    case "event":
      return logged(s, w, change, next, bugs);
    default:
      return [];
  }
};

const COMMIT: readonly Stage[] = ["plan", "stage", "record", "publish", "finish", "event", "discard"];

const withBefore = (order: readonly Stage[], moved: Stage, other: Stage): readonly Stage[] => {
  const others = order.filter((stage) => stage !== moved);
  return others.toSpliced(others.indexOf(other), 0, moved);
};

/** What comes after a stage of a commit, or of the recovery of one. */
const following = ({ stage, recovering }: Pick<Writer, "stage" | "recovering">, bugs: Bugs): Stage => {
  if (recovering) return stage === "finish" && bugs.recoveryForgets !== "event" ? "event" : "discard";
  let order = COMMIT;
  if (bugs.recordBeforeStaged === true) order = withBefore(order, "record", "stage");
  if (bugs.eventBeforePublish === true) order = withBefore(order, "event", "publish");
  if (bugs.leavesBeforePublish === true) order = withBefore(order, "finish", "publish");
  return order[order.indexOf(stage) + 1]!;
};

const latestOf = (parts: readonly Part[]): number =>
  parts.reduce((latest, { createdAt }) => Math.max(latest, createdAt), 1);

const planned = (s: State, i: number, to: To, bugs: Bugs): readonly Step[] => {
  const planOf = (kind: Change["kind"], createdAt: number, view: View, leaves: readonly number[]): Step => {
    const change: Change = { kind, part: { id: s.next, createdAt, newest: view.newest, holds: view.holds }, leaves };
    const stage = following({ stage: "plan", recovering: false }, bugs);
    return { name: PLAN[kind], to: { ...to(stage, { change }), next: s.next + 1 } };
  };
  // Clocks that run, stand still, and were set back: the limit makes the same of all.
  const latest = latestOf(s.parts);
  const clocks = [latest + 1, latest, 1];
  const times = new Set(bugs.createdAtUnclamped === true ? clocks : clocks.map((now) => Math.max(now, latest + 1)));
  const { trade } = s.writers[i]!;
  if (trade === "attach") return [...times].map((time) => planOf("attach", time, { newest: 0, holds: 0 }, []));
  // The base anew, with more rows.
  if (trade === "import") return [planOf("import", 0, s.base, [])];
  if (s.parts.length === 0) return one("plan: nothing", ended(s, i));
  const oldestFirst = s.parts.toSorted((a, b) => a.createdAt - b.createdAt || a.id - b.id).map(({ id }) => id);
  const leaves = bugs.newestLeavesFirst === true ? oldestFirst.toReversed() : oldestFirst;
  const fold = planOf("fold", 0, viewOf(s.base, s.parts), leaves);
  if (s.parts.length === 1) return [fold];
  // A compacted part is newer than all of its sources: in which order they leave is all the same.
  const view = viewOf({ newest: 0, holds: 0 }, s.parts);
  return [fold, ...[...times].map((time) => planOf("compact", time, view, oldestFirst))];
};

/** The one step that readers see; that the staged file is gone is what tells recovery that it has happened. */
const published = (s: State, { kind, part, leaves }: Change): State => {
  const commits = s.commits + (kind === "attach" || kind === "import" ? 1 : 0);
  const own = 2 ** commits - 2 ** s.commits;
  const newest = kind === "attach" ? commits : part.newest;
  const placed: Part = { ...part, newest, holds: part.holds | own };
  const isPart = kind === "attach" || kind === "compact";
  return {
    ...s,
    base: isPart ? s.base : placed,
    parts: isPart ? [...s.parts, placed] : s.parts,
    staged: s.staged.filter((id) => id !== part.id),
    commits,
    attached: kind === "attach" ? s.attached | own : s.attached,
    happened: [...s.happened, part.id],
    replaced: [...s.replaced, ...leaves.filter((id) => s.parts.some((there) => there.id === id))],
    violation: isPart && part.createdAt <= latestOf(s.parts) ? "MonotonicCreatedAt" : s.violation,
  };
};

const logged = (s: State, w: Writer, { part }: Change, next: State, bugs: Bugs): readonly Step[] => {
  const known = s.log.includes(part.id);
  if (w.recovering && known && bugs.recoveryForgets !== "to look for the event") return one("event: known", next);
  // Each event once, and of what has happened only.
  const isRight = !known && s.happened.includes(part.id);
  const violation = isRight ? s.violation : "EventIffCommit";
  return one(w.recovering ? "event: recovered" : "event", { ...next, log: [...s.log, part.id], violation });
};
