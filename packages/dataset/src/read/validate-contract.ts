import type { KeyIndex, OverlayKey, Part } from "@usr/overlay";
import type { ParquetFile } from "@usr/parquet";
import { contractHash, type NamespaceEntry } from "@usr/registry";
import { type DataType, parseType, sameType } from "@usr/schema";
import type { Signal } from "@usr/storage";
import { inDataset, TOMBSTONE_NAMESPACE } from "../layout.ts";
import type { Finding, Findings } from "./findings.ts";
import { createContractHashes, type KnownRegistry, type Registries, type Rule } from "./validate-registry.ts";

/** What the checks of overlays share. */
export interface OverlayContext extends Signal {
  readonly id: string;
  readonly findings: Findings;
  readonly registries: Registries;
  readonly rule: Rule;
  readonly nowUs: bigint | undefined;
  /** A key index over the whole base; rejects where the base does not allow the key. */
  readonly index: (key: OverlayKey) => Promise<KeyIndex>;
  /** The base, where its rows were checked and nothing was found: every id is there, once, and known to the filters. */
  readonly faultless: ParquetFile | undefined;
}

/** For each namespace the registry it is judged by. What fits none is judged by the first and reported. */
export async function choose(
  parts: readonly Part[],
  c: OverlayContext,
): Promise<(namespace: string) => KnownRegistry | undefined> {
  const contracts = createContractHashes();
  const { candidates, byNamespace, together } = c.rule;
  const first = candidates[0];
  const problemOf = (part: Part, registry: KnownRegistry): Promise<Finding | undefined> =>
    byNamespace ? contractProblem(part, registry, contracts, c) : Promise.resolve(registryProblem(part, registry, c));

  const judge = async (group: readonly Part[]): Promise<KnownRegistry | undefined> => {
    if (first === undefined) return undefined;
    let failures: readonly Finding[] = [];
    for (const registry of candidates) {
      const problems = (await Promise.all(group.map((part) => problemOf(part, registry)))).filter(
        (problem) => problem !== undefined,
      );
      const fits =
        problems.every((problem) => problem.severity !== "error") && group.every((part) => fitsSchema(part, registry));
      if (fits || registry === first) failures = problems;
      if (fits) {
        for (const problem of failures) c.findings.add(problem);
        return registry;
      }
    }
    for (const problem of failures) c.findings.add(problem);
    return first;
  };
  if (together) {
    const registry = await judge(parts);
    return () => registry;
  }
  const chosen = new Map<string, KnownRegistry | undefined>();
  for (const namespace of new Set(parts.map((part) => part.namespace))) {
    chosen.set(namespace, await judge(parts.filter((part) => part.namespace === namespace)));
  }
  return (namespace) => chosen.get(namespace);
}

function fitsSchema(part: Part, { registry }: KnownRegistry): boolean {
  if (part.namespace === TOMBSTONE_NAMESPACE) return true;
  const registered = registry.namespaces.get(part.namespace);
  return (
    registered !== undefined &&
    part.columns.every((name) => {
      const type = registeredType(registered.columns.find((column) => column.name === name)?.type);
      const stored = part.file.schema.fields.find((field) => field.name === name)?.type;
      return type !== undefined && stored !== undefined && (stored.kind === "null" || sameType(stored, type));
    })
  );
}

/** The type of a registered column; `undefined` where it is none. */
export function registeredType(text: string | undefined): DataType | undefined {
  try {
    return text === undefined ? undefined : parseType(text);
  } catch {
    return undefined;
  }
}

/** The rule of `current`, `frozen` and `either`: the part was written under exactly this registry. */
function registryProblem(part: Part, { label, hash }: KnownRegistry, c: OverlayContext): Finding | undefined {
  if (part.registryHash === hash) return undefined;
  const where = inDataset(c.id, part.path);
  const kind = `${part.namespace} registry`;
  return part.registryHash === undefined
    ? { severity: "error", code: "MISSING_METADATA", message: "It carries no usr:registry_hash.", where, kind }
    : {
        severity: "error",
        code: "REGISTRY_MISMATCH",
        message: `It was written under the registry ${part.registryHash}; ${label} is ${hash}.`,
        where,
        hint: "Validate with --registry-mode namespace-current, which asks only whether this namespace changed.",
        kind,
      };
}

/**
 * Whether a hash is that of the entry before columns were appended to it, which never changes the meaning of what was written: the hash
 * itself proves which columns it stands for.
 */
async function isEarlierContract(stamped: string, entry: NamespaceEntry): Promise<boolean> {
  for (let count = entry.columns.length - 1; count > 0; count--) {
    if ((await contractHash({ ...entry, columns: entry.columns.slice(0, count) })) === stamped) return true;
  }
  return false;
}

/** The rule of the namespace modes: the part was written under the same definition of its namespace, or one that columns were appended to since. */
async function contractProblem(
  part: Part,
  { label, registry }: KnownRegistry,
  contracts: ReturnType<typeof createContractHashes>,
  c: OverlayContext,
): Promise<Finding | undefined> {
  const entry = registry.namespaces.get(part.namespace);
  // An unregistered namespace is reported with its schema; deleted rows have no contract.
  if (entry === undefined || part.namespace === TOMBSTONE_NAMESPACE) return undefined;
  const where = inDataset(c.id, part.path);
  const kind = `${part.namespace} contract`;
  const frozen = part.registryHash === undefined ? undefined : c.registries.frozen.get(part.registryHash);
  const then = frozen?.registry.namespaces.get(part.namespace);
  const stamped = part.contractHash ?? (then && (await contracts(then)));
  if (stamped === undefined) {
    return {
      severity: "warning",
      code: "MISSING_METADATA",
      message:
        "It carries no usr:namespace_contract_hash, and no frozen registry tells it; only its columns and types were checked.",
      where,
      kind,
    };
  }
  const now = await contracts(entry);
  if (stamped === now || (await isEarlierContract(stamped, entry))) return undefined;
  return {
    severity: "error",
    code: "CONTRACT_MISMATCH",
    message: `It was written under another definition of ${part.namespace} (${stamped}) than ${label} has (${now}).`,
    where,
    hint: "Restore the definition in the registry, or write the values again.",
    kind,
  };
}
