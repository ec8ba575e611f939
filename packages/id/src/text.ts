/** The text itself, for callers without types: of anything else a hash would be one of its spelling. */
export function requireText(text: string): string {
  if (typeof text === "string") return text;
  throw new TypeError(`A sequence is a string, not ${text === null ? "null" : typeof text}.`);
}
