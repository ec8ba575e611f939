import type { TableReader } from "@usr/formats";
import type { OverlayKey } from "@usr/overlay";
import type { WritableRoot } from "../types.ts";
import { writePart } from "./part.ts";

export interface AttachOptions {
  /** How the input is called in errors. */
  readonly path: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  /** Default: `id` for key id, `sequence` for the others. */
  readonly keyColumn?: string | undefined;
  /** Input columns to attach, `ns__` may be left out; default all but the key. */
  readonly columns?: readonly string[] | undefined;
  readonly allowMissing?: boolean | undefined;
  /** Columns that hold values already may be attached again: the new values are the newest. */
  readonly overwrite?: boolean | undefined;
  readonly note?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** What the event is called. `attach` for people's files (default), `write_overlay_part` for programs that write parts. */
  readonly action?: "attach" | "write_overlay_part" | undefined;
}

export interface AttachResult {
  readonly dataset: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  readonly columns: readonly string[];
  readonly rows_incoming: number;
  readonly rows_matched: number;
  readonly rows_missing: number;
  /** The new part, relative to the dataset; `null` for a dry run or when no row matched. */
  readonly part: string | null;
}

/**
 * Attaches the columns of a table to the rows its keys name, as one new immutable part in base row order. All or nothing: on any
 * error nothing is written. Counts are of this call.
 */
export const attach = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: AttachOptions,
): Promise<AttachResult> => {
  const { namespace, key } = o;
  const { dataset, rows, part } = await writePart(root, id, {
    ...o,
    command: "attach",
    source: () => ({ table, key, keyColumn: o.keyColumn ?? (key === "id" ? "id" : "sequence"), columns: o.columns }),
    event: ({ rowsIncoming: rows_incoming, rowsMatched, rowsMissing: rows_missing }) => {
      if (o.action === "write_overlay_part") {
        const metrics = { rows_incoming, rows_missing, rows_written: rowsMatched };
        return {
          action: o.action,
          args: { namespace, key, ...metrics, allow_missing: o.allowMissing === true },
          metrics,
        };
      }
      const metrics = { rows_incoming, rows_matched: rowsMatched, rows_missing };
      const args = { namespace, key, ...metrics, allow_overwrite: o.overwrite === true, note: o.note ?? "" };
      return { action: "attach", args, metrics };
    },
  });
  return {
    dataset,
    namespace,
    key,
    columns: rows.fields.map(({ name }) => name),
    rows_incoming: rows.rowsIncoming,
    rows_matched: rows.rowsMatched,
    rows_missing: rows.rowsMissing,
    part,
  };
};
