import type { TableReader } from "@usr/formats";
import { readAs, requireSequence } from "../write/import/rows.ts";
import type { WritableRoot } from "../write/types.ts";
import { openSession, type SessionOptions, type SessionTotals } from "./session.ts";

export interface StreamResult extends SessionTotals {
  /** Columns of the input that an import does not look at. */
  readonly ignored_columns: readonly string[];
}

/**
 * Imports a table as it comes, through a write session: rows that have come are committed every `flushRows` rows, and when the first of them has
 * waited `flushMs`, also while the input is silent. Where the input or a row is at fault, what was committed before stays, and no row
 * after the last flush is. Errors as of `WriteSession.write`; those of the input as they are.
 */
export const importStream = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: SessionOptions,
): Promise<StreamResult> => {
  requireSequence(table, o.path);
  const ignored: string[] = [];
  await using session = openSession(root, id, o);
  const batches = table.batches(readAs(ignored))[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = batches.next();
      while (session.dueMs !== undefined && (await late(next, session.dueMs))) await session.flush();
      const { done, value } = await next;
      if (done === true) break;
      await session.write(value);
    }
    return { ...(await session.close()), ignored_columns: ignored };
  } finally {
    await batches.return?.();
  }
};

/** Timers that are to wait longer do not wait at all. */
const LONGEST_MS = 2 ** 31 - 1;

/** Whether the time is up before the promise is settled, well or not. */
const late = async (promise: Promise<unknown>, ms: number): Promise<boolean> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const time = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), Math.min(ms, LONGEST_MS));
  });
  const settled = promise.then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([settled, time]);
  } finally {
    clearTimeout(timer);
  }
};
