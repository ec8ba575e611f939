import { encodeEvent } from "./encode.ts";
import { EventError } from "./error.ts";
import { redact } from "./redact.ts";
import type { EventInput, JsonObject, UsrEvent } from "./types.ts";

/** Metrics an action always has, in the order the Python program writes them. Watchers show them, so they are asked for, never made up. */
const METRICS: Readonly<Record<string, readonly string[]>> = {
  init: ["rows"],
  import_rows: ["rows_written", "rows_skipped"],
  attach: ["rows_incoming", "rows_matched", "rows_missing"],
  write_overlay_part: ["rows_incoming", "rows_written", "rows_missing"],
  tombstone: ["rows"],
  restore: ["rows"],
  state_set: ["rows"],
  state_clear: ["rows"],
  snapshot: ["rows"],
  materialize: ["overlays", "rows"],
  dedupe: ["rows_total", "rows_dropped", "groups"],
  registry_freeze: ["updated"],
  remove_overlay: ["removed"],
};

/** Artifacts that hold for every event of an action; the caller's replace them key by key. */
const ARTIFACTS: Readonly<Record<string, JsonObject>> = {
  init: { overlays: [] },
  import_rows: { base: {} },
  attach: { overlay: {} },
  write_overlay_part: { overlay: {} },
  tombstone: { overlay: { namespace: "usr" } },
  restore: { overlay: { namespace: "usr" } },
  state_set: { overlay: { namespace: "usr_state" } },
  state_clear: { overlay: { namespace: "usr_state" } },
  snapshot: { snapshot: {} },
  dedupe: { base: {} },
  remove_overlay: { overlay: {} },
};

/**
 * The record of one change, its properties in the order they are written. `args` are redacted. Throws `EventError`: `BAD_EVENT` for a blank
 * action, a timestamp or event id of another form, a blank actor, a missing metric; and what `encodeEvent` would throw, so that an event that
 * was created can be written.
 */
export function createEvent(input: EventInput): UsrEvent {
  check(input);
  const known = METRICS[input.action] ?? [];
  const metrics = input.metrics ?? {};
  const event: UsrEvent = {
    event_version: 1,
    timestamp_utc: input.timestamp,
    action: input.action,
    dataset: { name: input.dataset.name, root: input.dataset.root },
    args: redact(input.args ?? {}),
    metrics: { ...Object.fromEntries(known.map((name) => [name, metrics[name]])), ...metrics },
    artifacts: { ...ARTIFACTS[input.action], ...input.artifacts },
    maintenance: { ...input.maintenance },
    fingerprint: input.fingerprint,
    registry_hash: input.registryHash ?? null,
    actor: input.actor,
    version: input.version ?? "0.1.0",
    event_id: input.eventId,
    ...(input.recovered === true ? { recovered: true } : {}),
  };
  encodeEvent(event);
  return event;
}

const check = (input: EventInput): void => {
  const refuse = (message: string, details: Readonly<Record<string, unknown>>): never => {
    throw new EventError("BAD_EVENT", message, details);
  };
  const { action, timestamp, eventId, actor } = input;
  if (action.trim() === "") refuse("An event needs an action.", { action });
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(timestamp))
    refuse(`Timestamp ${JSON.stringify(timestamp)} is not of the form YYYY-MM-DDTHH:MM:SS.ffffffZ.`, { timestamp });
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(eventId))
    refuse(`Event id ${JSON.stringify(eventId)} is not a lower case UUID.`, { eventId });
  if (actor.tool.trim() === "" || actor.run_id.trim() === "") refuse("An actor needs a tool and a run_id.", { actor });
  const missing = (METRICS[action] ?? []).filter((name) => input.metrics?.[name] === undefined);
  if (missing.length > 0) refuse(`An event ${action} needs the metrics ${missing.join(", ")}.`, { action, missing });
};
