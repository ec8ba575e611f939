// In which order the files of tests run for a mutant that has a thread of its own: the run ends with the first test that fails.
import { relative } from "node:path";
import { BaseSequencer } from "vitest/node";

// The configuration of vitest, which names the class, is loaded as a module of its own.
const KEY = Symbol.for("usr.mutation.likely");

/** The files to run before all others, the likeliest last. */
export const likelyFirst = (files) => {
  globalThis[KEY] = files;
};

export class LikelyFirst extends BaseSequencer {
  async sort(specifications) {
    const place = ({ moduleId }) => globalThis[KEY]?.lastIndexOf(relative(process.cwd(), moduleId)) ?? -1;
    return specifications.toSorted((a, b) => place(b) - place(a));
  }
}
