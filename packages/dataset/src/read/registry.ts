import { parseRegistry, type Registry, registryHash } from "@usr/registry";
import type { ReadableStorage, Signal } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { frozenRegistryPath, inDataset, REGISTRY_FILE } from "../layout.ts";
import { readRegistryFile } from "./objects.ts";

/** The root's registry; `undefined` where the root has none. Throws `RegistryError` when it is not one. */
export async function loadRegistry(storage: ReadableStorage, o: Signal = {}): Promise<Registry | undefined> {
  const found = await readRegistryFile(storage, REGISTRY_FILE, o);
  return found === undefined ? undefined : await parseRegistry(new TextDecoder().decode(found.bytes));
}

/** The root's registry. Throws `NO_REGISTRY` where the root has none. */
export async function requireRegistry(storage: ReadableStorage, o: Signal = {}): Promise<Registry> {
  const registry = await loadRegistry(storage, o);
  if (registry === undefined) {
    throw new DatasetError("NO_REGISTRY", `The root has no ${REGISTRY_FILE}.`, {
      hint: "Register a namespace first (usr namespace register); commands that take --registry-mode can read the dataset's own copy, with frozen.",
    });
  }
  return registry;
}

/**
 * The registry a dataset froze under `hash`, verified against that hash.
 *
 * @throws DatasetError `NO_REGISTRY` where the copy is missing, `CORRUPT` where its content is another registry
 */
async function frozenRegistry(storage: ReadableStorage, id: string, hash: string, o: Signal = {}): Promise<Registry> {
  const path = inDataset(id, frozenRegistryPath(hash));
  const object = await readRegistryFile(storage, path, o);
  if (object === undefined) {
    throw new DatasetError("NO_REGISTRY", `The frozen registry ${path} is missing.`, {
      hint: "Copy it from another copy of the dataset, or read with --registry-mode current.",
      details: { path, hash },
    });
  }
  const registry = await parseRegistry(new TextDecoder().decode(object.bytes));
  const found = await registryHash(registry);
  if (found !== hash) {
    throw new DatasetError("CORRUPT", `${path} holds another registry: its hash is ${found}.`, {
      hint: "Put the original file back from another copy of the dataset.",
      details: { path, hash, found },
    });
  }
  return registry;
}

/** The frozen registry a base names. Throws `NO_REGISTRY` when the base names none. */
export async function baseFrozenRegistry(
  storage: ReadableStorage,
  id: string,
  hash: string | undefined,
  o: Signal = {},
): Promise<Registry> {
  if (hash === undefined) {
    throw new DatasetError("NO_REGISTRY", `The dataset ${id} names no frozen registry.`, {
      hint: "Freeze one with: usr maintenance registry-freeze DATASET",
      details: { dataset: id },
    });
  }
  return await frozenRegistry(storage, id, hash, o);
}
