/** Names of input columns for a hint. Those that one cannot see, or not whole, are quoted: a header may be empty or end in a blank. */
export const columnNames = (names: readonly string[]): string =>
  names.map((name) => (/^[^\s,"]+$/.test(name) ? name : JSON.stringify(name))).join(", ") || "none";
