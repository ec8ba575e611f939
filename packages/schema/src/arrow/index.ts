/**
 * The bridge to apache-arrow, and Arrow IPC files and streams. The only place that loads apache-arrow: import it lazily.
 *
 * ```ts
 * import { readArrow, writeArrow } from "@usr/schema/arrow";
 * import { columnOf, valueAt } from "@usr/schema/columns";
 *
 * const schema = { fields: [{ name: "n", type: { kind: "int64" }, nullable: true }], metadata: new Map() } as const;
 * const column = columnOf({ kind: "int64" }, [9007199254740993n, null]);
 *
 * const bytes = writeArrow(schema, [{ schema, columns: [column], numRows: 2 }], { form: "stream" });
 * const reader = await readArrow(bytes);
 * for await (const batch of reader.batches({ columns: ["n"] })) valueAt(batch.columns[0], 0); // 9007199254740993n
 * ```
 *
 * @module
 */
export { fromArrow } from "./from-arrow.ts";
export { type ArrowReader, type ReadArrowOptions, readArrow } from "./read.ts";
export { toArrow } from "./to-arrow.ts";
export { type WriteArrowOptions, writeArrow } from "./write.ts";
