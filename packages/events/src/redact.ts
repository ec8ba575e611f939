import type { JsonObject, JsonValue } from "./types.ts";

const REDACTED = "***REDACTED***";

const SENSITIVE = [
  "secret",
  "token",
  "password",
  "passwd",
  "api_key",
  "apikey",
  "webhook",
  "auth",
  "credential",
  "bearer",
  "cookie",
  "session",
];

/**
 * Whether a key names a secret: it contains one of the words, letter case and `-` or `_` aside. `auth` does not count inside `author`, so
 * author, authors, authored_by, co_author pass; it does where an `i` follows (authorization, authority).
 */
const isSensitive = (key: string): boolean => {
  const name = key
    .toLowerCase()
    .replaceAll("-", "_")
    .replace(/author(?!i)/g, "#");
  return SENSITIVE.some((word) => name.includes(word));
};

/** A copy with the values of sensitive keys replaced, at any depth; in lists also those of command-line flags, `--flag=value` and `--flag value`. */
export function redact(args: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, isSensitive(key) ? REDACTED : redactValue(value)]),
  );
}

const redactValue = (value: JsonValue | undefined): JsonValue | undefined => {
  if (isList(value)) return redactList(value);
  return typeof value === "object" && value !== null ? redact(value) : value;
};

// `Array.isArray` does not narrow a readonly array out of a union.
const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

const redactList = (items: readonly JsonValue[]): JsonValue[] => {
  let hideNext = false;
  return items.map((item) => {
    if (hideNext) {
      hideNext = false;
      return REDACTED;
    }
    if (typeof item !== "string" || !item.startsWith("-")) return redactValue(item) ?? null;
    const equals = item.indexOf("=");
    const flag = equals < 0 ? item : item.slice(0, equals);
    if (!isSensitive(flag)) return item;
    if (equals >= 0) return `${flag}=${REDACTED}`;
    hideNext = true;
    return item;
  });
};
