import type { RegistryErrorCode } from "./error.ts";

/** A number or a time as YAML 1.1 reads it. `text` is its canonical spelling; equal objects that are one object are written as one anchor. */
export interface YamlScalar {
  readonly kind: "int" | "float" | "date" | "datetime";
  readonly text: string;
  /** A number where JSON can say it exactly, else the text. */
  toJSON(): number | string;
}

/** A mapping in file order. Keys are unique by Python's equality (1, 1.0 and true are one key). */
export interface YamlMapping {
  readonly kind: "mapping";
  readonly entries: readonly (readonly [YamlValue, YamlValue])[];
  toJSON(): Readonly<Record<string, unknown>>;
}

/** What an owner or a description may hold: usually text or `null`, but whatever YAML says is kept. Every value survives `JSON.stringify`. */
export type YamlValue = null | boolean | string | YamlScalar | YamlMapping | readonly YamlValue[];

export interface RegistryColumn {
  readonly name: string;
  /** Verbatim text of the file; `parseType` of `@usr/schema` reads it. */
  readonly type: string;
}

export interface NamespaceEntry {
  readonly namespace: string;
  readonly owner: YamlValue;
  readonly description: YamlValue;
  /** In file order, which is part of the hashes. */
  readonly columns: readonly RegistryColumn[];
}

/** Something a registry says that registration here would refuse, or that a reader stumbles over. It never keeps a registry from loading. */
export interface RegistryProblem {
  /** `error`: what it names cannot be used. `warning`: it can be read. */
  readonly severity: "error" | "warning";
  readonly code: RegistryErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly namespace: string;
  readonly column?: string | undefined;
}

export interface Registry {
  readonly namespaces: ReadonlyMap<string, NamespaceEntry>;
  /**
   * What `validate` reports. Writing to a namespace is refused when a problem with the code `NAMESPACE_INVALID` or `NAMESPACE_RESERVED`
   * names it, writing to a column when one names that column as an `error`.
   */
  readonly problems: readonly RegistryProblem[];
}

/** One reason why a text is no registry. */
export interface TextProblem {
  readonly message: string;
  /** 1-based, where known. */
  readonly line?: number | undefined;
}

export interface RegisterRequest {
  readonly namespace: string;
  /** All columns of the namespace in order, names with their `<namespace>__` prefix. */
  readonly columns: readonly RegistryColumn[];
  /** `undefined` keeps what stands; empty text is no owner. */
  readonly owner?: string | undefined;
  readonly description?: string | undefined;
  /** Allow what is more than appending columns. */
  readonly overwrite?: boolean | undefined;
}

export interface RegisterResult {
  /** The same object as the one given when nothing changed. */
  readonly registry: Registry;
  readonly created: boolean;
  /** What differs from before, of `columns`, `owner`, `description`; empty for a new namespace and for a no-op. */
  readonly changed: readonly string[];
  /** Columns that were there before and are now gone, of another type, or in another order: data of these loses its meaning. */
  readonly changedColumns: readonly string[];
}
