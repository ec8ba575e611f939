import { canonicalRegistry, emptyRegistry, parseRegistry, RegistryError, registerNamespace } from "@usr/registry";

/** Two registries as one: `text` is what the target's file will say, `undefined` where it stays as it is. */
export type RegistryPlan =
  | { readonly kind: "united"; readonly text: string | undefined }
  | { readonly kind: "conflict"; readonly message: string };

/**
 * The target's registry with everything the source's has and it lacks: namespaces, and columns at the end of a namespace. Where both say
 * something else about the same column, or in another order, nothing is united, unless `overwrite` says that the source is right.
 */
export const planRegistry = async (
  source: string | undefined,
  target: string | undefined,
  o: { readonly overwrite?: boolean | undefined } = {},
): Promise<RegistryPlan> => {
  if (source === undefined || source === target) return { kind: "united", text: undefined };
  const theirs = await parseRegistry(source);
  if (target === undefined) return { kind: "united", text: source };
  const before = await parseRegistry(target);
  const reserved = emptyRegistry().namespaces;
  const { overwrite = false } = o;
  let ours = before;
  for (const [namespace, { columns, owner, description }] of theirs.namespaces) {
    const there = before.namespaces.get(namespace)?.columns ?? [];
    // Who has more columns speaks for the namespace: the other one's entry is a former state of it.
    if (reserved.has(namespace) || (before.namespaces.has(namespace) && startsWith(there, columns))) continue;
    if (!overwrite && !startsWith(columns, there)) return conflict(namespace, columns, there);
    const request = { namespace, columns, owner: textOf(owner), description: textOf(description), overwrite };
    try {
      ours = registerNamespace(ours, request).registry;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      return {
        kind: "conflict",
        message: `the source's namespace ${namespace} cannot be registered: ${error.message}`,
      };
    }
  }
  return { kind: "united", text: ours === before ? undefined : canonicalRegistry(ours) };
};

type Columns = readonly { readonly name: string; readonly type: string }[];

const startsWith = (columns: Columns, start: Columns): boolean =>
  start.every(({ name, type }, at) => columns[at]?.name === name && bare(columns[at].type) === bare(type));

/** Types are compared without blanks, which mean nothing in them. */
const bare = (type: string): string => type.replaceAll(/\s/g, "");

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const conflict = (namespace: string, a: Columns, b: Columns): RegistryPlan => {
  const at = a.findIndex(({ name, type }, i) => b[i]?.name !== name || bare(b[i]?.type ?? "") !== bare(type));
  const say = (column: Columns[number] | undefined): string => (column ? `${column.name}:${column.type}` : "nothing");
  return {
    kind: "conflict",
    message: `the registries say different things about ${namespace} (${say(a[at])} and ${say(b[at])})`,
  };
};
