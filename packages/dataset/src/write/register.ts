import { OverlayError } from "@usr/overlay";
import { ParquetError } from "@usr/parquet";
import type { RegisterRequest, Registry } from "@usr/registry";
import { canonicalRegistry, emptyRegistry, registerNamespace as registered, registryHash } from "@usr/registry";
import { DatasetError } from "../error.ts";
import { REGISTRY_FILE } from "../layout.ts";
import { datasetIds } from "../read/list.ts";
import { loadRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import { takeRegistryLock } from "./commit/lock.ts";
import type { WritableRoot } from "./types.ts";

export interface RegisterOptions extends Omit<RegisterRequest, "columns"> {
  /** All columns of the namespace in order; may be left out where it is registered already: they stay as they are. */
  readonly columns?: RegisterRequest["columns"] | undefined;
  /** Change columns although datasets of the root hold data of them. */
  readonly force?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface RegisterResult {
  readonly namespace: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly registry_hash: string;
  readonly created: boolean;
  /** What differs from before: `columns`, `owner`, `description`; empty when nothing does. */
  readonly changed: readonly string[];
}

/**
 * Registers a namespace in the root's `registry.yaml`, under the root's lock, atomically; the first registration creates the file with
 * `usr_state`. Registering the same again changes nothing. Throws `NAMESPACE_EXISTS` for a changed entry without `overwrite`, and with
 * it while a dataset of the root holds data of the changed columns, unless `force`.
 */
export const registerNamespace = async (root: WritableRoot, o: RegisterOptions): Promise<RegisterResult> => {
  // A refusal, and a registration that changes nothing, leave not even a lock file.
  const first = await planned(root, o);
  if (o.dryRun === true || first.text === undefined) return resultOf(o.namespace, first);
  await using _lock = await takeRegistryLock(root);
  const plan = await planned(root, o);
  if (plan.text !== undefined) await root.storage.put(REGISTRY_FILE, new TextEncoder().encode(plan.text));
  return resultOf(o.namespace, plan);
};

interface Plan {
  readonly registry: Registry;
  readonly hash: string;
  readonly created: boolean;
  readonly changed: readonly string[];
  /** The file to write; `undefined` when it would say what it says. */
  readonly text: string | undefined;
}

const planned = async (root: WritableRoot, o: RegisterOptions): Promise<Plan> => {
  const before = await loadRegistry(root.storage);
  const columns = o.columns ?? before?.namespaces.get(o.namespace)?.columns;
  if (columns === undefined) {
    throw new DatasetError("USAGE", `${o.namespace} is not registered yet, so its columns have to be said`, {
      hint: `Add --columns '${o.namespace}__NAME:TYPE,…'.`,
      details: { namespace: o.namespace },
    });
  }
  const { registry, created, changed, changedColumns } = registered(before ?? emptyRegistry(), { ...o, columns });
  if (changedColumns.length > 0 && o.force !== true) await refuseHeld(root, o.namespace, changedColumns);
  return {
    registry,
    hash: await registryHash(registry),
    created,
    changed,
    text: created || changed.length > 0 || before === undefined ? canonicalRegistry(registry) : undefined,
  };
};

const resultOf = (namespace: string, plan: Plan): RegisterResult => ({
  namespace,
  columns: (plan.registry.namespaces.get(namespace)?.columns ?? []).map(({ name, type }) => ({ name, type })),
  registry_hash: plan.hash,
  created: plan.created,
  changed: plan.changed,
});

/** The error of a dataset that nobody named, with its name; the machine's own are told as they are. */
const inDatasetOf = (error: unknown, id: string): unknown => {
  if (!(error instanceof OverlayError || error instanceof ParquetError || error instanceof DatasetError)) return error;
  return new DatasetError(
    "CORRUPT",
    `whether the dataset ${id} holds data of the columns cannot be told: ${error.message}`,
    {
      hint: `See what is wrong with: usr validate ${id}. With --force nobody looks into datasets.`,
      details: { ...error.details, dataset: id, code: error.code },
      cause: error,
    },
  );
};

/** Existing data must not change its meaning: the columns may be in parts or folded into a base. */
const refuseHeld = async (root: WritableRoot, namespace: string, columns: readonly string[]): Promise<void> => {
  const holders: string[] = [];
  for (const id of await datasetIds(root.storage)) {
    await using snapshot = await openSnapshot(root, id, { namespaces: [namespace], tombstones: false }).catch(
      (error: unknown) => {
        throw inDatasetOf(error, id);
      },
    );
    const held = new Set([
      ...snapshot.base.file.schema.fields.map(({ name }) => name),
      ...snapshot.overlays.flatMap(({ parts }) => parts.flatMap((part) => part.columns)),
    ]);
    if (columns.some((column) => held.has(column))) holders.push(id);
  }
  if (holders.length === 0) return;
  throw new DatasetError(
    "NAMESPACE_EXISTS",
    `${columns.join(", ")} would change while ${holders.join(", ")} hold(s) data of ${namespace}`,
    {
      hint: "Register the new columns under new names, or type --force when you know that the data stays readable.",
      details: { namespace, columns, datasets: holders },
    },
  );
};
