import { RegistryError } from "../error.ts";
import type { RegisterRequest, Registry } from "../types.ts";
import { STANDARD } from "./entries.ts";

/**
 * What `registerNamespace` has to be asked for so that `registry` holds the standard namespace `name`. Columns that stand there already keep
 * their places, and others beside them stay; missing ones come at the end, as the Python program adds them. Owner and description are
 * given only where there is none.
 *
 * @throws RegistryError `NAMESPACE_NOT_REGISTERED` where `name` is no standard namespace; `NAMESPACE_EXISTS` where a column has another type
 */
export const standardRequest = (registry: Registry, name: string): RegisterRequest => {
  const entry = STANDARD.find(({ namespace }) => namespace === name);
  if (entry === undefined) {
    const names = STANDARD.map(({ namespace }) => namespace);
    throw new RegistryError("NAMESPACE_NOT_REGISTERED", `${JSON.stringify(name)} is no standard namespace.`, {
      hint: `Standard namespaces are: ${names.join(", ")}.`,
      details: { namespace: name, standard: names },
    });
  }
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const before = registry.namespaces.get(name);
  const types = new Map(before?.columns.map((column) => [column.name, column.type]));
  const other = entry.columns.filter((column) => (types.get(column.name) ?? column.type) !== column.type);
  if (other.length > 0) {
    const changes = other.map((column) => ({
      name: column.name,
      registered: types.get(column.name),
      standard: column.type,
    }));
    throw new RegistryError(
      "NAMESPACE_EXISTS",
      `The namespace ${name} is registered with another type of ${other.map((column) => column.name).join(", ")}.`,
      {
        hint: `See it with: usr namespace show ${name}. A column is changed with: usr namespace register ${name} --overwrite`,
        details: { namespace: name, columns: changes },
      },
    );
  }
  return {
    namespace: name,
    columns: [...(before?.columns ?? []), ...entry.columns.filter((column) => !types.has(column.name))],
    owner: before === undefined || before.owner === null ? text(entry.owner) : undefined,
    description: before === undefined || before.description === null ? text(entry.description) : undefined,
  };
};
