import type { Choose } from "./inode.ts";

/** One call's effect on names, which journaling file systems keep whole: a rename takes one name away and sets another. */
export interface Renaming {
  readonly sets: readonly { readonly folder: number; readonly name: string; readonly ino: number | undefined }[];
}

/** Names of all folders as the platter has them, and the calls whose effect it may or may not have yet. */
export class StableEntries {
  readonly #stable: Map<number, Map<string, number>>;
  #unflushed: Renaming[] = [];

  constructor(stable: Iterable<readonly [folder: number, entries: ReadonlyMap<string, number>]>) {
    this.#stable = new Map([...stable].map(([folder, entries]) => [folder, new Map(entries)]));
  }

  add(renaming: Renaming): void {
    this.#unflushed.push(renaming);
  }

  /** What the flush of a folder reaches: every call that touched it, and those that these build on. */
  flush(folder: number): void {
    const wanted = withCauses(this.#unflushed, ({ sets }) => sets.some((set) => set.folder === folder));
    for (const renaming of this.#unflushed) if (wanted.has(renaming)) apply(this.#stable, renaming);
    this.#unflushed = this.#unflushed.filter((renaming) => !wanted.has(renaming));
  }

  /** Names after a power cut: none, all, or any of what was not flushed, in any order that a later call on the same name allows. */
  afterCut(choose: Choose): Map<number, Map<string, number>> {
    const left = new Map([...this.#stable].map(([folder, entries]) => [folder, new Map(entries)]));
    const kind = choose(4);
    const wanted = kind === 0 ? new Set<Renaming>() : withCauses(this.#unflushed, () => kind === 1 || choose(2) === 1);
    for (const renaming of this.#unflushed) if (wanted.has(renaming)) apply(left, renaming);
    return left;
  }
}

const apply = (stable: Map<number, Map<string, number>>, { sets }: Renaming): void => {
  for (const { folder, name, ino } of sets) {
    const entries = stable.get(folder) ?? new Map<string, number>();
    if (ino === undefined) entries.delete(name);
    else entries.set(name, ino);
    stable.set(folder, entries);
  }
};

/** The chosen calls with all earlier ones on the same names: a name cannot move on before it was made. */
const withCauses = (all: readonly Renaming[], chosen: (renaming: Renaming) => boolean): Set<Renaming> => {
  const wanted = new Set<Renaming>();
  const touched = new Set<string>();
  for (const renaming of all.toReversed()) {
    const keys = renaming.sets.map(({ folder, name }) => `${folder}/${name}`);
    if (!chosen(renaming) && !keys.some((key) => touched.has(key))) continue;
    wanted.add(renaming);
    for (const key of keys) touched.add(key);
  }
  return wanted;
};
