import { FormatError } from "../src/index.ts";

/** The `FormatError` that the promise fails with. */
export async function refusal(promise: Promise<unknown>): Promise<FormatError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error("expected a FormatError, nothing was thrown");
}
