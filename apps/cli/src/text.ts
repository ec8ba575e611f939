import type { DataType, Value } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { displayWidth, shorten } from "./display-width.ts";
import { safe } from "./safe.ts";

/** A cell for people. `full` shows every element of a list; otherwise long lists are summarised. */
export const cellText = (type: DataType, value: Value, full: boolean): string => {
  if (value === null) return "∅";
  if (type.kind === "timestamp" && typeof value === "bigint")
    return formatTimestamp(value, type.unit, type.timezone !== undefined);
  if (typeof value === "string") return safe(value);
  if ((type.kind === "list" || type.kind === "fixed_size_list") && Array.isArray(value)) {
    const shown = full || value.length <= 4 ? value : value.slice(0, 2);
    const items = shown.map((item) => cellText(type.item, item, full)).join(", ");
    return shown.length < value.length ? `[${items}, … ×${value.length}]` : `[${items}]`;
  }
  if (type.kind === "struct" && typeof value === "object" && !Array.isArray(value)) {
    const fields = new Map(Object.entries(value));
    return `{${type.fields.map((f) => `${safe(f.name)}: ${cellText(f.type, fields.get(f.name) ?? null, full)}`).join(", ")}}`;
  }
  if (typeof value === "number" && type.kind === "float32") return shortestFloat32(value);
  return Object.is(value, -0) ? "-0" : String(value);
};

/** The fewest digits that read back to the same float32. */
export const shortestFloat32 = (value: number): string => {
  if (Object.is(value, -0)) return "-0";
  for (let digits = 1; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === value) return String(near);
  }
  return String(value);
};

export const isNumeric = ({ kind }: DataType): boolean => /^(u?int|float)/.test(kind);

const GAP = "  ";

/** How columns of text stand side by side. */
export interface Layout {
  /** Of the columns that are shown: the first ones. */
  readonly widths: readonly number[];
  /** Columns that found no room; their place shows `…`. */
  readonly hidden: number;
  readonly right: readonly boolean[];
}

/** Widths for these rows. With `width`, the widest columns give way first, but for the first `firm` ones, and the last ones where all are narrow. */
export const layoutOf = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
  width?: number,
  firm = 0,
): Layout => {
  const wanted = header.map((name, c) =>
    rows.reduce((most, row) => Math.max(most, displayWidth(row[c] ?? "")), displayWidth(name)),
  );
  if (width === undefined) return { widths: wanted, hidden: 0, right };
  let shown = wanted.length;
  const least = (n: number): number =>
    wanted.slice(0, n).reduce((sum, w) => sum + Math.min(w, MINIMUM) + GAP.length, -GAP.length) +
    (n < wanted.length ? GAP.length + 1 : 0);
  while (shown > 1 && least(shown) > width) shown--;
  const hidden = wanted.length - shown;
  const room = width - GAP.length * (shown - 1) - (hidden > 0 ? GAP.length + 1 : 0);
  return { widths: fit(wanted.slice(0, shown), room, firm), hidden, right };
};

/** One line of a table, without its line end. `paint` colours a cell after its width is settled. */
export const lineOf = (
  cells: readonly string[],
  { widths, hidden, right }: Layout,
  paint: (cell: string, column: number) => string = (cell) => cell,
): string => {
  const texts = widths.map((width, c) => {
    const cut = shorten(cells[c] ?? "", width);
    const padding = " ".repeat(Math.max(0, width - displayWidth(cut)));
    const painted = paint(cut, c);
    if (right[c] === true) return padding + painted;
    return c === widths.length - 1 && hidden === 0 ? painted : painted + padding;
  });
  return [...texts, ...(hidden > 0 ? ["…"] : [])].join(GAP).trimEnd();
};

/**
 * Rows as an aligned table, safe to show; `right` aligns a column to the right. With a width it is cut to that, the first column last: it says
 * what the others are about.
 */
export const align = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
  width?: number,
): string => {
  const shown = rows.map((row) => row.map(safe));
  const layout = layoutOf(header, shown, right, width, 1);
  return `${[header, ...shown].map((cells) => lineOf(cells, layout)).join("\n")}\n`;
};

const MINIMUM = 6;

/** Narrows the widest column, again and again, until all fit or none may give way; the first `firm` ones only when no other can. */
const fit = (wanted: readonly number[], room: number, firm: number): readonly number[] => {
  const widths = [...wanted];
  let excess = widths.reduce((sum, w) => sum + w, 0) - room;
  for (let from = firm; excess > 0; ) {
    const loose = widths.slice(from);
    const widest = from + loose.indexOf(Math.max(...loose));
    if (loose.length === 0 || widths[widest]! <= MINIMUM) {
      if (from === 0) break;
      from = 0;
      continue;
    }
    const second = Math.max(MINIMUM, ...widths.filter((_, i) => i >= from && i !== widest));
    const give = Math.min(excess, Math.max(1, widths[widest]! - second));
    widths[widest] = Math.max(MINIMUM, widths[widest]! - give);
    excess -= give;
  }
  return widths;
};

/** `key: value` lines, safe to show. */
export const renderPairs = (pairs: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...pairs.map(([key]) => displayWidth(safe(key))));
  return `${pairs.map(([key, value]) => `${`${safe(key)}:`.padEnd(width + 2)}${safe(value)}`.trimEnd()).join("\n")}\n`;
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

/** A whole number with its noun, thousands apart. `toLocaleString` says the same, but loads the rules of all languages first: 15 ms. */
export const count = (n: number, noun: string): string =>
  `${String(n).replace(/\B(?=(\d{3})+$)/g, ",")} ${noun}${n === 1 ? "" : "s"}`;
