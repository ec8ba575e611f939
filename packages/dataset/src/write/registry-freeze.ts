import { registryHash } from "@usr/registry";
import { scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { frozenRegistryPath } from "../layout.ts";
import { requireRegistry } from "../read/registry.ts";
import { freezeNeeds, planFreeze } from "./base/freeze.ts";
import { requireBase, transact } from "./commit/transaction.ts";
import type { WritableRoot } from "./types.ts";

export interface FreezeResult {
  readonly registry_hash: string;
  /** The frozen copy, relative to the dataset. */
  readonly path: string;
  /** Whether anything had to be written. */
  readonly updated: boolean;
}

/** Makes today's registry part of the dataset: its frozen copy, and its hash in the base. Nothing to do changes nothing and logs nothing. */
export const freezeRegistry = async (
  root: WritableRoot,
  id: string,
  o: { readonly dryRun?: boolean | undefined } = {},
): Promise<FreezeResult> => {
  if (o.dryRun === true) {
    const dataset = parseDatasetId(id);
    const storage = scopedStorage(root.storage, dataset);
    const registry = await requireRegistry(root.storage);
    await requireBase(storage, dataset, root);
    const hash = await registryHash(registry);
    const needs = await freezeNeeds(storage, dataset, registry, hash);
    return { registry_hash: hash, path: frozenRegistryPath(hash), updated: needs.copy || needs.stamp };
  }
  return transact(root, id, { command: "registry-freeze", freeze: "none" }, async (tx) => {
    const plan = await planFreeze(tx, "stamp");
    const path = frozenRegistryPath(tx.registryHash);
    const result = { registry_hash: tx.registryHash, path, updated: plan.event !== undefined };
    const publish = plan.steps.at(-1);
    if (plan.event === undefined || publish === undefined) return { result };
    return {
      result,
      commit: {
        ...plan.event,
        prepare: plan.steps.slice(0, -1),
        publish,
        args: { ...plan.event.args, auto: false, updated: true },
        maintenance: { reason: "registry_freeze" },
        target: plan.base?.path,
      },
    };
  });
};
