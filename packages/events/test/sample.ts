import { createEvent, type EventInput, type UsrEvent, uuidv7 } from "../src/index.ts";

/** A whole input; `n` makes the event id its own. */
export const input = (n = 0, changes: Partial<EventInput> = {}): EventInput => ({
  eventId: uuidv7(1_790_000_000_000_000n + BigInt(n) * 1000n, new Uint8Array(10).fill(n)),
  timestamp: "2026-09-21T14:13:20.000000Z",
  action: "import_rows",
  dataset: { name: "demo", root: "/data/usr" },
  args: { n },
  metrics: { rows_written: n, rows_skipped: 0 },
  fingerprint: { rows: n, cols: 7, size_bytes: 2974 },
  registryHash: undefined,
  actor: { tool: "usr", run_id: "run-1", host: "vm", pid: 7 },
  ...changes,
});

export const sample = (n = 0, changes: Partial<EventInput> = {}): UsrEvent => createEvent(input(n, changes));

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
