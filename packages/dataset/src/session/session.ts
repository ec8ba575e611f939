import type { TableBatch, TableReader, TableRows } from "@usr/formats";
import { byteSize } from "@usr/schema";
import { StorageError } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { ROW_GROUP_ROWS } from "../write/base/row-groups.ts";
import { appendRows, type ImportOptions } from "../write/import/import.ts";
import { rememberedIds } from "../write/import/known-ids.ts";
import { INPUT_TYPES } from "../write/import/rows.ts";
import { checkRows } from "../write/table-rows.ts";
import type { WritableRoot } from "../write/types.ts";

export interface SessionOptions extends Omit<ImportOptions, "dryRun"> {
  /**
   * So many rows are committed as soon as they wait, at least 1; `Infinity` = rows are not counted. A write that brings more is one flush all the
   * same. Default: four full row groups, 262,144, or fewer that take 64 MiB.
   */
  readonly flushRows?: number | undefined;
  /**
   * How long the first row that is not committed may wait, in milliseconds of the root's clock, looked at with each write; `Infinity` = as long as it
   * takes. Default: 10,000.
   */
  readonly flushMs?: number | undefined;
  /** Told after each flush that changed the dataset. */
  readonly onFlush?: ((totals: SessionTotals) => void) | undefined;
}

/** What a session has committed so far. */
export interface SessionTotals {
  readonly dataset: string;
  readonly rows_read: number;
  readonly rows_added: number;
  readonly rows_skipped: number;
  /** Commits, each with an event of its own. */
  readonly flushes: number;
  readonly registry_hash: string | null;
}

/** New rows, in the columns that an import looks at (`sequence`, and any of the other six of a base); other columns are left where they are. */
export type SessionRows = TableRows;

export interface WriteSession extends AsyncDisposable {
  /** Takes rows, and commits what is waiting when enough has come or the time is up. The columns may not change afterwards. */
  write(rows: SessionRows): Promise<void>;
  /** Commits what is waiting; nothing waiting is no error. */
  flush(): Promise<void>;
  /** The last flush; the session takes nothing after it. */
  close(): Promise<SessionTotals>;
  readonly totals: SessionTotals;
  /** Rows that are taken and not committed. */
  readonly waiting: number;
  /** Milliseconds until what is waiting has to be committed (0 = now); `undefined` = nothing is waiting, or it may wait. */
  readonly dueMs: number | undefined;
}

const FLUSH_ROWS = 4 * ROW_GROUP_ROWS;
/** Waiting rows of more bytes are committed, however few they are, where the caller does not say how many. */
const FLUSH_BYTES = 64 * 1024 * 1024;
const FLUSH_MS = 10_000;

/**
 * Many imports in a row, as programs that make sequences write: what is written waits in memory until it is worth a commit, since a commit costs
 * its flushes of the disk and, where the file system cannot share blocks, a copy of the base. Each flush is an import of its own: it takes the lock of the dataset, commits
 * all of its rows or none, leaves one event and lets the lock go, so that readers never wait and other writers get their turn. Known ids
 * are kept from flush to flush (about 45 bytes for each stored row), and so are the rows behind the last full row group (32 MiB of them at most),
 * so that a flush costs its rows and not the base, as long as nobody else writes.
 *
 * Row numbers in errors count from the first row of the session. A flush that fails throws what the import would, with `rows_committed` in
 * the details; the flushes before it stay, its own rows are dropped, and so is the session: every later call throws the same error.
 * Disposal drops what is waiting; `close` commits it. Calls are done one after the other, in the order they come.
 *
 * @throws DatasetError `USAGE` where `flushRows` is less than 1 or `flushMs` less than 0
 */
