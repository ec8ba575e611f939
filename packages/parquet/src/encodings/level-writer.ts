import type { Shredded } from "../write/shred.ts";
import { bitWidth, encodeHybrid, encodeRun } from "./rle.ts";

interface EntryRange {
  readonly start: number;
  readonly end: number;
}

/** The levels of a page. Those of vectors of one width depend on the number of rows alone, and most pages have the same. */
export function levelWriter(s: Shredded): (range: EntryRange) => readonly Uint8Array[] {
  const { leaf } = s.leaf;
  const even = new Map<number, Uint8Array>();
  const repsOf = ({ start, end }: EntryRange): Uint8Array => {
    if (s.width === undefined) return encodeLevels(s.reps, start, end, leaf.rep, 0);
    const known = even.get(end - start);
    if (known !== undefined) return known;
    const reps = new Uint8Array(end - start).fill(1);
    for (let at = 0; at < reps.length; at += s.width) reps[at] = 0;
    const bytes = encodeLevels(reps, 0, reps.length, leaf.rep, 0);
    even.set(end - start, bytes);
    return bytes;
  };
  return (range) => {
    const parts: Uint8Array[] = [];
    if (leaf.rep > 0) parts.push(repsOf(range));
    if (leaf.def > 0) parts.push(encodeLevels(s.defs, range.start, range.end, leaf.def, leaf.def));
    return parts;
  };
}

function encodeLevels(all: Uint8Array | undefined, start: number, end: number, max: number, usual: number): Uint8Array {
  const width = bitWidth(max);
  const runs = all === undefined ? encodeRun(usual, end - start, width) : encodeHybrid(all, start, end, width);
  const out = new Uint8Array(4 + runs.length);
  new DataView(out.buffer).setUint32(0, runs.length, true);
  out.set(runs, 4);
  return out;
}
