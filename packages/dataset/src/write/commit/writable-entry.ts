import type { NamespaceEntry, Registry } from "@usr/registry";
import { DatasetError } from "../../error.ts";
import { isKeptWhole, isNamespaceName, STATE_NAMESPACE } from "../../layout.ts";

/** Throws `NAMESPACE_INVALID` for a name that is not spelled as the registry wants namespaces spelled. */
export const checkNamespaceName = (namespace: string): void => {
  if (isNamespaceName(namespace)) return;
  throw new DatasetError("NAMESPACE_INVALID", `${JSON.stringify(namespace)} is not a namespace name`, {
    hint: "A namespace is a small letter followed by small letters, digits and underscores.",
    details: { namespace },
  });
};

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
  checkNamespaceName(namespace);
  // As in registration: `a__` is the prefix of columns of `a`, and columns of `a_` could begin with it as well as those of `a__b`.
  const owner = [...registry.namespaces.keys()].find(
    (other) => other !== namespace && `${namespace}__`.startsWith(`${other}__`),
  );
  if (owner !== undefined) {
    throw new DatasetError(
      "NAMESPACE_INVALID",
      `columns of ${namespace} could be taken for columns of the namespace ${owner}`,
      {
        hint: `Choose a name other than ${owner}_ that does not start with ${owner}__.`,
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
