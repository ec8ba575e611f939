import type { Value } from "@usr/schema";

/** A value that compares by what it holds: structs as their entries, for a field may be called `constructor` or `__proto__`. */
export function shown(value: Value): unknown {
  if (Array.isArray(value)) {
    return value.map(shown);
  }
  if (typeof value === "object" && value !== null) {
    return { struct: Object.entries(value).map(([name, inner]) => [name, shown(inner)]) };
  }
  return value;
}
