import { REGISTRY_FILE } from "../layout.ts";
import { readRegistryFile } from "../read/objects.ts";
import { takeRegistryLock } from "../write/commit/lock.ts";
import type { WritableRoot } from "../write/types.ts";

/**
 * Writes the root's `registry.yaml` under the root's lock, atomically. `update` gets its text (`undefined` = there is none) and gives what it
 * shall say, or `undefined` to leave it as it is; what it throws is passed on and nothing is changed.
 */
export const updateRegistry = async (
  root: WritableRoot,
  update: (text: string | undefined) => Promise<string | undefined>,
): Promise<void> => {
  await using _lock = await takeRegistryLock(root);
  const found = await readRegistryFile(root.storage, REGISTRY_FILE);
  const text = await update(found && new TextDecoder().decode(found.bytes));
  if (text !== undefined) await root.storage.put(REGISTRY_FILE, new TextEncoder().encode(text));
};
