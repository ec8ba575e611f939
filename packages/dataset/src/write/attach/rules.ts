import type { OverlayKey } from "@usr/overlay";
import type { Column } from "@usr/schema";
import type { BaseIndex } from "./base-index.ts";
import type { PartTarget } from "./order.ts";

/** What an attach asks of its input. */
export interface AttachRules {
  /** How the input is called in errors. */
  readonly path: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  /** The input column that holds the keys. */
  readonly keyColumn: string;
  /** Input columns to attach; absent = all but the key. */
  readonly columns: readonly string[] | undefined;
  /** Rows whose key no base row has are left out instead of refused. */
  readonly allowMissing: boolean;
  /** Registered columns of the namespace: full name and type as the registry spells it. One with a bad type keeps nobody from the others. */
  readonly registered: ReadonlyMap<string, string>;
  /** The rows that keys stand for; asked before they are looked up. */
  readonly base: BaseIndex;
  /** Says no to values that the rows could not be read with, by throwing. */
  readonly check: (name: string, column: Column) => void;
  /** Where the rows go; absent = nowhere, they are only checked. */
  readonly target: PartTarget | undefined;
}
