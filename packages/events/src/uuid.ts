import { EventError } from "./error.ts";

/** A UUIDv7 (RFC 9562): the milliseconds of `nowUs` (microseconds since the epoch), then 74 bits of `random`, which needs 10 bytes. */
export function uuidv7(nowUs: bigint, random: Uint8Array): string {
  const ms = nowUs / 1000n;
  if (random.length < 10 || ms < 0n || ms >= 1n << 48n) {
    throw new EventError("BAD_EVENT", "An event id needs 10 random bytes and a time after 1970.", {
      random: random.length,
      nowUs,
    });
  }
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, ms << 16n);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
