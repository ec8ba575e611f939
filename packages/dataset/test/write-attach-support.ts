import { readBatches } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import type { WritableRoot } from "../src/write/index.ts";
import type { Cells } from "./make.ts";
import { parquetAt, rowsOf } from "./write-support.ts";

export const column = async (root: WritableRoot, name: string): Promise<readonly unknown[]> =>
  (await rowsOf(root, "demo", { includeDeleted: true })).map((row) => row[name]);

/** The cells of a part, by column. */
export const partCells = async (root: WritableRoot, path: string): Promise<Readonly<Record<string, Cells>>> => {
  const file = await parquetAt(root.storage, `demo/${path}`);
  const cells: Record<string, Cells> = {};
  for await (const batch of readBatches(file)) {
    for (const [i, { name }] of batch.schema.fields.entries()) {
      const more = Array.from({ length: batch.numRows }, (_, row) => valueAt(batch.columns[i]!, row));
      cells[name] = [...(cells[name] ?? []), ...more];
    }
  }
  return cells;
};

export const metadataOf = async (root: WritableRoot, path: string): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries((await parquetAt(root.storage, `demo/${path}`)).schema.metadata);

export const partsOf = async (root: WritableRoot, id = "demo", namespace = "mock"): Promise<readonly string[]> => {
  const prefix = `${id}/_derived/${namespace}/`;
  const found: string[] = [];
  for await (const { path } of root.storage.list(prefix)) found.push(path.slice(id.length + 1));
  return found;
};
