export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** A property that is `undefined` is not written. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** Who did it. All four are written as they are; `tool` and `run_id` must not be blank. */
export type Actor = {
  readonly tool: string;
  readonly run_id: string;
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
};

/** The Parquet file the event is about, after the change. `cols` counts leaf columns. */
export type Fingerprint = {
  readonly rows: number;
  readonly cols: number;
  readonly size_bytes: number;
  readonly sha256?: string | undefined;
};

/** An event as a log holds it, whoever wrote it. Fields this interface does not name are kept in the object, in their place. */
export interface LoggedEvent {
  readonly event_version: number;
  readonly timestamp_utc: string;
  readonly action: string;
  readonly dataset: { readonly name: string; readonly root: string | null };
  readonly args: JsonObject;
  readonly metrics: JsonObject;
  readonly artifacts: JsonObject;
  readonly maintenance: JsonObject;
  readonly fingerprint: JsonObject;
  readonly registry_hash: string | null;
  readonly actor: JsonObject & { readonly tool: string; readonly run_id: string };
  readonly version: string;
  /** UUIDv7; events of the Python program have none. */
  readonly event_id?: string | undefined;
  /** Appended by the writer that finished an interrupted commit. */
  readonly recovered?: boolean | undefined;
}

/** An event as `createEvent` makes it. Its properties are in the order in which they are written. */
export interface UsrEvent extends LoggedEvent {
  readonly event_id: string;
  readonly fingerprint: Fingerprint;
  readonly actor: Actor;
}

export interface EventInput {
  readonly eventId: string;
  /** `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always six digits. */
  readonly timestamp: string;
  readonly action: string;
  readonly dataset: { readonly name: string; readonly root: string | null };
  /** Redacted by key, see the README. */
  readonly args?: JsonObject | undefined;
  /** The real numbers of the call. Actions with fixed metrics must give each of them: nothing is filled in. */
  readonly metrics?: JsonObject | undefined;
  readonly artifacts?: JsonObject | undefined;
  readonly maintenance?: JsonObject | undefined;
  readonly fingerprint: Fingerprint;
  /** `undefined` = the root has no registry. */
  readonly registryHash: string | undefined;
  readonly actor: Actor;
  /** Version of the record format's producer; default `0.1.0`, which every producer writes so far. */
  readonly version?: string | undefined;
  readonly recovered?: boolean | undefined;
}

/**
 * A line that is no event. `torn`: the last line, cut off before its end. `malformed`: no JSON. `foreign`: JSON, but not an event's
 * envelope, as other tools write it.
 */
export interface LineProblem {
  readonly kind: "torn" | "malformed" | "foreign";
  /** 1-based; `undefined` where the log was read from its end. */
  readonly line: number | undefined;
  /** Byte offset of the line in the log. */
  readonly offset: number;
  /** The line without its newline; of one with more than 64 MiB the beginning. */
  readonly text: string;
  readonly message: string;
}

/** One line of a log, blank lines left out. `text` is the line as it lies there, with numbers exactly as written. */
export type EventLine =
  | {
      readonly kind: "event";
      readonly event: LoggedEvent;
      readonly text: string;
      readonly line: number | undefined;
      readonly offset: number;
    }
  | { readonly kind: "problem"; readonly problem: LineProblem };
