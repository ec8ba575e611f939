import type { NamespaceEntry, Registry } from "@usr/registry";
import { DatasetError } from "../../error.ts";
import { isKeptWhole, isNamespaceName, STATE_NAMESPACE } from "../../layout.ts";

/** The registry entry of a namespace that generic writers may write to. */
export const writableEntry = (registry: Registry, namespace: string): NamespaceEntry => {
  if (isKeptWhole(namespace)) {
    throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${namespace} is reserved`, {
      hint:
        namespace === STATE_NAMESPACE
          ? "Record state is written with: usr state set"
          : "Rows are deleted with: usr delete",
      details: { namespace },
    });
  }
  const owner = [...registry.namespaces.keys()].find((other) => namespace.startsWith(`${other}__`));
  if (!isNamespaceName(namespace) || owner !== undefined) {
    throw new DatasetError(
      "NAMESPACE_INVALID",
      owner === undefined
        ? `${JSON.stringify(namespace)} is not a namespace name`
        : `columns of ${namespace} could be taken for columns of the namespace ${owner}`,
      {
        hint: "A namespace is a small letter followed by small letters, digits and underscores.",
        details: { namespace, owner },
      },
    );
  }
  const entry = registry.namespaces.get(namespace);
  if (entry === undefined) {
    throw new DatasetError("NAMESPACE_NOT_REGISTERED", `the namespace ${namespace} is not registered`, {
      hint: `Register it with: usr namespace register ${namespace} --columns '${namespace}__NAME:TYPE'`,
      details: { namespace, registered: [...registry.namespaces.keys()] },
    });
  }
  return entry;
};
