import type { TableReader } from "@usr/formats";
import type { DataType } from "@usr/schema";
import { parseType } from "@usr/schema";
import { DatasetError } from "../../error.ts";
import { columnNames } from "../column-names.ts";
import { KEY_TYPE } from "../key-type.ts";
import type { AttachRules } from "./rules.ts";

export interface ColumnPlan {
  /** Full name of each attached column, and the input column it comes from. */
  readonly wanted: Map<string, string>;
  readonly resolve: (name: string) => DataType | undefined;
  /** What each input column was asked for as, the key too. */
  readonly types: ReadonlyMap<string, DataType>;
  /** Throws where a chosen column has not come. */
  readonly atEnd: () => void;
}

/** Which input columns are attached, and as what. */
export const planColumns = (table: TableReader, rules: AttachRules): ColumnPlan => {
  const wanted = new Map<string, string>();
  const selected =
    rules.columns === undefined ? undefined : new Set(rules.columns.map((c) => fullName(rules.namespace, c)));
  const known = table.columns?.map(({ name }) => name);
  if (known !== undefined && !known.includes(rules.keyColumn)) {
    throw new DatasetError("MISSING_COLUMN", `${rules.path} has no key column ${rules.keyColumn}`, {
      hint: `Its columns are: ${columnNames(known)}. Name the key column with --key-column.`,
      details: { file: rules.path, column: rules.keyColumn, columns: known },
    });
  }
  for (const name of selected ?? []) if (!rules.registered.has(name)) throw notRegistered(rules, name);
  const refuseAbsent = (columns: readonly string[]): void => {
    const there = new Set(columns.filter((c) => c !== rules.keyColumn).map((c) => fullName(rules.namespace, c)));
    for (const name of selected ?? []) {
      if (there.has(name)) continue;
      throw new DatasetError("MISSING_COLUMN", `${rules.path} has no column ${name}`, {
        hint: `Its columns are: ${columnNames(columns)}. ${rules.namespace}__ may be left out.`,
        details: { file: rules.path, column: name, columns },
      });
    }
  };
  if (known !== undefined) refuseAbsent(known);
  const met: string[] = [];
  const types = new Map([[rules.keyColumn, KEY_TYPE]]);
  return {
    wanted,
    types,
    // The columns of jsonl are known at its end.
    atEnd: () => refuseAbsent(known ?? met),
    resolve: (name) => {
      met.push(name);
      if (name === rules.keyColumn) return KEY_TYPE;
      const full = fullName(rules.namespace, name);
      if (selected !== undefined && !selected.has(full)) return undefined;
      const registered = rules.registered.get(full);
      if (registered === undefined) throw notRegistered(rules, full);
      const type = parseType(registered);
      const before = wanted.get(full);
      if (before !== undefined) {
        throw new DatasetError("DUPLICATE_COLUMN", `${rules.path} holds ${full} twice, as ${before} and as ${name}`, {
          hint: "Remove one of them, or choose with --columns.",
          details: { file: rules.path, column: full, columns: [before, name] },
        });
      }
      wanted.set(full, name);
      types.set(name, type);
      return type;
    },
  };
};

/** `a` stands for `ns__a`. */
export const fullName = (namespace: string, column: string): string =>
  column.startsWith(`${namespace}__`) ? column : `${namespace}__${column}`;

const notRegistered = (rules: AttachRules, column: string): DatasetError =>
  new DatasetError("COLUMN_NOT_REGISTERED", `${column} is not a column of the namespace ${rules.namespace}`, {
    hint: `Registered are: ${[...rules.registered.keys()].join(", ") || "none"}. Register it, or choose columns with --columns.`,
    details: { file: rules.path, namespace: rules.namespace, column },
  });
