import type { ColumnSummary, Histogram, Json } from "@usr/dataset/inspect";
import type { Outcome, RunCommand } from "../command.ts";
import { queryOf } from "../query.ts";
import { align, shortestFloat32 } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const { describe } = await import("@usr/dataset/inspect");
  const data = await describe(await session.root(), argument(typed, 0), queryOf(session, typed));
  return { kind: "document", data, text: (width) => align(HEADER, data.map(cellsOf), RIGHT, width) };
};

const HEADER = ["column", "type", "values", "missing", "distinct", "min", "max", "mean", "spread"];
const RIGHT = [false, false, true, true, true, false, false, true, false];

const cellsOf = (summary: ColumnSummary): readonly string[] => {
  const { column, type, non_null, nulls, distinct, distinct_exact, lengths, items } = summary;
  return [
    column,
    type,
    String(non_null),
    String(nulls),
    distinct === null ? "" : `${distinct_exact ? "" : "≈"}${distinct}`,
    jsonText(stored(summary.min ?? items?.min ?? null, type)),
    jsonText(stored(summary.max ?? items?.max ?? null, type)),
    jsonText(shorter(summary.mean ?? items?.mean ?? null)),
    [
      ...(summary.histogram === undefined ? [] : [bars(summary.histogram)]),
      ...(summary.true === undefined ? [] : [`${summary.true} true, ${summary.false ?? 0} false`]),
      ...(summary.nan === undefined || summary.nan === 0 ? [] : [`${summary.nan} NaN`]),
      ...(lengths === undefined ? [] : [lengthText(lengths, items !== undefined || type.startsWith("list"))]),
    ].join(", "),
  ];
};

const jsonText = (value: Json): string =>
  value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);

/** The digits that tell a float32 from its neighbours, not those of the float64 of the same value. */
const stored = (value: Json, type: string): Json =>
  typeof value === "number" && type.includes("float32") ? Number(shortestFloat32(value)) : value;

/** Six digits of a mean say enough to people; `--json` has all. */
const shorter = (value: Json): Json => (typeof value === "number" ? Number(value.toPrecision(6)) : value);

const lengthText = ({ min, max, mean }: { min: number; max: number; mean: number }, list: boolean): string =>
  `${min === max ? min : `${min}–${max}, mean ${Number(mean.toPrecision(4))}`} ${list ? "items" : "characters"}`;

const BLOCKS = [..."▁▂▃▄▅▆▇█"];

/** A bar for each bin; an empty bin is blank, the fullest one a whole block. */
const bars = ({ counts }: Histogram): string => {
  const most = Math.max(...counts);
  return counts.map((n) => (n === 0 ? " " : BLOCKS[Math.ceil((n / most) * BLOCKS.length) - 1]!)).join("");
};
