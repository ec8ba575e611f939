import type { CommandSpec } from "./command.ts";
import { CHECKING } from "./table/checking.ts";
import { MAINTENANCE } from "./table/maintenance.ts";
import { OTHER } from "./table/other.ts";
import { READING } from "./table/reading.ts";
import { RECORDS } from "./table/records.ts";
import { REMOTES } from "./table/remotes.ts";
import { WRITING } from "./table/writing.ts";

/** Every command: help, parsing, completions and the reference page are made from this table. */
export const COMMANDS: readonly CommandSpec[] = [
  ...WRITING,
  ...READING,
  ...RECORDS,
  ...CHECKING,
  ...MAINTENANCE,
  ...REMOTES,
  ...OTHER,
];
