/**
 * Writing sequences as they are made: many small writes, committed in groups.
 *
 * ```ts
 * import { openSession } from "@usr/dataset/session";
 * import { columnOf } from "@usr/schema/columns";
 * import type { WritableRoot } from "@usr/dataset/write";
 *
 * declare const root: WritableRoot;
 * declare function designs(): AsyncIterable<string[]>;
 *
 * await using session = openSession(root, "designs", { path: "model 7", bioType: "dna", alphabet: "dna_4" });
 * for await (const sequences of designs()) {
 *   const columns = new Map([["sequence", columnOf({ kind: "string" }, sequences)]]);
 *   await session.write({ numRows: sequences.length, columns });
 * }
 * console.log((await session.close()).rows_added);
 * ```
 *
 * @module
 */
export {
  openSession,
  type SessionOptions,
  type SessionRows,
  type SessionTotals,
  type WriteSession,
} from "./session.ts";
export { importStream, type StreamResult } from "./stream.ts";
