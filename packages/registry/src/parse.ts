import { readCanonical } from "./canonical-text.ts";
import { RegistryError } from "./error.ts";
import { loadYaml } from "./load.ts";
import { registryOf } from "./registry.ts";
import { USR_STATE } from "./reserved.ts";
import type { NamespaceEntry, Registry, RegistryColumn, TextProblem, YamlValue } from "./types.ts";
import { isList, isMapping, lookUp, pythonText } from "./values.ts";

/**
 * Reads a `registry.yaml`, whoever wrote it: unknown keys are ignored, names and types that registration would refuse are kept and told in
 * `problems`. Text of any size is answered in time and memory linear in 1 MiB.
 *
 * @throws RegistryError `REGISTRY_INVALID` where the text is no registry, with every reason in `details.problems` as `{message, line?}`
 */
export async function parseRegistry(text: string): Promise<Registry> {
  // A command reads the same text several times: before a lock and under it, and for each of its commits.
  if (last?.text === text) return last.registry;
  const registry = await parsed(text);
  last = { text, registry };
  return registry;
}

let last: { readonly text: string; readonly registry: Registry } | undefined;

async function parsed(text: string): Promise<Registry> {
  const canonical = readCanonical(text);
  const loaded = canonical === undefined ? await loadYaml(text) : { value: canonical };
  if ("problems" in loaded) throw invalid(loaded.problems);
  const problems: TextProblem[] = [];
  const entries = readNamespaces(loaded.value, (message) => problems.push({ message }));
  if (problems.length > 0) throw invalid(problems);
  return registryOf(entries);
}

type Report = (message: string) => void;

const invalid = (problems: readonly TextProblem[]): RegistryError => {
  const [first] = problems;
  const where = first?.line === undefined ? "" : ` (line ${first.line})`;
  const more = problems.length > 1 ? ` ${problems.length - 1} more problem(s) were found.` : "";
  return new RegistryError(
    "REGISTRY_INVALID",
    `This is no namespace registry: ${first?.message ?? ""}${where}${more}`,
    {
      hint: "Mend registry.yaml, or take it back from a frozen copy under _registry of a dataset.",
      details: { problems },
    },
  );
};

const readNamespaces = (root: YamlValue, report: Report): readonly NamespaceEntry[] => {
  if (root !== null && !isMapping(root)) {
    report("It must be a mapping with the key namespaces.");
    return [];
  }
  const namespaces = root === null ? null : (lookUp(root, "namespaces") ?? null);
  if (namespaces !== null && !isMapping(namespaces)) {
    report("namespaces must be a mapping from names to entries.");
    return [];
  }
  const entries = new Map<string, NamespaceEntry>();
  for (const [key, value] of namespaces?.entries ?? []) {
    const namespace = pythonText(key) ?? "";
    entries.set(namespace, readEntry(namespace, value, report));
  }
  checkState(entries.get(USR_STATE.namespace), report);
  return [...entries.values()];
};

const readEntry = (namespace: string, value: YamlValue, report: Report): NamespaceEntry => {
  if (!isMapping(value)) {
    report(`The entry of ${namespace} must be a mapping.`);
    return { namespace, owner: null, description: null, columns: [] };
  }
  const owner = lookUp(value, "owner") ?? null;
  const description = lookUp(value, "description") ?? null;
  return { namespace, owner, description, columns: readColumns(namespace, lookUp(value, "columns") ?? null, report) };
};

const readColumns = (namespace: string, value: YamlValue, report: Report): readonly RegistryColumn[] => {
  if (value === null) return [];
  if (!isList(value)) {
    report(`The columns of ${namespace} must be a list.`);
    return [];
  }
  const columns = new Map<string, RegistryColumn>();
  for (const [at, item] of value.entries()) {
    const column = readColumn(`Column ${at + 1} of ${namespace}`, item, report);
    if (column === undefined) continue;
    if (!column.name.startsWith(`${namespace}__`))
      report(`The column ${column.name} of ${namespace} must start with ${namespace}__.`);
    if (columns.has(column.name)) report(`The column ${column.name} stands twice in ${namespace}.`);
    columns.set(column.name, column);
  }
  return [...columns.values()];
};

const readColumn = (what: string, value: YamlValue, report: Report): RegistryColumn | undefined => {
  if (!isMapping(value)) {
    report(`${what} must be a mapping with name and type.`);
    return undefined;
  }
  const name = pythonText(lookUp(value, "name") ?? "");
  const type = pythonText(lookUp(value, "type") ?? "");
  if (name !== undefined && name !== "" && type !== undefined && type !== "") return { name, type };
  report(`${what} must have a name and a type.`);
  return undefined;
};

/** `usr_state` must be exactly as defined; the order of its columns is free. */
const checkState = (entry: NamespaceEntry | undefined, report: Report): void => {
  if (entry === undefined) {
    report(`It lacks the reserved namespace ${USR_STATE.namespace}.`);
    return;
  }
  const wanted = new Map(USR_STATE.columns.map(({ name, type }) => [name, type]));
  const found = new Map(entry.columns.map(({ name, type }) => [name, type]));
  const wrong = [...wanted]
    .filter(([name, type]) => found.get(name) !== type)
    .map(([name, type]) => `${name} must be ${type}`);
  const extra = [...found.keys()].filter((name) => !wanted.has(name)).map((name) => `${name} must not be there`);
  if (wrong.length + extra.length > 0)
    report(`The reserved namespace usr_state is altered: ${[...wrong, ...extra].join(", ")}.`);
};
