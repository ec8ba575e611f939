import { formatType } from "@usr/schema";
import { RegistryError } from "./error.ts";
import { MAX_BYTES } from "./load.ts";
import { canonicalRegistry, registryOf } from "./registry.ts";
import { checkColumnName, checkNamespace, typeOf } from "./rules.ts";
import type { NamespaceEntry, RegisterRequest, RegisterResult, Registry, RegistryColumn, YamlValue } from "./types.ts";

/**
 * The registry with `request` carried out: a new namespace, columns appended to one, another owner or description. Types are stored in
 * their canonical spelling. Registering what stands already gives back `registry` itself.
 *
 * @throws RegistryError `NAMESPACE_INVALID`, `NAMESPACE_RESERVED`, `COLUMN_INVALID`, `BAD_TYPE`; `REGISTRY_INVALID` where the outcome could
 * not be read again; `NAMESPACE_EXISTS` where more than appending columns is needed and `overwrite` is not set, with what would change in `details`
 */
export function registerNamespace(registry: Registry, request: RegisterRequest): RegisterResult {
  const { namespace, overwrite = false } = request;
  checkNamespace(namespace, registry.namespaces.keys());
  const columns = canonicalColumns(request);
  const before = registry.namespaces.get(namespace);
  const owner = chosen(request.owner, before?.owner);
  const description = chosen(request.description, before?.description);
  const merge = before === undefined ? undefined : mergeColumns(before, columns, overwrite);
  const entry: NamespaceEntry = { namespace, owner, description, columns: merge?.columns ?? columns };
  const changed =
    before === undefined
      ? []
      : [
          ...(merge?.columns === before.columns ? [] : ["columns"]),
          ...(owner === before.owner ? [] : ["owner"]),
          ...(description === before.description ? [] : ["description"]),
        ];
  const created = before === undefined;
  if (!created && changed.length === 0) return { registry, created, changed, changedColumns: [] };
  const next = registryOf(new Map(registry.namespaces).set(namespace, entry).values());
  checkReadable(entry, next);
  return { registry: next, created, changed, changedColumns: merge?.changedColumns ?? [] };
}

/** What is registered must be readable afterwards. Throws `REGISTRY_INVALID`. */
const checkReadable = (entry: NamespaceEntry, registry: Registry): void => {
  const { namespace, owner, description, columns } = entry;
  const texts = [owner, description, ...columns.map(({ type }) => type)];
  if (texts.some((text) => typeof text === "string" && /\p{Cs}/u.test(text))) {
    const message = `A text of the namespace ${namespace} holds half a character (an unpaired surrogate).`;
    throw new RegistryError("REGISTRY_INVALID", message, { hint: "Mend the text.", details: { namespace } });
  }
  if (canonicalRegistry(registry).length <= MAX_BYTES) return;
  const message = `With the namespace ${namespace} the registry would be larger than ${MAX_BYTES} bytes.`;
  throw new RegistryError("REGISTRY_INVALID", message, { hint: "Shorten its texts.", details: { namespace } });
};

/** What was not asked for keeps what stands; empty text is nothing. */
const chosen = (asked: string | undefined, before: YamlValue | undefined): YamlValue =>
  asked === undefined ? (before ?? null) : asked === "" ? null : asked;

const canonicalColumns = ({ namespace, columns }: RegisterRequest): readonly RegistryColumn[] => {
  if (columns.length === 0) {
    throw new RegistryError("COLUMN_INVALID", `The namespace ${namespace} needs at least one column.`, {
      hint: `Write for example ${namespace}__score:float64.`,
      details: { namespace },
    });
  }
  const seen = new Set<string>();
  return columns.map((column) => {
    const { name } = column;
    checkColumnName(namespace, name);
    if (seen.has(name)) {
      throw new RegistryError("COLUMN_INVALID", `The column ${name} is given twice.`, {
        hint: "Name every column once.",
        details: { namespace, column: name },
      });
    }
    seen.add(name);
    return { name, type: formatType(typeOf(column)) };
  });
};

interface MergedColumns {
  readonly columns: readonly RegistryColumn[];
  readonly changedColumns: readonly string[];
}

const mergeColumns = (before: NamespaceEntry, after: readonly RegistryColumn[], overwrite: boolean): MergedColumns => {
  const isKept = before.columns.every(
    (column, at) => after[at]?.name === column.name && hasSameType(column, after[at]),
  );
  if (isKept && !overwrite) {
    // the spelling that stands is what the hashes of existing data were taken over
    const appended = after.slice(before.columns.length);
    return { columns: appended.length === 0 ? before.columns : [...before.columns, ...appended], changedColumns: [] };
  }
  const isSame =
    isKept &&
    after.length === before.columns.length &&
    before.columns.every(({ type }, at) => type === after[at]?.type);
  if (isSame) return { columns: before.columns, changedColumns: [] };
  const difference = differenceOf(before.columns, after);
  if (overwrite) {
    const { removed, retyped, reordered } = difference;
    const changed = new Set([...removed, ...retyped, ...reordered]);
    return {
      columns: after,
      changedColumns: before.columns.map(({ name }) => name).filter((name) => changed.has(name)),
    };
  }
  const { namespace } = before;
  const told = Object.entries(difference).flatMap(([what, names]) =>
    names.length === 0 ? [] : [`${what}: ${names.join(", ")}`],
  );
  throw new RegistryError(
    "NAMESPACE_EXISTS",
    `The namespace ${namespace} is registered with other columns (${told.join("; ")}).`,
    {
      hint: "Name all of its columns in their order and append new ones at the end, or replace the entry with --overwrite.",
      details: { namespace, ...difference },
    },
  );
};

const hasSameType = (column: RegistryColumn, other: RegistryColumn): boolean =>
  canonicalType(column) === canonicalType(other);

/** A type outside the grammar, which only a file from elsewhere can hold, equals nothing but its own text. */
const canonicalType = (column: RegistryColumn): string => {
  try {
    return formatType(typeOf(column));
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return column.type;
  }
};

const differenceOf = (
  before: readonly RegistryColumn[],
  after: readonly RegistryColumn[],
): Record<string, readonly string[]> & {
  readonly removed: readonly string[];
  readonly retyped: readonly string[];
  readonly reordered: readonly string[];
  readonly inserted: readonly string[];
} => {
  const old = new Map(before.map((column) => [column.name, column]));
  const now = new Map(after.map((column) => [column.name, column]));
  const stayed = after.filter(({ name }) => old.has(name));
  const order = before.filter(({ name }) => now.has(name));
  return {
    removed: before.filter(({ name }) => !now.has(name)).map(({ name }) => name),
    retyped: stayed.filter((column) => !hasSameType(column, old.get(column.name) ?? column)).map(({ name }) => name),
    reordered: order.filter(({ name }, at) => stayed[at]?.name !== name).map(({ name }) => name),
    inserted: after.filter(({ name }) => !old.has(name)).map(({ name }) => name),
  };
};
