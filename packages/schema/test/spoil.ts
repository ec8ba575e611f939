import type { Value } from "@usr/schema";

/** The value with its last leaf made wrong, so that a refusal comes as late as it can. */
export function spoil(value: Value, wrong: unknown): Value {
  if (Array.isArray(value) && value.length > 0) {
    return [...value.slice(0, -1), spoil(value.at(-1)!, wrong)];
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    const last = entries.pop()!;
    return Object.fromEntries([...entries, [last[0], spoil(last[1], wrong)]]);
  }
  // The point is a value that the type system would not let through.
  return wrong as Value;
}
