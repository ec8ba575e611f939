import {
  type Change,
  KINDS,
  type Listing,
  newestOf,
  type Part,
  STAGES,
  type State,
  TRADES,
  type Writer,
} from "./model.ts";

/** Bytes that suffice for any state. */
export const LARGEST_CODE = 255;
/** Stands for what is not there. */
const NONE = 255;

/**
 * What a state has in common with all that differ from it in nothing that a later step or a law depends on, as bytes in `code`; how many is
 * returned. Numbers of parts and times stand for their order alone. The two writers are interchangeable. An event in the log that no change
 * at hand speaks of cannot get there again. Of commits that every view must hold from now on (those before the read under way, or all) it
 * matters which of the files hold them, not which commit it is, and a value older than the newest of theirs is too old whichever it is.
 */
export const encode = (s: State, code: Uint8Array): number => {
  const { base, parts, record, reader } = s;
  const [first, second, compactor] = s.writers as [Writer, Writer, Writer];
  const swapped = first.trade === second.trade && orderOf(first) > orderOf(second);
  const writers = swapped ? [second, first, compactor] : s.writers;

  files.length = 0;
  files.push(base);
  for (const part of parts) files.push(part);
  for (const part of reader.opened) files.push(part);
  if (record !== undefined) files.push(record.part);
  for (const { change } of writers) if (change !== undefined) files.push(change.part);
  ids.clear();
  times.clear();
  times.mark(0);
  times.mark(1);
  for (const { id, createdAt } of files) {
    ids.mark(id);
    times.mark(createdAt);
  }
  const settled = reader.first === undefined ? s.commits : reader.since;
  findColumns(settled);
  const events = eventsOf(s);
  events.forEach(ids.mark);
  s.staged.forEach(ids.mark);
  markListing(reader.first);
  markListing(reader.second);
  reader.names?.forEach(ids.mark);
  ids.rank();
  times.rank();

  out = code;
  at = 0;
  file = 0;
  value = newestOf(s.attached, settled);
  put(columns.length);
  put(s.commits - settled);
  put(s.attached >> settled);
  putFiles(1, settled);
  put(parts.length);
  putFiles(parts.length, settled);
  put(reader.opened.length);
  putFiles(reader.opened.length, settled);
  putChange(record, parts, settled);
  for (const { trade, left, stage, recovering, change } of writers) {
    put(left * TRADES.length + TRADES.indexOf(trade));
    put(STAGES.indexOf(stage) * 2 + Number(recovering));
    putChange(change, parts, settled);
  }
  put(s.owner === undefined ? NONE : swapped && s.owner < 2 ? 1 - s.owner : s.owner);
  putIds(s.staged);
  put(events.length);
  for (const id of events) put(ids.of(id) * 4 + Number(s.happened.includes(id)) * 2 + Number(s.log.includes(id)));
  putIds(s.replaced);
  put(reader.left);
  putListing(reader.first);
  putListing(reader.second);
  putIds(reader.names);
  if (at > LARGEST_CODE) throw new RangeError(`a state needs ${at} bytes`);
  return at;
};

/** Those that may still matter, in order. */
const eventsOf = ({ happened, log, record, writers }: State): number[] => {
  const isAtHand = (event: number): boolean =>
    record?.part.id === event || writers.some(({ change }) => change?.part.id === event);
  const events = happened.filter((event) => !log.includes(event) || isAtHand(event));
  for (const event of log)
    if (!events.includes(event) && (!happened.includes(event) || isAtHand(event))) events.push(event);
  return events.sort((a, b) => a - b);
};

const isThere = (parts: readonly Part[], id: number): boolean => {
  for (const part of parts) if (part.id === id) return true;
  return false;
};

/** Small numbers by their order. What is marked is ranked. */
const ranking = () => {
  const rank = new Uint8Array(256);
  let end = 0;
  return {
    clear: (): void => {
      rank.fill(0, 0, end);
      end = 0;
    },
    mark: (number: number): void => {
      rank[number] = 1;
      if (number >= end) end = number + 1;
    },
    rank: (): void => {
      let next = 0;
      for (let number = 0; number < end; number++) if (rank[number] === 1) rank[number] = next++;
    },
    of: (number: number): number => rank[number]!,
  };
};

// A state has to be encoded in a microsecond or two: what is needed meanwhile is not made anew.
const files: Part[] = [];
const columns: number[] = [];
const ids = ranking();
const times = ranking();
let out: Uint8Array = new Uint8Array(0);
let at = 0;
/** How many of the files are written. */
let file = 0;
/** The commit that gave the cell its value, of those that every view must hold. */
let value = 0;

const put = (byte: number): void => {
  out[at++] = byte;
};

