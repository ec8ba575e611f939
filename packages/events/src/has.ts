import type { ReadableStorage, Signal } from "@usr/storage";
import { decodeLine } from "./decode.ts";
import { linesFromEnd } from "./lines.ts";

/** Whether the log at `path` holds an event of that id. Reads from the end, where a recent one is found at once; an absent log has none. */
export async function hasEvent(
  storage: ReadableStorage,
  path: string,
  eventId: string,
  o: Signal = {},
): Promise<boolean> {
  const opened = await storage.open(path, o);
  if (opened === undefined) return false;
  await using handle = opened;
  for await (const raw of linesFromEnd(handle, o)) {
    const line = decodeLine(raw, undefined);
    if (line?.kind === "event" && line.event.event_id === eventId) return true;
  }
  return false;
}
