import { META, REPETITION, STATS } from "./format.ts";
import { readableShape } from "./open.ts";
import { getSize, getStruct } from "./thrift-fields.ts";
import type { ParquetFile } from "./types.ts";

/**
 * NULLs of a column over the whole file, from the statistics. `undefined` where they do not tell: a nested column, or a row group
 * without a count. Throws `COLUMN_NOT_FOUND` or `NOT_SUPPORTED`.
 */
export function nullCount(file: ParquetFile, column: string): number | undefined {
  const shape = readableShape(file, column);
  if (shape.kind !== "leaf") return undefined;
  const { leaf } = shape;
  if (leaf.repetition === REPETITION.required) return 0;
  let total = 0;
  for (const group of file.footer.rowGroups) {
    if (group.numRows === 0) continue;
    const statistics = getStruct(group.chunks[leaf.firstLeaf]!.meta, META.statistics);
    const nulls = statistics === undefined ? undefined : getSize(statistics, STATS.nullCount);
    if (nulls === undefined || nulls > group.numRows) return undefined;
    total += nulls;
  }
  return total;
}
