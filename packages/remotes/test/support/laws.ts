import { type ConformanceCase, type ConformanceFlags, storageConformance } from "@usr/storage/testing";
import { describe, expect, it } from "vitest";
import { type FarEnd, openFar } from "./far.ts";
import { freshFolder } from "./folder.ts";

/** The helper keeps no handles: where a disk would keep the old bytes it says CONFLICT (far-helper.test.ts). */
const HANDLES = "a handle keeps its bytes after replacement, rename and removal";

/** Registers the laws of the storage port for a far end on this machine. `far` gets a fresh folder for what it needs. */
export function registerLaws(
  name: string,
  far: (folder: string) => Promise<FarEnd>,
  o: { readonly count: number; readonly lock: boolean; readonly handles: boolean },
): void {
  const flags: ConformanceFlags = { write: true, digest: true, link: true, append: true, lock: o.lock };
  const cases = storageConformance(name, subject(far), flags).filter(isAsked(o.handles));
  describe(name, () => {
    it(`is asked ${o.count} questions`, () => expect(cases.length).toBe(o.count));
    for (const { name: law, run } of cases) it(law, run);
  });
}

const isAsked =
  (handles: boolean) =>
  ({ name }: ConformanceCase): boolean =>
    handles || !name.endsWith(HANDLES);

const subject =
  (far: (folder: string) => Promise<FarEnd>): Parameters<typeof storageConformance>[1] =>
  async () => {
    const folder = await freshFolder();
    const root = await freshFolder();
    const site = await openFar(root.path, await far(folder.path));
    return {
      storage: site.storage,
      async dispose(): Promise<void> {
        await site[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
        await root[Symbol.asyncDispose]();
      },
    };
  };
