import { formatTimestamp } from "@usr/schema";

/**
 * `part-<stamp>-<uuid>.parquet`, the stamp being the moment in UTC without punctuation.
 *
 * @param nowUs microseconds since the epoch
 * @param uuidHex 32 lowercase hex digits
 */
export function partName(nowUs: bigint, uuidHex: string): string {
  if (!/^[0-9a-f]{32}$/.test(uuidHex))
    throw new RangeError(`A part is named by 32 lowercase hex digits, not by ${JSON.stringify(uuidHex)}.`);
  return `part-${formatTimestamp(nowUs, "us", true).replace(/[-:.]/g, "")}-${uuidHex}.parquet`;
}
