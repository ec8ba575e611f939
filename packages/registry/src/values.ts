import type { YamlMapping, YamlScalar, YamlValue } from "./types.ts";

const scalar = (kind: YamlScalar["kind"], text: string, json: number | string): YamlScalar =>
  Object.freeze({ kind, text, toJSON: () => json });

export const yamlInt = (value: bigint): YamlScalar => {
  const text = value.toString();
  return scalar("int", text, Number.isSafeInteger(Number(value)) ? Number(value) : text);
};

export const yamlFloat = (value: number): YamlScalar =>
  scalar("float", floatText(value), Number.isFinite(value) ? value : String(value));

/** `text` must be canonical: `2026-02-06`, `2026-02-06 01:02:03.000004+00:00`. */
export const yamlTime = (kind: "date" | "datetime", text: string): YamlScalar => scalar(kind, text, text);

/** Entries with equal keys: the first place and the last value, as in a Python dict. */
export const yamlMapping = (entries: Iterable<readonly [YamlValue, YamlValue]>): YamlMapping => {
  const kept = new Map<string, readonly [YamlValue, YamlValue]>();
  for (const [key, value] of entries) {
    const id = keyIdentity(key);
    kept.set(id, [kept.get(id)?.[0] ?? key, value]);
  }
  const list = [...kept.values()];
  const toJSON = (): Readonly<Record<string, unknown>> =>
    // fromEntries defines own properties, so that a key "__proto__" is a key like any other
    Object.fromEntries(list.map(([key, value]) => [keyText(key), value]));
  return Object.freeze({ kind: "mapping", entries: list, toJSON });
};

export const isMapping = (value: YamlValue | undefined): value is YamlMapping =>
  value !== null && typeof value === "object" && "kind" in value && value.kind === "mapping";

export const isScalar = (value: YamlValue): value is YamlScalar =>
  value !== null && typeof value === "object" && "kind" in value && value.kind !== "mapping";

export const isList = (value: YamlValue | undefined): value is readonly YamlValue[] => Array.isArray(value);

/** The value under a text key. */
export const lookUp = (mapping: YamlMapping, name: string): YamlValue | undefined =>
  mapping.entries.find(([key]) => key === name)?.[1];

/** Python's `str()` of a scalar; `undefined` for lists and mappings. */
export const pythonText = (value: YamlValue): string | undefined => {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (!isScalar(value)) return undefined;
  if (value.kind !== "float") return value.text;
  // Python spells a float without the dots that YAML needs
  return value.text.replace(/^(-?)\./, "$1").replace(/^(-?\d)\.0e/, "$1e");
};

const keyText = (key: YamlValue): string => (isScalar(key) ? key.text : String(key));

/** Equal exactly for keys that are equal in Python. Keys are scalars. */
const keyIdentity = (key: YamlValue): string => {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "boolean") return key ? "n1" : "n0";
  if (!isScalar(key)) return "null";
  switch (key.kind) {
    case "int":
      return `n${key.text}`;
    case "float": {
      const value = Number(key.text);
      return Number.isInteger(value) ? `n${BigInt(value)}` : `f${key.text}`;
    }
    case "date":
      return `d${key.text}`;
    case "datetime": {
      const instant = instantOf(key.text);
      return instant === undefined ? `t${key.text}` : `z${instant}`;
    }
  }
};

/** Python's order of two keys that differ, or `undefined` where Python refuses to compare them. */
export const compareKeys = (a: YamlValue, b: YamlValue): number | undefined => {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const [x, y] = [numberOf(a), numberOf(b)];
  // JavaScript compares bigint and number by their exact values
  if (x !== undefined && y !== undefined) return x < y ? -1 : 1;
  return isScalar(a) && isScalar(b) ? compareTimes(a, b) : undefined;
};

/** Of two scalars that are no two numbers. */
const compareTimes = (a: YamlScalar, b: YamlScalar): number | undefined => {
  if (a.kind !== b.kind) return undefined;
  const [x, y] = [instantOf(a.text), instantOf(b.text)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : 1;
  return x === y ? compareText(a.text, b.text) : undefined;
};

const numberOf = (value: YamlValue): bigint | number | undefined => {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (!isScalar(value)) return undefined;
  if (value.kind === "int") return BigInt(value.text);
  if (value.kind !== "float") return undefined;
  return value.text.endsWith(".inf") ? (value.text.startsWith("-") ? -Infinity : Infinity) : Number(value.text);
};

/** By code point, as Python compares text; JavaScript's own order is by UTF-16 unit. */
const compareText = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const highX = x >= 0xd800 && x <= 0xdfff;
    const highY = y >= 0xd800 && y <= 0xdfff;
    return highX === highY ? x - y : highX ? 1 : -1;
  }
  return a.length - b.length;
};

/** Microseconds since the epoch of a canonical datetime with an offset. */
const instantOf = (text: string): bigint | undefined => {
  const match = /(.{10}) (.{8})(?:\.(\d{6}))?([+-]\d\d:\d\d)/.exec(text);
  if (match === null) return undefined;
  return BigInt(Date.parse(`${match[1]}T${match[2]}${match[4]}`)) * 1000n + BigInt(match[3] ?? "0");
};

/** PyYAML's spelling: Python's `repr`, with a point wherever an exponent stands. */
const floatText = (value: number): string => {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value > 0 ? ".inf" : "-.inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${digits}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  // within this range JavaScript writes plain decimals too
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
};
