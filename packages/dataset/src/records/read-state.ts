import { buildKeyIndex, mergeOverlay } from "@usr/overlay";
import type { Batch, Column, DataType, Schema } from "@usr/schema";
import { columnOf, nullColumn, valueAt } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { openSnapshot } from "../read/snapshot.ts";
import type { Root } from "../types.ts";
import { type RowChoice, readChoice } from "./choice.ts";
import { unknownIds } from "./ids.ts";
import { overlayOf, STATE } from "./record-file.ts";

export interface StateReadOptions extends RowChoice, Signal {
  /** Ids that the dataset does not have get the state of a row that nothing was said about; otherwise they are `UNKNOWN_ID`. */
  readonly allowMissing?: boolean | undefined;
}

const STRING: DataType = { kind: "string" };

/**
 * The state of rows, deleted ones too: `id` and the five columns, one row for each id in the order asked, of a filter in base order and only those that a scan shows. Only what was written as state is
 * read, be it one file or parts; columns of the same names in the base say nothing here.
 *
 * @throws DatasetError `UNKNOWN_ID`, `USAGE` without ids, and what opening the dataset throws
 */
export async function* readState(root: Root, id: string, o: StateReadOptions): AsyncGenerator<Batch, void, undefined> {
  const choice = await readChoice(o);
  await using snapshot = await openSnapshot(root, id, {
    namespaces: [STATE.namespace, ...choice.namespaces],
    tombstones: o.where !== undefined,
    signal: o.signal,
  });
  const { ids, stored } = await choice.rows(snapshot, false);
  if (o.allowMissing !== true) {
    const unknown = ids.filter((asked) => !stored.has(asked));
    if (unknown.length > 0) throw unknownIds(snapshot.id, unknown);
  }
  const fields = [{ name: "id", type: STRING, nullable: true }, ...STATE.fields];
  const schema: Schema = { fields, metadata: new Map() };
  const idColumn = columnOf(STRING, ids);
  const held = new Map<string, Column>();
  const overlay = overlayOf(snapshot, STATE);
  if (overlay !== undefined) {
    // The ids asked for stand in for the base: its other rows do not matter here.
    const asked = {
      schema: { fields: fields.slice(0, 1), metadata: new Map() },
      columns: [idColumn],
      numRows: ids.length,
    };
    const columns = overlay.fields.map(({ name }) => name);
    await using merged = mergeOverlay(overlay, await buildKeyIndex("id", [asked]), { columns, signal: o.signal });
    const values = await merged.read(0, ids.length);
    for (const [c, name] of columns.entries()) held.set(name, values[c]!);
  }
  yield {
    schema,
    columns: [
      idColumn,
      ...STATE.fields.map(({ name, type }) => {
        const column = held.get(name) ?? nullColumn(type, ids.length);
        return type.kind === "bool"
          ? columnOf(
              type,
              ids.map((_, row) => valueAt(column, row) === true),
            )
          : column;
      }),
    ],
    numRows: ids.length,
  };
}
