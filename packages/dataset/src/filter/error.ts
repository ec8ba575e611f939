import { DatasetError, type DatasetErrorCode } from "../error.ts";

/** Where in a text something stands, in characters from 1. */
const positionOf = (text: string, at: number): number => [...text.slice(0, at)].length + 1;

/** The error for a filter that cannot be understood, or does not fit the columns. `what` completes "position 3 of the filter: …". */
export const filterError = (
  filter: string,
  at: number,
  what: string,
  o: { readonly hint?: string | undefined; readonly code?: DatasetErrorCode | undefined } = {},
): DatasetError => {
  const position = positionOf(filter, at);
  return new DatasetError(o.code ?? "FILTER_INVALID", `Position ${position} of the filter: ${what}.`, {
    hint: o.hint ?? "A filter is such as: length > 20 and (bio_type = 'dna' or not ns__flag).",
    details: { filter, position },
  });
};
