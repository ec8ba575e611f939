import { type DataType, formatType, parseType, SchemaError } from "@usr/schema";
import { RegistryError } from "./error.ts";
import { isReserved } from "./reserved.ts";
import type { NamespaceEntry, Registry, RegistryColumn, RegistryProblem } from "./types.ts";

const NAMESPACE = /^[a-z][a-z0-9_]*$/;

/** Files and folders are called by it, with a stamp and a suffix of up to 31 characters; file systems take names of 255 bytes. */
const NAMESPACE_LENGTH = 200;

/** Control characters, line separators and halves of characters have no place in a name. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Throws `NAMESPACE_INVALID` or `NAMESPACE_RESERVED` unless `namespace` may be registered beside `others`. */
export const checkNamespace = (namespace: string, others: Iterable<string>): void => {
  if (isReserved(namespace)) {
    throw new RegistryError("NAMESPACE_RESERVED", `The namespace ${namespace} belongs to the program.`, {
      hint: "Choose another name.",
      details: { namespace },
    });
  }
  if (!NAMESPACE.test(namespace)) {
    throw new RegistryError("NAMESPACE_INVALID", `${JSON.stringify(namespace)} is no namespace name.`, {
      hint: "A name starts with a letter a-z and goes on with a-z, 0-9 and _.",
      details: { namespace },
    });
  }
  if (namespace.length > NAMESPACE_LENGTH) {
    throw new RegistryError("NAMESPACE_INVALID", `The namespace ${namespace} has ${namespace.length} characters.`, {
      hint: `Files are called by it: ${NAMESPACE_LENGTH} at most.`,
      details: { namespace },
    });
  }
  for (const other of [...others, "usr", "usr_state"]) {
    if (other === namespace || !(isPrefix(other, namespace) || isPrefix(namespace, other))) continue;
    throw new RegistryError(
      "NAMESPACE_INVALID",
      `Columns of ${namespace} could not be told from columns of ${other}.`,
      {
        hint: isPrefix(other, namespace)
          ? `Choose a name other than ${other}_ that does not start with ${other}__.`
          : `Choose a name that ${other} does not start with.`,
        details: { namespace, other },
      },
    );
  }
};

/** A column of `namespace` could bear the prefix of `other`: `a` and `a__b`, but also `a` and `a_`. */
const isPrefix = (other: string, namespace: string): boolean => `${namespace}__`.startsWith(`${other}__`);

/** Throws `COLUMN_INVALID` unless `name` is a column name of `namespace`. */
export const checkColumnName = (namespace: string, name: string): void => {
  const local = name.startsWith(`${namespace}__`) ? name.slice(namespace.length + 2) : "";
  if (local !== "" && local.trim() === local && !UNPRINTABLE.test(local)) return;
  throw new RegistryError(
    "COLUMN_INVALID",
    `${JSON.stringify(name)} is no column name of the namespace ${namespace}.`,
    {
      hint: `Its columns are called ${namespace}__ and a name, without blanks around it.`,
      details: { namespace, column: name },
    },
  );
};

/** Throws `BAD_TYPE` unless the type of the column is one that can be stored. */
export const typeOf = ({ name, type }: RegistryColumn): DataType => {
  try {
    return parseType(type);
  } catch (cause) {
    if (!(cause instanceof SchemaError)) throw cause;
    const { hint } = cause;
    throw new RegistryError("BAD_TYPE", `The column ${name}: ${cause.message}`, {
      hint,
      details: { column: name, type },
      cause,
    });
  }
};

/** Everything in `namespaces` that registration would refuse, or that only some readers understand. */
export const findProblems = (namespaces: Registry["namespaces"]): readonly RegistryProblem[] => {
  const problems: RegistryProblem[] = [];
  for (const entry of namespaces.values()) {
    if (entry.namespace !== "usr_state") problems.push(...nameProblems(entry, namespaces));
    for (const column of entry.columns) problems.push(...columnProblems(entry, column));
  }
  return problems;
};

const nameProblems = (
  { namespace }: NamespaceEntry,
  namespaces: Registry["namespaces"],
): readonly RegistryProblem[] => {
  // of two names that get in each other's way, the longer one is at fault
  const shorter = [...namespaces.keys()].filter((other) => other.length < namespace.length);
  return caught("warning", namespace, undefined, () => checkNamespace(namespace, shorter));
};

const columnProblems = ({ namespace }: NamespaceEntry, column: RegistryColumn): readonly RegistryProblem[] => {
  const bad = [
    ...caught("warning", namespace, column.name, () => checkColumnName(namespace, column.name)),
    ...caught("error", namespace, column.name, () => typeOf(column)),
  ];
  return bad.length > 0 ? bad : spellingProblems(namespace, column);
};

const spellingProblems = (namespace: string, column: RegistryColumn): readonly RegistryProblem[] => {
  const type = typeOf(column);
  const canonical = formatType(type);
  const about = { severity: "warning", code: "BAD_TYPE", namespace, column: column.name } as const;
  if (canonical !== column.type) {
    const message = `The column ${column.name} spells its type ${JSON.stringify(column.type)}; the Python program compares spellings and takes no data for it.`;
    return [{ ...about, message, hint: `Register it again with --overwrite, as ${canonical}.` }];
  }
  const zones = zonesIn(type);
  const problems: RegistryProblem[] = [];
  // Python splits the fields of a struct at every comma, the one before the time zone too.
  if (zones.some(({ inStruct }) => inStruct)) {
    const message = `The column ${column.name} holds a timestamp with a time zone in a struct; the Python program cannot load a registry that says so.`;
    problems.push({ ...about, message, hint: "Use a timestamp without a zone there, or a column of its own." });
  }
  for (const zone of new Set(zones.map(({ name }) => name))) {
    if (isKnownZone(zone)) continue;
    const message = `The column ${column.name} names the time zone ${zone}, which is none that is known; its times are kept exactly, but programs that show local time refuse it.`;
    problems.push({ ...about, message, hint: "Use UTC, a name such as Europe/Berlin, or an offset such as +02:00." });
  }
  return problems;
};

interface Zone {
  readonly name: string;
  readonly inStruct: boolean;
}

const zonesIn = (type: DataType, inStruct = false): readonly Zone[] => {
  switch (type.kind) {
    case "timestamp":
      return type.timezone === undefined ? [] : [{ name: type.timezone, inStruct }];
    case "list":
    case "fixed_size_list":
      return zonesIn(type.item, inStruct);
    case "struct":
      return type.fields.flatMap((field) => zonesIn(field.type, true));
    default:
      return [];
  }
};

/** Offsets as Arrow spells them, and the names of the IANA database. It is asked only for others than UTC: loading it takes time. */
const isKnownZone = (name: string): boolean => {
  if (name === "UTC" || /^[+-]([01]\d|2[0-3]):?[0-5]\d$/.test(name)) return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const caught = (
  severity: RegistryProblem["severity"],
  namespace: string,
  column: string | undefined,
  check: () => unknown,
): readonly RegistryProblem[] => {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return [{ severity, code: error.code, message: error.message, hint: error.hint, namespace, column }];
  }
};
