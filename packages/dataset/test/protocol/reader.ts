import { AT_REST, type Bugs, isAfter, type Listing, type Reader, type State, type Step, viewOf } from "./model.ts";

const NOTHING: Listing = { base: undefined, parts: undefined };

const named = (name: string, to: State): Step => ({ name, to });

/** What the reader can do next. Parts that are there all the time can be opened in any order: it is that of the listing here. */
export const readerSteps = (s: State, bugs: Bugs): readonly Step[] => {
  const r = s.reader;
  const to = (more: Partial<Reader>): State => ({ ...s, reader: { ...r, ...more } });
  const { first } = r;
  if (first === undefined) {
    if (r.left === 0) return [];
    const begun = { left: r.left - 1, since: s.commits };
    return listed(s, NOTHING, bugs).map(([next, names]) =>
      named("reader: begins", to({ ...begun, names, first: next })),
    );
  }
  if (!isWhole(first))
    return listed(s, first, bugs).map(([next, names]) => named("reader: lists", to({ names, first: next })));
  const kept = bugs.readerKeepsBase === true ? r.opened.slice(0, 1) : [];
  if (r.opened.length === 0) return [named("reader: opens", to({ opened: [s.base] }))];
  const wanted = first.parts[r.opened.length - 1];
  if (wanted !== undefined) {
    const found = s.parts.find(({ id }) => id === wanted);
    if (found !== undefined) return [named("reader: opens", to({ opened: [...r.opened, found] }))];
    if (bugs.readerListsOnce !== true)
      return [named("reader: misses and lists again", to({ first: NOTHING, opened: kept }))];
    return [
      named("reader: passes over", to({ first: { ...first, parts: first.parts.filter((id) => id !== wanted) } })),
    ];
  }
  if (bugs.readerListsOnce === true) return [named("reader: answers", answered(s))];
  return listed(s, r.second ?? NOTHING, bugs).map(([second, names]) => {
    if (!isWhole(second)) return named("reader: lists again", to({ names, second }));
    if (isSame(first, second, bugs)) return named("reader: answers", answered(s));
    // The next attempt begins with this listing.
    return named("reader: starts over", to({ names, first: second, opened: kept, second: undefined }));
  });
};

interface Whole extends Listing {
  readonly base: number;
  readonly parts: readonly number[];
}

const isWhole = (listing: Listing): listing is Whole => listing.base !== undefined && listing.parts !== undefined;

/** A listing with one half more: the parts, and then the base. */
const listed = (
  s: State,
  listing: Listing,
  bugs: Bugs,
): readonly (readonly [Listing, names: readonly number[] | undefined])[] => {
  const { names } = s.reader;
  const withBase = [{ ...listing, base: s.base.id }, names] as const;
  if (listing.parts !== undefined) return [withBase];
  const there = s.parts.map(({ id }) => id);
  const whole = [{ ...listing, parts: there }, undefined] as const;
  const named = [listing, there] as const;
  const looked = [{ ...listing, parts: names?.filter((id) => there.includes(id)) }, undefined] as const;
  const withParts = bugs.tornListing !== true ? whole : names === undefined ? named : looked;
  return bugs.baseListedBeside === true && listing.base === undefined ? [withBase, withParts] : [withParts];
};

const isSame = (first: Whole, second: Whole, bugs: Bugs): boolean =>
  first.base === second.base && (bugs.readerForgetsParts === true || first.parts.join() === second.parts.join());

/** What it saw has to be there after some number of commits: as many as before it began, or as there are, or between. */
const answered = (s: State): State => {
  const { left, since, opened } = s.reader;
  const [base, ...parts] = opened;
  const view = viewOf(base!, parts);
  let exact = false;
  for (let commits = since; commits <= s.commits; commits++) exact ||= isAfter(view, commits, s);
  return { ...s, reader: { ...AT_REST, left }, violation: exact ? s.violation : "ConsistentRead" };
};

/**
 * Whether a read is under way whose two listings cannot be alike any more: something in the first is not in the second, or is not there and the
 * second is still to come.
 */
export const isLost = ({ base, parts, reader: { first, second } }: State): boolean => {
  if (first === undefined) return false;
  const baseThen = second?.base ?? base.id;
  if (first.base !== undefined && first.base !== baseThen) return true;
  if (first.parts === undefined) return false;
  if (second?.parts !== undefined) return first.parts.join() !== second.parts.join();
  for (const listed of first.parts) if (!parts.some(({ id }) => id === listed)) return true;
  return false;
};
