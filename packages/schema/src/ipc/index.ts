/**
 * The Arrow IPC schema message that Parquet files carry under `ARROW:schema`, read and written without apache-arrow.
 *
 * ```ts
 * import { decodeArrowSchema, encodeArrowSchema } from "@usr/schema/ipc";
 *
 * const text = encodeArrowSchema({
 *   fields: [{ name: "at", type: { kind: "timestamp", unit: "us", timezone: "UTC" }, nullable: true }],
 *   metadata: new Map(),
 * });
 * decodeArrowSchema(text).fields[0]; // { name: "at", nullable: true, type: { kind: "timestamp", unit: "us", timezone: "UTC" }, … }
 * ```
 *
 * @module
 */
export { type ArrowField, type ArrowSchema, decodeArrowSchema, type OtherType } from "./decode.ts";
export { encodeArrowSchema } from "./encode.ts";
