/**
 * The commit protocol as a model small enough to be explored whole: docs/architecture.md "The transaction", src/write/commit/transaction.ts and
 * src/write/commit/pending.ts (writers.ts), src/read/stable.ts (reader.ts). Two writers attach values to one cell, or one attaches and the other
 * imports rows; a compactor makes one part of many or folds them into the base; a reader reads. Every writer may die between any two steps; a
 * reader that dies leaves nothing. Clocks run, stand still, or go back. One storage call is one step, the names in a folder and the look at
 * them together are one.
 */

/** What is left out, or done wrong, to see that it is missed. */
export interface Bugs {
  readonly noLock?: boolean;
  readonly createdAtUnclamped?: boolean;
  readonly noPendingRecord?: boolean;
  readonly recordBeforeStaged?: boolean;
  readonly eventBeforePublish?: boolean;
  readonly leavesBeforePublish?: boolean;
  /** A folded part goes before an older one. */
  readonly newestLeavesFirst?: boolean;
  /** What recovery of a change that has happened leaves out. */
  readonly recoveryForgets?: "leaves" | "event" | "to look for the event";
  /** Recovery removes the staged file of a change that has not happened before the record that names it. */
  readonly stagedSweptFirst?: boolean;
  readonly readerListsOnce?: boolean;
  /** The parts of the second listing are not held against those of the first. */
  readonly readerForgetsParts?: boolean;
  /** A reader that starts over goes on with the base that it has opened, whatever lies there now. */
  readonly readerKeepsBase?: boolean;
  /** The base is listed before the parts or after them, as it happens. */
  readonly baseListedBeside?: boolean;
  /** The names of the parts are read first; each is looked at then, and what has gone meanwhile is passed over. */
  readonly tornListing?: boolean;
}

/** Commits are numbered in the order they become visible; `holds` has a bit for each commit whose values are inside. */
export interface Part {
  readonly id: number;
  /** 0 for a base. */
  readonly createdAt: number;
  readonly newest: number;
  readonly holds: number;
}

/** What a reader gets: the value of the cell, and whose values are there at all. */
export interface View {
  readonly newest: number;
  readonly holds: number;
}

export const KINDS = ["attach", "import", "compact", "fold"] as const;

export interface Change {
  readonly kind: (typeof KINDS)[number];
  /** What it puts in its place; what is attached or imported is in it once it becomes visible. Its number is that of the event, too. */
  readonly part: Part;
  /** Parts that leave once the change is visible, in this order. */
  readonly leaves: readonly number[];
}

export const STAGES = [
  "idle",
  "recover",
  "plan",
  "stage",
  "record",
  "publish",
  "finish",
  "event",
  "discard",
  "sweep",
] as const;
export type Stage = (typeof STAGES)[number];

export const TRADES = ["attach", "import", "compact"] as const;

export interface Writer {
  readonly trade: (typeof TRADES)[number];
  readonly left: number;
  readonly stage: Stage;
  readonly change: Change | undefined;
  /** Whether the steps under way finish, or sweep away, what another left behind. */
  readonly recovering: boolean;
}

/** Base and parts, by number; what is missing has not been listed yet. */
export interface Listing {
  readonly base: number | undefined;
  readonly parts: readonly number[] | undefined;
}

export interface Reader {
  readonly left: number;
  /** `undefined` between two reads. */
  readonly first: Listing | undefined;
  /** The base, and then the parts of the first listing. */
  readonly opened: readonly Part[];
  readonly second: Listing | undefined;
  /** Names read, and not looked at yet: only where a listing is torn. */
  readonly names: readonly number[] | undefined;
  /** Commits that had happened when the read began. */
  readonly since: number;
}

export interface State {
  /** The last one is the base; older bases are gone. */
  readonly base: Part;
  readonly parts: readonly Part[];
  /** The staged files, by the part they are to become. */
  readonly staged: readonly number[];
  /** The pending record. The change that it names has happened when its staged file is gone. */
  readonly record: Change | undefined;
  readonly log: readonly number[];
  /** Which writer holds the lock. */
  readonly owner: number | undefined;
  readonly writers: readonly Writer[];
  readonly reader: Reader;
  /**
   * Ghosts, seen by the laws only: commits so far, with a bit for each that gave the cell a value; the events of all changes that became visible;
   * parts that a visible change replaced.
   */
  readonly commits: number;
  readonly attached: number;
  readonly happened: readonly number[];
  readonly replaced: readonly number[];
  /** The next number of a part and its event. */
  readonly next: number;
  readonly violation: string | undefined;
}

/** One step further: what is done, and where it leads. */
export interface Step {
  readonly name: string;
  readonly to: State;
}

/** How many operations the two writers and the compactor begin at most. */
export type Operations = readonly [first: number, second: number, compactor: number];

/** Between two reads. */
export const AT_REST: Omit<Reader, "left"> = {
  first: undefined,
  opened: [],
  second: undefined,
  names: undefined,
  since: 0,
};

export const start = (operations: Operations, reads: number, second: "attach" | "import"): State => ({
  base: { id: 0, createdAt: 0, newest: 0, holds: 0 },
  parts: [],
  staged: [],
  record: undefined,
  log: [],
  owner: undefined,
  writers: operations.map((left, i) => ({
    trade: (["attach", second, "compact"] as const)[i]!,
    left,
    stage: "idle",
    change: undefined,
    recovering: false,
  })),
  reader: { ...AT_REST, left: reads },
  commits: 0,
  attached: 0,
  happened: [],
  replaced: [],
  next: 1,
  violation: undefined,
});

/** The newest part that holds the cell wins; without one the base. */
export const viewOf = (base: View, parts: readonly Part[]): View => {
  let top: Part | undefined;
  let { holds } = base;
  for (const part of parts) {
    const newer = top === undefined || part.createdAt > top.createdAt;
    if (newer || (part.createdAt === top?.createdAt && part.id > top.id)) top = part;
    holds |= part.holds;
  }
  return { newest: (top ?? base).newest, holds };
};

/** Which of the first `commits` gave the cell its value: its number, or 0. */
export const newestOf = (attached: number, commits: number): number => 32 - Math.clz32(attached & (2 ** commits - 1));

/** Whether a view is the one after so many commits. */
export const isAfter = (view: View, commits: number, { attached }: State): boolean =>
  view.holds === 2 ** commits - 1 && view.newest === newestOf(attached, commits);

/** The name of the law that a state breaks. */
export const broken = (s: State): string | undefined => {
  if (s.violation !== undefined) return s.violation;
  if (!isAfter(viewOf(s.base, s.parts), s.commits, s)) return "NoLostCommit";
  if (s.record !== undefined || s.writers.some(({ stage }) => stage !== "idle")) return undefined;
  if (s.happened.some((event) => !s.log.includes(event))) return "EventIffCommit";
  return s.replaced.length > 0 ? "NothingLeftOver" : undefined;
};
