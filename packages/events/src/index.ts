/**
 * The append-only record of what happened to a dataset: one line of JSON for each change.
 *
 * ```ts
 * import { appendEvent, createEvent, tailEvents, uuidv7 } from "@usr/events";
 * import { memoryStorage } from "@usr/storage";
 *
 * const storage = memoryStorage();
 * const event = createEvent({
 *   eventId: uuidv7(1_790_000_000_000_000n, new Uint8Array(10)),
 *   timestamp: "2026-09-21T14:13:20.000000Z",
 *   action: "import_rows",
 *   dataset: { name: "demo", root: "/data/usr" },
 *   args: { n: 3, api_key: "never shown" },
 *   metrics: { rows_written: 3, rows_skipped: 0 },
 *   fingerprint: { rows: 3, cols: 7, size_bytes: 2974 },
 *   registryHash: undefined,
 *   actor: { tool: "usr", run_id: "run-1" },
 * });
 * await appendEvent(storage, ".events.log", event);
 * for await (const line of tailEvents(storage, ".events.log", { n: 10 })) {
 *   if (line.kind === "event") console.log(line.event.action, line.event.args); // import_rows { n: 3, api_key: "***REDACTED***" }
 * }
 * ```
 *
 * @module
 */
export { type AppendOptions, appendEvent } from "./append.ts";
export { createEvent } from "./create.ts";
export { decodeEvents } from "./decode.ts";
export { encodeEvent } from "./encode.ts";
export { EventError, type EventErrorCode } from "./error.ts";
export { hasEvent } from "./has.ts";
export { type TailOptions, tailEvents } from "./tail.ts";
export type {
  Actor,
  EventInput,
  EventLine,
  Fingerprint,
  JsonObject,
  JsonValue,
  LineProblem,
  LoggedEvent,
  UsrEvent,
} from "./types.ts";
export { uuidv7 } from "./uuid.ts";
