import { SchemaError } from "@usr/schema";

/** The SchemaError that `work` throws. */
export function refusal(work: () => unknown): SchemaError {
  try {
    work();
  } catch (error) {
    if (error instanceof SchemaError) {
      return error;
    }
    throw error;
  }
  throw new Error("Nothing was thrown.");
}
