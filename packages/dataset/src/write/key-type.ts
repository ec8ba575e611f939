import type { DataType } from "@usr/schema";

/** What keys are stored as. */
export const KEY_TYPE: DataType = { kind: "string" };
