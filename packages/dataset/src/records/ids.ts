import { normalizeKeys } from "@usr/overlay/write";
import { columnOf, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";

/**
 * The ids asked for as keys are compared: without white space around, blank ones left out, each once, in the order given.
 *
 * @throws DatasetError `USAGE` where none is left
 */
export const requestedIds = (ids: readonly string[]): readonly string[] => {
  const column = normalizeKeys("id", columnOf({ kind: "string" }, ids));
  const found = new Set<string>();
  for (let row = 0; row < column.length; row++) {
    const id = valueAt(column, row);
    if (typeof id === "string") found.add(id);
  }
  if (found.size === 0)
    throw new DatasetError("USAGE", "no id is given", {
      hint: "Name rows with --id ID or --id-file FILE, or describe them with --where FILTER.",
    });
  return [...found];
};

/** The error for ids that the dataset does not have. */
export const unknownIds = (dataset: string, ids: readonly string[]): DatasetError => {
  const sample = ids.slice(0, 5);
  const which =
    ids.length === 1 ? `with the id ${sample.join()}` : `for ${ids.length} of the ids (${sample.join(", ")})`;
  return new DatasetError("UNKNOWN_ID", `${dataset} has no row ${which}.`, {
    hint: "Check the ids, or leave unknown ones out with --allow-missing.",
    details: { dataset, count: ids.length, ids: sample },
  });
};
