import type { Root } from "@usr/dataset";
import { eventLog, requireRegistry } from "@usr/dataset";
import type { Registry } from "@usr/registry";
import type { Session } from "./session.ts";

/** The root's registry; `NO_REGISTRY` where the root has none. */
export const readRegistry = async (session: Session): Promise<Registry> =>
  requireRegistry((await session.root()).storage);

/**
 * Throws what is wrong with the root or the dataset's name before any input is read: nobody should type a table into a command that
 * can only fail.
 */
export const requireDataset = async (root: Root, id: string): Promise<void> => {
  await requireRegistry(root.storage);
  await eventLog(root, id);
};
