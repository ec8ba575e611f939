import type { KeyShare } from "../types.ts";
import { hashKeyBytes } from "./key-bytes.ts";

/** Whether a key without white space around it falls into the share. Keys that are equal fall into the same one. */
export function inShare(
  bytes: Uint8Array,
  start: number,
  end: number,
  fold: boolean,
  { index, of }: KeyShare,
): boolean {
  // The high bits: the tables take the low ones, which stay as even within a share.
  return Math.floor(((hashKeyBytes(bytes, start, end, fold) >>> 0) * of) / 2 ** 32) === index;
}
