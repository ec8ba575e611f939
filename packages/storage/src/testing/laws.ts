import type { Storage } from "../types.ts";

/** Which cases apply. Absent = no. */
export interface ConformanceFlags {
  readonly write?: boolean | undefined;
  readonly digest?: boolean | undefined;
  readonly extend?: boolean | undefined;
  readonly link?: boolean | undefined;
  readonly append?: boolean | undefined;
  readonly lock?: boolean | undefined;
  /** How many random calls are made where the order of calls is random. Default 1,000. */
  readonly calls?: number | undefined;
}

export interface WriteLaw {
  readonly needs?: Exclude<keyof ConformanceFlags, "calls">;
  run(storage: Storage, flags: ConformanceFlags): Promise<void>;
}
