import type { YamlValue } from "../src/types.ts";
import { yamlFloat, yamlInt, yamlMapping } from "../src/values.ts";

export type Json = null | boolean | string | number | readonly Json[] | { readonly [key: string]: Json };

/** JSON as Python's json module reads it; whole numbers are ints. */
export const yamlOfJson = (value: Json): YamlValue => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isInteger(value) ? yamlInt(BigInt(value)) : yamlFloat(value);
  if (Array.isArray(value)) return value.map(yamlOfJson);
  return yamlMapping(Object.entries(value).map(([key, item]) => [key, yamlOfJson(item)]));
};
