import type { Storage } from "../types.ts";

/** Which cases apply. Absent = no. */
export interface ConformanceFlags {
  readonly write?: boolean | undefined;
  readonly digest?: boolean | undefined;
  readonly extend?: boolean | undefined;
  readonly link?: boolean | undefined;
  readonly append?: boolean | undefined;
  readonly lock?: boolean | undefined;
}

export interface WriteLaw {
  readonly needs?: keyof ConformanceFlags;
  run(storage: Storage): Promise<void>;
}
