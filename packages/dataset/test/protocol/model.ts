/**
 * The commit protocol as a model small enough to be explored whole: docs/architecture.md "The transaction", src/write/transaction.ts,
 * src/write/pending.ts, src/read/stable.ts. Two writers attach values to one cell, a compactor makes one part of many or folds them into the
 * base, a reader reads; every process may die between any two steps; clocks run or stand an hour back. One storage call is one step.
 * A listing is one step too.
 */

/** What is left out to see that it is missed. */
export interface Bugs {
  readonly readerListsOnce?: boolean;
  readonly createdAtUnclamped?: boolean;
  readonly noPendingRecord?: boolean;
  readonly eventBeforePublish?: boolean;
  /** A folded part goes before an older one. */
  readonly newestLeavesFirst?: boolean;
}

/** Commits are numbered in the order they become visible; `holds` has a bit for each commit whose values are inside. */
export interface Part {
  readonly id: number;
  readonly createdAt: number;
  readonly newest: number;
  readonly holds: number;
}

/** What a reader gets: the value of the cell, and whose values are there at all. */
export interface View {
  readonly newest: number;
  readonly holds: number;
}

interface Change {
  readonly kind: "attach" | "compact" | "fold";
  readonly part: Part;
  /** Parts that leave once the change is visible, in this order. */
  readonly leaves: readonly number[];
  readonly event: number;
}

interface Pending extends Change {
  readonly published: boolean;
}

export type Stage = "idle" | "recover" | "plan" | "record" | "publish" | "finish" | "event" | "discard";

export interface Writer {
  readonly left: number;
  readonly stage: Stage;
  readonly change: Change | undefined;
  /** Whether the steps under way finish what another left behind. */
  readonly recovering: boolean;
}

export interface Reader {
  readonly left: number;
  readonly listed: readonly number[] | undefined;
  readonly opened: readonly Part[];
  /** Commits that had happened when the read began. */
  readonly since: number;
}

export interface State {
  /** The last one is the base; older bases are gone. */
  readonly base: Part;
  readonly parts: readonly Part[];
  readonly pending: Pending | undefined;
  readonly log: readonly number[];
  /** Which writer holds the lock. */
  readonly owner: number | undefined;
  readonly writers: readonly Writer[];
  readonly reader: Reader;
  /** Ghosts, seen by the invariants only: commits so far, and the events of all changes that became visible. */
  readonly commits: number;
  readonly visible: readonly number[];
  /** The next event and part number. */
  readonly next: number;
  readonly violation: string | undefined;
}

const COMPACTOR = 2;

/** How many operations the two writers and the compactor begin at most. */
export type Operations = readonly [first: number, second: number, compactor: number];

export const start = (operations: Operations, reads: number): State => ({
  base: { id: 0, createdAt: 0, newest: 0, holds: 0 },
  parts: [],
  pending: undefined,
  log: [],
  owner: undefined,
  writers: operations.map((left) => ({ left, stage: "idle", change: undefined, recovering: false })),
  reader: { left: reads, listed: undefined, opened: [], since: 0 },
  commits: 0,
  visible: [],
  next: 1,
  violation: undefined,
});

/** The newest part that holds the cell wins; without one the base. */
export const viewOf = (base: Part, parts: readonly Part[]): View => {
  let top: Part | undefined;
  for (const part of parts) {
    const newer = top === undefined || part.createdAt > top.createdAt;
    if (newer || (part.createdAt === top?.createdAt && part.id > top.id)) top = part;
  }
  return {
    newest: top?.newest ?? base.newest,
    holds: parts.reduce((all, { holds }) => all | holds, base.holds),
  };
};

const committed = (commits: number): View => ({ newest: commits, holds: 2 ** commits - 1 });
const same = (a: View, b: View): boolean => a.newest === b.newest && a.holds === b.holds;

/** Every state one step further. */
export function* steps(s: State, bugs: Bugs): Generator<State> {
  for (const [i, writer] of s.writers.entries()) {
    yield* writerSteps(s, i, writer, bugs);
    if (writer.stage !== "idle") yield died(s, i, writer);
  }
  yield* readerSteps(s, bugs);
}

const withWriter = (s: State, i: number, writer: Writer): State => ({ ...s, writers: s.writers.with(i, writer) });

/** The kernel frees the lock; what the process knew is gone. */
const died = (s: State, i: number, { left }: Writer): State => ({
  ...withWriter(s, i, { left, stage: "idle", change: undefined, recovering: false }),
  owner: undefined,
});

function* writerSteps(s: State, i: number, w: Writer, bugs: Bugs): Generator<State> {
  const to = (stage: Stage, more: Partial<Writer> = {}): Writer => ({ ...w, ...more, stage });
  switch (w.stage) {
    case "idle":
      if (w.left > 0 && s.owner === undefined)
        yield { ...withWriter(s, i, to("recover", { left: w.left - 1 })), owner: i };
      return;
    case "recover":
      if (s.pending === undefined) yield withWriter(s, i, to("plan"));
      else if (s.pending.published) yield withWriter(s, i, to("finish", { change: s.pending, recovering: true }));
      else yield { ...withWriter(s, i, to("plan")), pending: undefined };
      return;
    case "plan":
      yield* planned(s, i, to, bugs);
      return;
    case "record":
      if (w.change === undefined) return;
      yield {
        ...withWriter(s, i, to(bugs.eventBeforePublish === true ? "event" : "publish")),
        pending: bugs.noPendingRecord === true ? undefined : { ...w.change, published: false },
      };
      return;
    case "publish":
      if (w.change !== undefined) yield published(withWriter(s, i, to("finish")), w.change);
      return;
    case "finish": {
      const leaving = w.change?.leaves.find((id) => s.parts.some((part) => part.id === id));
      if (leaving !== undefined) yield { ...s, parts: s.parts.filter(({ id }) => id !== leaving) };
      else yield withWriter(s, i, to(bugs.eventBeforePublish === true ? "discard" : "event"));
      return;
    }
    case "event": {
      if (w.change === undefined) return;
      const known = w.recovering && s.log.includes(w.change.event);
      const log = known ? s.log : [...s.log, w.change.event];
      yield { ...withWriter(s, i, to(bugs.eventBeforePublish === true ? "publish" : "discard")), log };
      return;
    }
    case "discard":
      if (w.recovering)
        yield { ...withWriter(s, i, to("plan", { change: undefined, recovering: false })), pending: undefined };
      else yield { ...withWriter(s, i, to("idle", { change: undefined })), pending: undefined, owner: undefined };
      return;
  }
}