const putIds = (numbers: readonly number[] | undefined): void => {
  put(numbers?.length ?? NONE);
  if (numbers !== undefined) for (let i = 0; i < numbers.length; i++) put(ids.of(numbers[i]!));
};

const putFiles = (count: number, settled: number): void => {
  for (const end = file + count; file < end; file++) {
    const { id, createdAt, newest, holds } = files[file]!;
    put(ids.of(id));
    put(times.of(createdAt));
    put(holds === 0 ? 0 : newest === value ? 1 : newest > settled ? newest - settled + 1 : 0);
    let held = (holds >> settled) << columns.length;
    for (let i = 0; i < columns.length; i++) held |= ((columns[i]! >> file) & 1) << i;
    put(held);
  }
};

const putChange = (change: Change | undefined, parts: readonly Part[], settled: number): void => {
  put(change === undefined ? NONE : KINDS.indexOf(change.kind));
  if (change === undefined) return;
  putFiles(1, settled);
  // What has left already stays away.
  putIds(change.leaves.filter((id) => isThere(parts, id)));
};

const putListing = (listing: Listing | undefined): void => {
  if (listing === undefined) {
    put(NONE);
  } else {
    put(listing.base === undefined ? NONE - 1 : ids.of(listing.base));
    putIds(listing.parts);
  }
};

const markListing = (listing: Listing | undefined): void => {
  if (listing?.base !== undefined) ids.mark(listing.base);
  listing?.parts?.forEach(ids.mark);
};

/** For the first `settled` commits, which of the files hold one: each set of files once, in one order. */
const findColumns = (settled: number): void => {
  columns.length = 0;
  for (let commit = 0; commit < settled; commit++) {
    let column = 0;
    for (let i = 0; i < files.length; i++) column |= ((files[i]!.holds >> commit) & 1) << i;
    if (!columns.includes(column)) columns.push(column);
  }
  columns.sort((a, b) => a - b);
};

const orderOf = ({ left, stage }: Writer): number => left * STAGES.length + STAGES.indexOf(stage);

const numbersOf = (listing: Listing | undefined): readonly number[] =>
  listing === undefined ? [] : [...(listing.base === undefined ? [] : [listing.base]), ...(listing.parts ?? [])];

/** A state that `encode` gives these bytes for. */
export const decode = (code: Uint8Array): State => {
  let at = 0;
  const get = (): number => code[at++]!;
  const many = <T>(one: () => T): readonly T[] => {
    const all: T[] = [];
    for (let left = get(); left > 0; left--) all.push(one());
    return all;
  };
  const perhaps = <T>(one: () => T): T | undefined => {
    if (code[at] !== NONE) return one();
    at++;
    return undefined;
  };
  const settled = get();
  const part = (): Part => {
    const [id, createdAt, newest, holds] = [get(), get(), get(), get()];
    return { id, createdAt, newest: newest === 0 ? 0 : newest + settled - 1, holds };
  };
  const change = (): Change => ({ kind: KINDS[get()]!, part: part(), leaves: many(get) });
  const listing = (): Listing => {
    const base = get();
    return { base: base === NONE - 1 ? undefined : base, parts: perhaps(() => many(get)) };
  };
  const writer = (): Writer => {
    const [left, stage] = [get(), get()];
    const trade = TRADES[left % TRADES.length]!;
    return {
      trade,
      left: Math.floor(left / TRADES.length),
      stage: STAGES[stage >> 1]!,
      recovering: (stage & 1) === 1,
      change: perhaps(change),
    };
  };

  const commits = settled + get();
  // Any of the settled commits may be the one that gave the cell its value: let it be the last.
  const attached = (get() << settled) | (2 ** settled - 1);
  const base = part();
  const parts = many(part);
  const opened = many(part);
  const record = perhaps(change);
  const writers = [writer(), writer(), writer()];
  const owner = perhaps(get);
  const staged = many(get);
  const events = many(get);
  const replaced = many(get);
  const left = get();
  const first = perhaps(listing);
  const second = perhaps(listing);
  const names = perhaps(() => many(get));
  const changed = [record, ...writers.map((one) => one.change)].map((one) => one?.part.id ?? 0);
  const known = [base.id, ...parts.map(({ id }) => id), ...opened.map(({ id }) => id), ...changed, ...staged];
  const listed = [...numbersOf(first), ...numbersOf(second), ...(names ?? []), ...events.map((event) => event >> 2)];
  return {
    base,
    parts,
    staged,
    record,
    log: events.filter((event) => (event & 1) === 1).map((event) => event >> 2),
    owner,
    writers,
    reader: { left, first, opened, second, names, since: first === undefined ? 0 : settled },
    commits,
    attached,
    happened: events.filter((event) => (event & 2) === 2).map((event) => event >> 2),
    replaced,
    next: Math.max(...known, ...listed) + 1,
    violation: undefined,
  };
};