export const openSession = (root: WritableRoot, id: string, o: SessionOptions): WriteSession => {
  const { flushRows = FLUSH_ROWS, flushMs = FLUSH_MS } = o;
  const flushBytes = o.flushRows === undefined ? FLUSH_BYTES : Number.POSITIVE_INFINITY;
  requireAtLeast("flushRows", flushRows, 1);
  requireAtLeast("flushMs", flushMs, 0);
  const ids = rememberedIds();
  let totals: SessionTotals = {
    dataset: id,
    rows_read: 0,
    rows_added: 0,
    rows_skipped: 0,
    flushes: 0,
    registry_hash: null,
  };
  let held: TableBatch[] = [];
  let taken = 0;
  let waiting = 0;
  let waitingBytes = 0;
  let waitingSince = 0n;
  let ended: { readonly error: unknown } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const inOrder = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(async () => {
      if (ended !== undefined) throw ended.error;
      try {
        return await act();
      } catch (error) {
        ended = { error };
        throw error;
      }
    });
    last = mine.catch(() => undefined);
    return mine;
  };

  const dueMs = (): number | undefined => {
    if (flushMs === Number.POSITIVE_INFINITY || waiting === 0) return undefined;
    return Math.max(0, flushMs - Number((root.clock() - waitingSince) / 1000n));
  };

  const flush = async (): Promise<void> => {
    if (waiting === 0) return;
    const batches = held;
    held = [];
    waiting = 0;
    waitingBytes = 0;
    let result: Awaited<ReturnType<typeof appendRows>>;
    try {
      result = await appendRows(root, id, tableOf(batches), o, ids);
    } catch (error) {
      throw withCommitted(error, totals);
    }
    totals = {
      dataset: result.dataset,
      rows_read: totals.rows_read + result.rows_read,
      rows_added: totals.rows_added + result.rows_added,
      rows_skipped: totals.rows_skipped + result.rows_skipped,
      flushes: totals.flushes + (result.rows_added > 0 ? 1 : 0),
      registry_hash: result.registry_hash,
    };
    if (result.rows_added > 0) o.onFlush?.(totals);
  };

  return {
    write: (rows) =>
      inOrder(async () => {
        checkRows(rows, INPUT_TYPES);
        if (rows.numRows === 0) return;
        if (waiting === 0) waitingSince = root.clock();
        held.push({ firstRow: taken + 1, numRows: rows.numRows, columns: rows.columns });
        taken += rows.numRows;
        waiting += rows.numRows;
        for (const column of rows.columns.values()) waitingBytes += byteSize(column);
        if (waiting >= flushRows || waitingBytes >= flushBytes || dueMs() === 0) await flush();
      }),
    flush: () => inOrder(flush),
    close: async () => {
      await inOrder(flush);
      ended = { error: new DatasetError("USAGE", `the write session of ${id} is closed`) };
      return totals;
    },
    get totals() {
      return totals;
    },
    get waiting() {
      return waiting;
    },
    get dueMs() {
      return dueMs();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await last;
      ended ??= { error: new DatasetError("USAGE", `the write session of ${id} is closed`) };
      held = [];
      waiting = 0;
    },
  };
};

const requireAtLeast = (name: string, value: number, least: number): void => {
  if (value >= least) return;
  throw new DatasetError("USAGE", `${name} is ${value}, not ${least} or more`, { details: { [name]: value } });
};

/** The batches, each let go of as it is taken. */
const tableOf = (batches: TableBatch[]): TableReader => ({
  columns: undefined,
  async *batches() {
    for (let next = batches.shift(); next !== undefined; next = batches.shift()) yield next;
  },
});

/** The error with what the flushes before it have left; errors of other kinds as they are. */
const withCommitted = (error: unknown, { rows_added: rows, flushes }: SessionTotals): unknown => {
  if (!(error instanceof DatasetError || error instanceof StorageError)) return error;
  const message = `${error.message.replace(/\.$/, "")}; ${rows} row(s) of ${flushes} flush(es) before it are committed`;
  const o = { hint: error.hint, details: { ...error.details, rows_committed: rows, flushes }, cause: error };
  return error instanceof DatasetError
    ? new DatasetError(error.code, message, o)
    : new StorageError(error.code, message, o);
};
