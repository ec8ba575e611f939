import type { Batch } from "@usr/schema";
import type { Session } from "./session.ts";

/** One option, as a command declares it. Parsing, help and completions come from here. */
export interface OptionSpec {
  /** Commander's notation: `--path <file>`, `-n <rows>`, `--dry-run`. */
  readonly flags: string;
  readonly description: string;
  readonly required?: boolean | undefined;
  /** May be given several times; the values arrive as an array. */
  readonly repeat?: boolean | undefined;
  readonly choices?: readonly string[] | undefined;
  /** A whole number, zero or more. */
  readonly integer?: boolean | undefined;
  /** Other spellings of the same switch. */
  readonly hiddenAlias?: boolean | undefined;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean | undefined;
  readonly variadic?: boolean | undefined;
  readonly choices?: readonly string[] | undefined;
  /** It names datasets that are there: completions offer them. */
  readonly datasets?: boolean | undefined;
}

/** What was typed after the command's name, checked against its specs. */
export interface Typed {
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a command hands back to be shown. */
export type Outcome =
  /** One JSON document, or text for people: for a terminal so many cells wide, or whole for a pipe. `exitCode` other than 0 says that the command found something wrong (validate). */
  | {
      readonly kind: "document";
      readonly data: unknown;
      readonly text: (width: number | undefined) => string;
      readonly exitCode?: number | undefined;
    }
  /** Rows of a table: NDJSON, or a table for people. */
  | {
      readonly kind: "rows";
      readonly batches: AsyncIterable<Batch>;
      /** What a terminal shows in place of a table: lines that are safe to show. */
      readonly lines?: ((batch: Batch, coloured: boolean) => Iterable<string>) | undefined;
    }
  /** Single rows: NDJSON, or on a terminal a record each, in full, with a note on each value by column and place of the row. */
  | {
      readonly kind: "records";
      readonly batches: AsyncIterable<Batch>;
      readonly notes: () => Promise<(row: number, column: string) => string | undefined>;
    }
  /** Lines that are JSON already, each with a line for people. */
  | { readonly kind: "lines"; readonly lines: AsyncIterable<{ readonly json: string; readonly text: string }> }
  /** Text that is the same for people and programs (completion scripts). */
  | { readonly kind: "text"; readonly text: string };

export type RunCommand = (session: Session, typed: Typed) => Promise<Outcome>;

/** A command is data; its code is loaded when it is called. */
export interface CommandSpec {
  /** `init`, or group and verb: `namespace register`. */
  readonly name: string;
  readonly summary: string;
  /** Called by programs: completions do not offer it. */
  readonly internal?: boolean | undefined;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** What `--json` prints, in Markdown, for the page of commands. */
  readonly data: string;
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}
