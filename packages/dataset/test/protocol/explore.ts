import { decode, encode, LARGEST_CODE } from "./codec.ts";
import { fingerprints } from "./fingerprints.ts";
import { type Bugs, broken, type Operations, type State, type Step, start } from "./model.ts";
import { isLost, readerSteps } from "./reader.ts";
import { writerSteps } from "./writers.ts";

export interface Explored {
  readonly states: number;
  /** The law found broken first, breadth first: no shorter way leads there. */
  readonly broken: string | undefined;
  /** Steps to it, or to the state that is furthest away. */
  readonly depth: number;
  /** How often each step was taken. */
  readonly taken: ReadonlyMap<string, number>;
}

export interface Exploration {
  readonly operations: Operations;
  readonly reads: number;
  /** What the second writer does; default as the first. */
  readonly second?: "attach" | "import" | undefined;
  readonly bugs?: Bugs | undefined;
  /**
   * Follows one reader, and only as long as what it has listed can still be confirmed. As long as readers hold their two listings against each
   * other and open anew when they start over, nothing is missed:
   *
   * - A reader changes nothing, and nothing is left of a read when the next begins. What a second read finds, a first one finds that begins
   *   in the same state; and without the reader the writers go the same ways.
   * - Numbers never come back. Once something it has listed is gone before it is listed again, the two listings cannot be alike, and the reader
   *   starts over. It is then in the state of one that begins there, but for `since`, which is older: more answers are right.
   */
  readonly brief?: boolean | undefined;
  /** Told of every state that a step leads to, known or not. */
  readonly each?: ((next: State) => void) | undefined;
}

/** Every state that can be reached, breadth first, until a law is broken. */
export const explore = ({
  operations,
  reads,
  second = "attach",
  bugs = {},
  brief = false,
  each,
}: Exploration): Explored => {
  const known = fingerprints();
  const taken = new Map<string, number>();
  const code = new Uint8Array(LARGEST_CODE);
  let law: string | undefined;
  let further = queue();
  const take = ({ name, to }: Step): void => {
    taken.set(name, (taken.get(name) ?? 0) + 1);
    law ??= broken(to);
    each?.(to);
    if (brief && (name === "reader: answers" || isLost(to))) return;
    const length = encode(to, code);
    if (known.add(code, length)) further.push(code, length);
  };
  take({ name: "start", to: start(operations, reads, second) });
  let depth = 0;
  for (; law === undefined && further.size > 0; depth++) {
    const front = further;
    further = queue();
    for (const bytes of front.all()) {
      const state = decode(bytes);
      for (const step of writerSteps(state, bugs)) take(step);
      for (const step of readerSteps(state, bugs)) take(step);
      if (law !== undefined) break;
    }
  }
  // The last round went on from the furthest states and found nothing new.
  return { states: known.size, broken: law, depth: law === undefined ? depth - 1 : depth, taken };
};

interface Queue {
  readonly size: number;
  push(bytes: Uint8Array, length: number): void;
  /** What was pushed, in that order, each until the next. */
  all(): Generator<Uint8Array>;
}

const PIECE = 1 << 20;

/** Byte strings of at most `LARGEST_CODE`, one behind the other. */
const queue = (): Queue => {
  const pieces: Uint8Array[] = [];
  let used = PIECE;
  let size = 0;
  return {
    get size() {
      return size;
    },
    push: (bytes, length) => {
      if (used + 1 + length > PIECE) {
        pieces.push(new Uint8Array(PIECE));
        used = 0;
      }
      const piece = pieces.at(-1)!;
      piece[used++] = length;
      for (let i = 0; i < length; i++) piece[used++] = bytes[i]!;
      size++;
    },
    *all() {
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift())
        for (let at = 0; at < PIECE && piece[at] !== 0; at += 1 + piece[at]!) yield piece.subarray(at + 1);
    },
  };
};
