/// <reference types="node" />
import { dirname, join, sep } from "node:path";
import { StorageError } from "../error.ts";
import { attempt, attemptIfPresent } from "./error.ts";
import type { DiskFs } from "./fs.ts";

/** Where storage paths lie on the disk, and the promise that they lie under the root. */
export interface Places {
  /** The absolute name of a legal storage path whose folder does not leave the root through a symbolic link (else `PATH_INVALID`). */
  locate(path: string): Promise<string>;
  /** The file `path` itself resolves to after all links; `undefined` where there is none; `PATH_INVALID` outside the root. */
  resolve(path: string): Promise<string | undefined>;
}

export function placesOf(fs: DiskFs, root: string): Places {
  /** Names being resolved. A thousand files of one folder that are opened side by side ask for two names, again and again. */
  const asked = new Map<string, Promise<string>>();
  const resolveOnce = (name: string): Promise<string> => {
    const known = asked.get(name);
    if (known !== undefined) return known;
    const answer = fs.realpath(name).finally(() => asked.delete(name));
    asked.set(name, answer);
    return answer;
  };
  const realpath = (name: string, path: string): Promise<string | undefined> =>
    attemptIfPresent("resolve", path, resolveOnce(name));

  /** Where the root lay when it was last asked for. A root that is a link may come to lead elsewhere, so a no is asked for again. */
  let knownRoot: string | undefined;
  const isUnder = (real: string, realRoot: string | undefined): boolean =>
    realRoot !== undefined &&
    (real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep));

  const inside = async (real: string, path: string): Promise<string> => {
    if (isUnder(real, knownRoot)) return real;
    knownRoot = await attempt("resolve", path, resolveOnce(root));
    if (isUnder(real, knownRoot)) return real;
    throw new StorageError("PATH_INVALID", `${path} leaves the root through a symbolic link (to ${real}).`, {
      hint: "Move the data into the root, or make the place the link points to the root.",
      details: { path, target: real },
    });
  };

  return {
    async locate(path: string): Promise<string> {
      const name = join(root, path);
      // The folder may not exist yet; the nearest one that does decides where the rest will be.
      for (let at = dirname(name); at.length >= root.length; at = dirname(at)) {
        const real = await realpath(at, path);
        if (real === undefined) {
          if (at === root) break;
          continue;
        }
        await inside(real, path);
        break;
      }
      return name;
    },
    async resolve(path: string): Promise<string | undefined> {
      const real = await realpath(join(root, path), path);
      return real === undefined ? undefined : await inside(real, path);
    },
  };
}
