import type { Batch, DataType, Value } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";

/** Makes text from data safe to show: control characters, C1 and bidirectional overrides become visible escapes. */
export const safe = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    if (c === "\r") return "\\r";
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });

/** A cell for people. `full` shows every element of a list; otherwise long lists are summarised. */
export const cellText = (type: DataType, value: Value, full: boolean): string => {
  if (value === null) return "∅";
  if (type.kind === "timestamp" && typeof value === "bigint")
    return formatTimestamp(value, type.unit, type.timezone !== undefined);
  if (typeof value === "string") return safe(value);
  if ((type.kind === "list" || type.kind === "fixed_size_list") && Array.isArray(value)) {
    const shown = full || value.length <= 4 ? value : value.slice(0, 3);
    const items = shown.map((item) => cellText(type.item, item, full)).join(", ");
    return shown.length < value.length ? `[${items}, … ${value.length} items]` : `[${items}]`;
  }
  if (type.kind === "struct" && typeof value === "object" && !Array.isArray(value)) {
    const fields = new Map(Object.entries(value));
    return `{${type.fields.map((f) => `${safe(f.name)}: ${cellText(f.type, fields.get(f.name) ?? null, full)}`).join(", ")}}`;
  }
  if (typeof value === "number" && type.kind === "float32") return String(Number(value.toPrecision(7)));
  return String(value);
};

const isNumeric = ({ kind }: DataType): boolean => /^(u?int|float)/.test(kind);

/** Rows as an aligned table. With `width`, the widest columns give way first and what is cut ends in `…`. */
export const renderTable = (batch: Batch, width: number | undefined): string => {
  const { fields } = batch.schema;
  const rows = Array.from({ length: batch.numRows }, (_, i) =>
    fields.map(({ type }, c) => cellText(type, valueAt(batch.columns[c]!, i), width === undefined)),
  );
  return align(
    fields.map(({ name }) => safe(name)),
    rows,
    fields.map(({ type }) => isNumeric(type)),
    width,
  );
};

const GAP = "  ";

/** Columns of text, aligned; `right` aligns a column to the right. */
export const align = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
  width?: number,
): string => {
  const wanted = header.map((name, c) =>
    Math.max(displayWidth(name), ...rows.map((row) => displayWidth(row[c] ?? ""))),
  );
  const widths = width === undefined ? wanted : fit(wanted, width - GAP.length * (header.length - 1));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => {
        const cut = shorten(cell, widths[c]!);
        const padding = " ".repeat(Math.max(0, widths[c]! - displayWidth(cut)));
        return right[c] === true ? padding + cut : cut + padding;
      })
      .join(GAP)
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
};

const MINIMUM = 6;

/** Narrows the widest column, again and again, until all fit or none may give way. */
const fit = (wanted: readonly number[], room: number): readonly number[] => {
  const widths = [...wanted];
  let excess = widths.reduce((sum, w) => sum + w, 0) - room;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MINIMUM) break;
    const second = Math.max(MINIMUM, ...widths.filter((_, i) => i !== widest));
    const give = Math.min(excess, Math.max(1, widths[widest]! - second));
    widths[widest] = Math.max(MINIMUM, widths[widest]! - give);
    excess -= give;
  }
  return widths;
};

const displayWidth = (text: string): number => [...text].length;

const shorten = (text: string, width: number): string => {
  const symbols = [...text];
  return symbols.length <= width ? text : `${symbols.slice(0, Math.max(0, width - 1)).join("")}…`;
};

/** `key: value` lines. */
export const renderPairs = (pairs: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...pairs.map(([key]) => key.length));
  return `${pairs.map(([key, value]) => `${`${key}:`.padEnd(width + 2)}${value}`.trimEnd()).join("\n")}\n`;
};

/** Bytes for people, in powers of 1024. */
export const bytesText = (bytes: number): string => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
};

export const count = (n: number, noun: string): string => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
