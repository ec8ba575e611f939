import { DatasetError } from "../error.ts";
import type { Query } from "../types.ts";

/** How many visible rows a query passes over, and how many it wants. @throws DatasetError `USAGE` for what is no number of rows */
export const pageOf = ({
  start = 0,
  limit = Number.POSITIVE_INFINITY,
}: Pick<Query, "start" | "limit">): { readonly start: number; readonly limit: number } => {
  requireRows("start", start);
  if (limit !== Number.POSITIVE_INFINITY) requireRows("limit", limit);
  return { start, limit };
};

const requireRows = (name: string, rows: number): void => {
  if (Number.isInteger(rows) && rows >= 0) return;
  throw new DatasetError("USAGE", `${name} is ${rows}, not a whole number of rows`, {
    details: { [name]: rows },
  });
};
