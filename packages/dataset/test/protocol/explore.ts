import { type Bugs, broken, type Operations, type Part, type State, start, steps } from "./model.ts";

export interface Explored {
  readonly states: number;
  /** The law found broken first, breadth first: no shorter way leads there. */
  readonly broken: string | undefined;
  /** Steps to it. */
  readonly depth: number;
}

/**
 * What two states that differ in names only have in common: numbers of parts and events by their order, times by their rank, and of the log
 * only what may still matter. The two writers are interchangeable.
 */
const keyOf = (s: State): string => {
  const { pending, reader } = s;
  const changes = [...s.writers.flatMap(({ change }) => change ?? []), ...(pending === undefined ? [] : [pending])];
  const parts: readonly Part[] = [s.base, ...s.parts, ...reader.opened, ...changes.map(({ part }) => part)];
  const leaves = changes.flatMap((change) => change.leaves);
  const ids = ranks([...parts.map(({ id }) => id), ...(reader.listed ?? []), ...leaves]);
  const times = ranks([0, 1, ...parts.map(({ createdAt }) => createdAt)]);
  const part = ({ id, createdAt, newest, holds }: Part) => [ids.get(id), times.get(createdAt), newest, holds];
  const logged = (event: number) => [s.log.includes(event), s.visible.includes(event)];
  const missing = s.visible.filter((event) => !s.log.includes(event)).length;
  const writers = s.writers.map(({ left, stage, change, recovering }, i) =>
    JSON.stringify([
      left,
      stage,
      recovering,
      s.owner === i,
      change && [change.kind, part(change.part), change.leaves.map((id) => ids.get(id)), logged(change.event)],
    ]),
  );
  return JSON.stringify([
    part(s.base),
    s.parts.map(part),
    pending && [pending.published, part(pending.part), pending.leaves.map((id) => ids.get(id)), logged(pending.event)],
    writers.slice(0, 2).sort(),
    writers[2],
    [reader.left, reader.listed?.map((id) => ids.get(id)), reader.opened.map(part), reader.since],
    s.commits,
    missing,
  ]);
};

const ranks = (numbers: readonly number[]): ReadonlyMap<number, number> =>
  new Map([...new Set(numbers)].sort((a, b) => a - b).map((number, rank) => [number, rank]));

/** Every state that can be reached, breadth first, until a law is broken. */
export const explore = (operations: Operations, reads: number, bugs: Bugs = {}): Explored => {
  let front: readonly State[] = [start(operations, reads)];
  const known = new Set(front.map(keyOf));
  for (let depth = 1; front.length > 0; depth++) {
    const further: State[] = [];
    for (const state of front) {
      for (const next of steps(state, bugs)) {
        const law = broken(next);
        if (law !== undefined) return { states: known.size, broken: law, depth };
        const key = keyOf(next);
        if (known.has(key)) continue;
        known.add(key);
        further.push(next);
      }
    }
    front = further;
  }
  return { states: known.size, broken: undefined, depth: 0 };
};
