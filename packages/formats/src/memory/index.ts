/**
 * Tables of what a program holds or makes, for the verbs that take a table.
 *
 * ```ts
 * import { tableOf } from "@usr/formats/memory";
 * import { columnOf } from "@usr/schema/columns";
 *
 * const ids = columnOf({ kind: "string" }, ["a", "b"]);
 * const score = { layout: "fixed", type: { kind: "float32" }, length: 2, values: Float32Array.of(0.5, 1) } as const;
 * const table = tableOf([{ numRows: 2, columns: new Map([["id", ids], ["score", score]]) }], { name: "model 7" });
 * for await (const { columns } of table.batches((_, type) => (type?.kind === "float32" ? { kind: "float64" } : type)))
 *   console.log(columns.get("score")?.type.kind); // float64
 * ```
 *
 * @module
 */
export { type MemoryTableOptions, type RowsSource, tableOf } from "./table-of.ts";
