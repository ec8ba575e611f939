import { decodeEvents } from "@usr/events";
import type { Signal } from "@usr/storage";
import { EVENTS_LOG, inDataset } from "../layout.ts";
import type { Root } from "../types.ts";
import { type Findings, place } from "./findings.ts";

const CHUNK = 4 << 20;

/** Reads the event log in pieces of whole lines; gives how many events it holds. Lines that are none are warnings: the data stands without them. */
export async function checkEvents(root: Root, id: string, findings: Findings, o: Signal): Promise<number> {
  const path = inDataset(id, EVENTS_LOG);
  await using handle = await root.storage.open(path, o);
  if (handle === undefined) return 0;
  const { size } = handle.meta;
  let rest = new Uint8Array(0);
  let lines = 0;
  let events = 0;
  for (let at = 0; at < size; ) {
    const length = Math.min(CHUNK, size - at);
    const bytes = join(rest, await handle.read(at, length, o));
    at += length;
    const end = at === size ? bytes.length : bytes.lastIndexOf(10) + 1;
    rest = bytes.slice(end);
    if (end === 0) continue;
    const decoded = decodeEvents(bytes.subarray(0, end));
    events += decoded.events.length;
    for (const problem of decoded.problems) {
      if (problem.kind === "torn") continue;
      findings.add({
        severity: "warning",
        code: "EVENT_INVALID",
        message: problem.message,
        where: place(path, problem.line === undefined ? undefined : lines + problem.line),
        kind: path,
      });
    }
    if (decoded.torn) {
      findings.add({
        severity: "warning",
        code: "EVENT_TORN",
        message: "The last line is torn: it does not end.",
        where: path,
        hint: "The next event ends it; nothing of the data is lost.",
      });
    }
    for (let i = 0; i < end; i++) if (bytes[i] === 10) lines++;
  }
  return events;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
