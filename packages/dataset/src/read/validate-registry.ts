import { contractHash, type NamespaceEntry, parseRegistry, type Registry, registryHash } from "@usr/registry";
import { type Signal, StorageError, scopedStorage } from "@usr/storage";
import { frozenRegistryHash, frozenRegistryPath, inDataset, REGISTRY_DIR, REGISTRY_FILE } from "../layout.ts";
import type { Root, ValidationMode } from "../types.ts";
import { type Findings, findingOf } from "./findings.ts";
import { listAll, readRegistryFile } from "./objects.ts";

/** A registry and what it is compared by. */
export interface KnownRegistry {
  readonly label: string;
  readonly registry: Registry;
  readonly hash: string;
}

/** Every registry that a dataset may be judged by. */
export interface Registries {
  /** The root's; `undefined` = missing or broken. */
  readonly current: KnownRegistry | undefined;
  /** The sound frozen ones, by the hash they are named by. */
  readonly frozen: ReadonlyMap<string, KnownRegistry>;
  /** Frozen ones looked at, broken ones included. */
  readonly count: number;
}

/** Reads the root's registry and every frozen one; whatever is wrong with them is reported. */
export async function readRegistries(root: Root, id: string, findings: Findings, o: Signal): Promise<Registries> {
  const current = await readRegistry(root, REGISTRY_FILE, findings, o);
  const frozen = new Map<string, KnownRegistry>();
  let count = 0;
  for (const { path } of await listAll(scopedStorage(root.storage, id), REGISTRY_DIR, o)) {
    const named = frozenRegistryHash(path);
    if (named === undefined) continue;
    count++;
    const found = await readRegistry(root, inDataset(id, path), findings, o);
    if (found === undefined) continue;
    if (found.hash === named) frozen.set(named, found);
    else {
      findings.add({
        severity: "error",
        code: "CORRUPT",
        message: `The frozen registry was altered: its content has the hash ${found.hash}.`,
        where: inDataset(id, path),
        hint: "Put the original back from another copy of the dataset.",
      });
    }
  }
  return { current, frozen, count };
}

async function readRegistry(
  root: Root,
  path: string,
  findings: Findings,
  o: Signal,
): Promise<KnownRegistry | undefined> {
  try {
    const object = await readRegistryFile(root.storage, path, o);
    if (object === undefined) return undefined;
    const registry = await parseRegistry(new TextDecoder().decode(object.bytes));
    return { label: path, registry, hash: await registryHash(registry) };
  } catch (error) {
    if (error instanceof StorageError) throw error;
    findings.add(findingOf(error, path));
    return undefined;
  }
}

/** Reports a frozen registry that `holder` names and the dataset lacks (a broken one has been reported already). */
export async function checkNamedRegistry(
  root: Root,
  id: string,
  hash: string | undefined,
  holder: string,
  registries: Registries,
  findings: Findings,
  o: Signal,
): Promise<void> {
  if (hash === undefined || registries.frozen.has(hash)) return;
  const path = inDataset(id, frozenRegistryPath(hash));
  await using handle = /^[0-9a-f]{64}$/.test(hash) ? await root.storage.open(path, o) : undefined;
  if (handle !== undefined) return;
  findings.add({
    severity: "error",
    code: "NO_REGISTRY",
    message: `${holder} names the frozen registry ${hash}, which is missing.`,
    where: path,
    hint: "Copy it from another copy of the dataset.",
  });
}

/** What a validation mode asks of an overlay. */
export interface Rule {
  /** The registries to hold the overlays against; one that accepts is enough. */
  readonly candidates: readonly KnownRegistry[];
  /** Compare the contract of the namespace only, not the hash of the whole registry. */
  readonly byNamespace: boolean;
  /** All overlays must pass the same candidate. */
  readonly together: boolean;
}

/** The rule of a mode. A candidate that the mode needs and that is missing is reported, once. */
export function ruleOf(
  mode: ValidationMode,
  registries: Registries,
  baseHash: string | undefined,
  id: string,
  findings: Findings,
): Rule {
  const frozen = baseHash === undefined ? undefined : registries.frozen.get(baseHash);
  const wanted = mode.endsWith("current")
    ? [registries.current]
    : mode.endsWith("frozen")
      ? [frozen]
      : [registries.current, frozen];
  const candidates = wanted.filter((registry) => registry !== undefined);
  if (candidates.length === 0) {
    const current = mode.endsWith("current");
    findings.add({
      severity: "error",
      code: "NO_REGISTRY",
      message: current ? "The root has no usable registry." : `${id} has no usable frozen registry.`,
      where: current ? REGISTRY_FILE : inDataset(id, REGISTRY_DIR),
      hint: current
        ? "Put registry.yaml back, or validate with --registry-mode namespace-frozen."
        : "Freeze one with: usr maintenance registry-freeze DATASET",
    });
  }
  return { candidates, byNamespace: mode.startsWith("namespace-"), together: mode === "either" };
}

/** The contract hash of an entry, remembered. */
export function createContractHashes(): (entry: NamespaceEntry) => Promise<string> {
  const known = new Map<NamespaceEntry, Promise<string>>();
  return (entry) => {
    let hash = known.get(entry);
    if (hash === undefined) {
      hash = contractHash(entry);
      known.set(entry, hash);
    }
    return hash;
  };
}
