import type { Registry } from "@usr/registry";
import type { Storage } from "@usr/storage";
import { ARCHIVED_DIR } from "../layout.ts";
import { fileStamp } from "../write/commit/auto-snapshot.ts";

/** What a remedy works with, under the dataset lock. */
export interface Mending {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly nowUs: bigint;
  /** A fresh uuid4 as 32 lowercase hex digits. */
  readonly uuid: () => string;
}

/** Mends one problem; safe to repeat. What it replaces is kept in `_derived/_archived/`. */
export type Remedy = (m: Mending) => Promise<void>;

/** What can be done about a problem: a remedy, or what somebody has to do by hand. Neither: what the problem itself says. */
export interface Advice {
  readonly mend?: Remedy;
  readonly byHand?: string;
}

/** Moves a file to where nothing reads it, if it is there. */
export const keepOriginal = async ({ storage, nowUs }: Mending, path: string): Promise<void> => {
  // Without the dot of staged files: what is kept is no debris.
  const name = path.replace(/^\./, "");
  if (await isThere(storage, path)) await storage.rename(path, `${ARCHIVED_DIR}repair-${fileStamp(nowUs)}/${name}`);
};

export const isThere = async (storage: Storage, path: string): Promise<boolean> => {
  await using handle = await storage.open(path);
  return handle !== undefined;
};
