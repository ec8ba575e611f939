import type { TableReader } from "@usr/formats";
import type { OverlayKey } from "@usr/overlay";
import type { Column, DataType } from "@usr/schema";
import { formatType } from "@usr/schema";
import { gatherColumns } from "@usr/schema/columns";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { convertColumn } from "../read/convert.ts";
import { requireRegistry } from "../read/registry.ts";
import { scanSnapshot } from "../read/scan.ts";
import { openSnapshot } from "../read/snapshot.ts";
import { namespacesOf, unknownColumnError, viewColumns } from "../read/view.ts";
import type { Snapshot } from "../types.ts";
import { fullName } from "../write/attach/columns.ts";
import { writePart } from "../write/attach/part.ts";
import { writableEntry } from "../write/commit/writable-entry.ts";
import type { WritableRoot } from "../write/types.ts";
import { type Join, joinRows, keysOf } from "./join.ts";

export interface ProjectOptions {
  /** The dataset that gives the values. It is only read. */
  readonly src: string;
  /** The dataset that gets them. */
  readonly dest: string;
  readonly namespace: string;
  /** Columns whose equal values pair the rows; default `id`. */
  readonly srcJoin?: string | undefined;
  readonly destJoin?: string | undefined;
  /** Columns of the namespace, `ns__` may be left out; default all that the source has. */
  readonly columns?: readonly string[] | undefined;
  /** Columns that hold values already may be projected again: the new values are the newest. */
  readonly overwrite?: boolean | undefined;
  /** Rows of `dest` without a counterpart get nothing instead of being refused. */
  readonly allowMissing?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ProjectResult {
  readonly src: string;
  readonly dest: string;
  readonly namespace: string;
  readonly src_join: string;
  readonly dest_join: string;
  /** What the new part is keyed by. */
  readonly key: OverlayKey;
  readonly columns: readonly string[];
  /** Visible rows of `dest`: those that got values, and those that did not. */
  readonly rows_dest: number;
  readonly rows_matched: number;
  readonly rows_missing: number;
  /** The new part, relative to `dest`; `null` for a dry run or when no row matched. */
  readonly part: string | null;
}

/**
 * Copies the merged values of a namespace from the visible rows of one dataset to those of another, paired by equal values of one column
 * each, as one new part. The part is keyed as the namespace is in `dest`, by `id` where it is new there. Reading `dest` afterwards gives, for
 * a paired row, the source's value where it has one; a NULL is no value and hides none.
 *
 * Memory: the join values of the source and the keys of `dest`, packed, and the projected columns once.
 *
 * @throws what `attach` throws; DatasetError `NAMESPACE_NOT_FOUND UNKNOWN_COLUMN TYPE_MISMATCH DUPLICATE_KEY`; `UNKNOWN_KEY` for rows of `dest`
 * without a counterpart, unless `allowMissing`
 */
export const projectOverlay = async (root: WritableRoot, o: ProjectOptions): Promise<ProjectResult> => {
  const [srcJoin, destJoin] = [o.srcJoin ?? "id", o.destJoin ?? "id"];
  parseDatasetId(o.dest);
  const entry = writableEntry(await requireRegistry(root.storage), o.namespace);
  await using source = await openSnapshot(root, o.src, {
    namespaces: [...new Set([o.namespace, ...namespacesOf([srcJoin])])],
    tombstones: true,
  });
  const columns = columnsOf(source, o, new Set(entry.columns.map(({ name }) => name)));
  let join: Join | undefined;
  const joined = (): Join => {
    if (join === undefined) throw new RangeError("The rows are paired before they are written.");
    return join;
  };
  const written = await writePart(root, o.dest, {
    command: "maintenance overlay-project",
    path: o.src,
    namespace: o.namespace,
    alsoReads: { namespaces: namespacesOf([destJoin]), tombstones: true },
    overwrite: o.overwrite,
    dryRun: o.dryRun,
    source: async (snapshot, overlay) => {
      const key = overlay?.key ?? "id";
      const keyColumn = key === "id" ? "id" : "sequence";
      join = await joinRows({ snapshot: source, column: srcJoin }, { snapshot, column: destJoin }, keyColumn);
      if (o.allowMissing !== true) refuseMissing(o, destJoin, join);
      return { table: projectedTable(source, columns, keyColumn, join), key, keyColumn, columns };
    },
    event: (_, key) => {
      const counts = { rows_matched: joined().matched, rows_missing: joined().missing.count };
      return {
        action: "overlay_project",
        args: {
          src: o.src,
          namespace: o.namespace,
          key,
          src_join: srcJoin,
          dest_join: destJoin,
          columns,
          ...counts,
          allow_overwrite: o.overwrite === true,
          allow_missing: o.allowMissing === true,
        },
        metrics: { rows_dest: joined().rowsDest, ...counts },
      };
    },
  });
  return {
    src: o.src,
    dest: written.dataset,
    namespace: o.namespace,
    src_join: srcJoin,
    dest_join: destJoin,
    key: written.key,
    columns: written.rows.fields.map(({ name }) => name),
    rows_dest: joined().rowsDest,
    rows_matched: joined().matched,
    rows_missing: joined().missing.count,
    part: written.part,
  };
};

/** The columns to project, all of them in the source's merged view and none twice. */
const columnsOf = (
  source: Snapshot,
  { namespace, columns }: ProjectOptions,
  registered: ReadonlySet<string>,
): readonly string[] => {
  const view = viewColumns(source.base.file.schema.fields, source.overlays, undefined).map(({ field }) => field.name);
  const held = view.filter((name) => registered.has(name));
  if (columns === undefined) {
    if (held.length > 0) return held;
    throw new DatasetError("NAMESPACE_NOT_FOUND", `${source.id} holds no values of the namespace ${namespace}`, {
      hint: `See what it holds with: usr overlay list ${source.id}`,
      details: { dataset: source.id, namespace },
    });
  }
  const wanted = [...new Set(columns.map((column) => fullName(namespace, column)))];
  const unknown = wanted.filter((name) => !held.includes(name));
  if (unknown.length > 0) throw unknownColumnError(source.id, unknown, held);
  return wanted;
};

/** The paired rows of the source, in its order, as the table that a part is made of. */
const projectedTable = (source: Snapshot, columns: readonly string[], keyColumn: string, join: Join): TableReader => ({
  columns: [keyColumn, ...columns].map((name) => ({ name })),
  async *batches(resolve) {
    resolve(keyColumn, { kind: "string" });
    const types = new Map(columns.map((name) => [name, resolve(name, undefined)]));
    let row = 0;
    let firstRow = 1;
    for await (const batch of scanSnapshot(source, { columns })) {
      const { rows, keys } = keysOf(join, row, row + batch.numRows);
      row += batch.numRows;
      if (rows.length === 0) continue;
      const cells = columns.map((name, i): readonly [string, Column] => {
        const stored = batch.columns[i]!;
        const column = gatherColumns(stored.type, [stored], undefined, rows);
        return [name, registeredColumn(column, types.get(name) ?? column.type, name, source.id)];
      });
      yield { firstRow, numRows: rows.length, columns: new Map([[keyColumn, keys], ...cells]) };
      firstRow += rows.length;
    }
  },
});

/** A column that was folded into the source's base may have another type than the registered one, and values that it cannot say. */
const registeredColumn = (column: Column, type: DataType, name: string, source: string): Column => {
  try {
    return convertColumn(column, type, name);
  } catch (cause) {
    const [stored, registered] = [formatType(column.type), formatType(type)];
    throw new DatasetError(
      "TYPE_MISMATCH",
      `${source} holds values of ${name} as ${stored} that the registered ${registered} cannot say exactly`,
      {
        hint: "Choose other columns with --columns.",
        details: { dataset: source, column: name, stored, registered },
        cause,
      },
    );
  }
};

const refuseMissing = (o: ProjectOptions, destJoin: string, { missing, rowsDest }: Join): void => {
  if (missing.count === 0) return;
  const { count, withoutValue, samples } = missing;
  const shown = samples.length === 0 ? "" : `, such as ${samples.map((s) => JSON.stringify(s)).join(", ")}`;
  throw new DatasetError(
    "UNKNOWN_KEY",
    `${count} of ${rowsDest} row(s) of ${o.dest} have no counterpart in ${o.src}${withoutValue > 0 ? ` (${withoutValue} without a value of ${destJoin})` : ""}${shown}`,
    {
      hint: "Leave these rows as they are with --allow-missing.",
      details: { src: o.src, dest: o.dest, column: destJoin, count, without_value: withoutValue, samples },
    },
  );
};