function* planned(
  s: State,
  i: number,
  to: (stage: Stage, more?: Partial<Writer>) => Writer,
  bugs: Bugs,
): Generator<State> {
  const latest = s.parts.reduce((max, { createdAt }) => Math.max(max, createdAt), 0);
  const stage = (change: Change): State => ({ ...withWriter(s, i, to("record", { change })), next: s.next + 1 });
  // A clock that runs, and one that was set back.
  for (const now of [latest + 2, 1]) {
    const createdAt = bugs.createdAtUnclamped === true ? now : Math.max(now, latest + 1);
    const made = { id: s.next, createdAt };
    if (i !== COMPACTOR) {
      const newest = s.commits + 1;
      yield stage({ kind: "attach", part: { ...made, newest, holds: 2 ** s.commits }, leaves: [], event: s.next });
      continue;
    }
    const oldestFirst = s.parts.toSorted((a, b) => a.createdAt - b.createdAt || a.id - b.id).map(({ id }) => id);
    if (s.parts.length > 1) {
      const view = viewOf({ ...s.base, newest: 0, holds: 0 }, s.parts);
      // A compacted part is newer than all of its sources: in which order they leave is all the same.
      yield stage({ kind: "compact", part: { ...made, ...view }, leaves: oldestFirst, event: s.next });
    }
    if (s.parts.length > 0) {
      const leaves = bugs.newestLeavesFirst === true ? oldestFirst.toReversed() : oldestFirst;
      const view = viewOf(s.base, s.parts);
      yield stage({ kind: "fold", part: { ...made, createdAt: 0, ...view }, leaves, event: s.next });
    } else yield { ...withWriter(s, i, to("idle")), owner: undefined };
  }
}

/** The one step that readers see; a staged file that is in its place is what tells recovery that it has happened. */
const published = (s: State, { kind, part, event }: Change): State => {
  const latest = s.parts.reduce((max, { createdAt }) => Math.max(max, createdAt), 0);
  return {
    ...s,
    base: kind === "fold" ? part : s.base,
    parts: kind === "fold" ? s.parts : [...s.parts, part],
    pending: s.pending === undefined ? undefined : { ...s.pending, published: true },
    commits: s.commits + (kind === "attach" ? 1 : 0),
    visible: [...s.visible, event],
    violation: kind !== "fold" && part.createdAt <= latest ? "MonotonicCreatedAt" : s.violation,
  };
};

/** Base and parts, by number. */
const listing = (s: State): readonly number[] => [s.base.id, ...s.parts.map(({ id }) => id)];
const AGAIN = { listed: undefined, opened: [] };

function* readerSteps(s: State, bugs: Bugs): Generator<State> {
  const r = s.reader;
  const to = (more: Partial<Reader>): State => ({ ...s, reader: { ...r, ...more } });
  if (r.listed === undefined) {
    if (r.left > 0) yield to({ left: r.left - 1, listed: listing(s), opened: [], since: s.commits });
    return;
  }
  const next = r.listed[r.opened.length];
  if (next !== undefined) {
    const found = [s.base, ...s.parts].find(({ id }) => id === next);
    if (found !== undefined) yield to({ opened: [...r.opened, found] });
    // What is gone is passed over by a reader that does not look again; the others start over.
    else if (bugs.readerListsOnce !== true) yield to({ listed: listing(s), opened: [] });
    else yield to({ listed: r.listed.filter((id) => id !== next) });
    return;
  }
  const now = listing(s);
  if (bugs.readerListsOnce !== true && now.join() !== r.listed.join()) {
    yield to({ listed: now, opened: [] });
    return;
  }
  const isBase = r.listed[0] === r.opened[0]?.id && r.opened[0]?.createdAt === 0;
  const base = isBase ? r.opened[0] : undefined;
  const view = viewOf(base ?? s.base, r.opened.slice(isBase ? 1 : 0));
  let exact = false;
  for (let n = r.since; n <= s.commits; n++) exact ||= same(view, committed(n));
  yield { ...to(AGAIN), violation: exact ? s.violation : "ConsistentRead" };
}

/** The name of the law that a state breaks. */
export const broken = (s: State): string | undefined => {
  if (s.violation !== undefined) return s.violation;
  if (!same(viewOf(s.base, s.parts), committed(s.commits))) return "NoLostCommit";
  if (new Set(s.log).size !== s.log.length || s.log.some((event) => !s.visible.includes(event)))
    return "EventIffCommit";
  const atRest = s.owner === undefined && s.pending === undefined;
  if (atRest && s.visible.some((event) => !s.log.includes(event))) return "EventIffCommit";
  return undefined;
};
