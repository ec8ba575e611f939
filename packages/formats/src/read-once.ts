import { FormatError } from "./error.ts";
import type { TableReader } from "./types.ts";

/** The reader, which says so when it is asked for its rows again: most sources are gone by then, and would give none. */
export function readOnce({ columns, batches }: TableReader, name: string): TableReader {
  let read = false;
  return {
    columns,
    batches(resolve) {
      if (read) {
        throw new FormatError("USAGE", {
          file: name,
          rule: "its rows have been read already",
          hint: "Open the table anew for each use; a dry run is one.",
        });
      }
      read = true;
      return batches(resolve);
    },
  };
}
