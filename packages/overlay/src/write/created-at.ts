import { formatTimestamp } from "@usr/schema";
import { OverlayError } from "../error.ts";
import type { Part } from "../types.ts";

const TOLERATED_US = 5n * 60n * 1_000_000n;

/**
 * The `created_at` of the next part: now, or a microsecond after the newest part where the clock is not past it, so that the order of
 * parts is the order of writing even when a clock steps back.
 *
 * @param nowUs microseconds since the epoch; so is the result
 * @throws OverlayError `CLOCK_SKEW` where the newest part is more than five minutes in the future
 */
export function nextCreatedAt(
  parts: Iterable<Pick<Part, "createdAt" | "createdAtText" | "name">>,
  nowUs: bigint,
): bigint {
  let next = nowUs;
  for (const part of parts) {
    // Parts of other programs may hold nanoseconds: the microsecond after the one they fall in is after them.
    const after = part.createdAt / 1000n + 1n;
    if (after <= next) continue;
    if (after - 1n - nowUs > TOLERATED_US) throw fromTheFuture(part.name, part.createdAtText, nowUs);
    next = after;
  }
  return next;
}

function fromTheFuture(name: string, createdAt: string, nowUs: bigint): OverlayError {
  const now = formatTimestamp(nowUs, "us", true);
  return new OverlayError(
    "CLOCK_SKEW",
    `${name} was created at ${createdAt}, more than five minutes after the clock of this machine (${now}).`,
    {
      hint: "Set the clock right; if the part itself is wrong, write it again.",
      details: { file: name, created_at: createdAt, now },
    },
  );
}
