import { type SearchOptions, search } from "@usr/dataset/search";
import type { Batch } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import type { Outcome, RunCommand } from "../command.ts";
import { queryOf } from "../query.ts";
import { safe } from "../safe.ts";
import { count } from "../text.ts";
import { argument, flag, integer, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const column = text(typed, "column") ?? "sequence";
  const query = queryOf(session, typed);
  const o: SearchOptions = {
    ...query,
    pattern: argument(typed, 1),
    column,
    iupac: flag(typed, "iupac"),
    bothStrands: flag(typed, "revcomp"),
    caseSensitive: flag(typed, "caseSensitive"),
    limit: integer(typed, "limit"),
    skipped: (rows) => {
      if (rows > 0)
        session.say(`note: ${count(rows, "row")} passed over: a motif of nucleotides says nothing of proteins`);
    },
  };
  const shown = query.columns === undefined;
  return {
    kind: "rows",
    batches: search(await session.root(), argument(typed, 0), o),
    lines: shown ? (batch, coloured) => matchLines(batch, column, coloured) : undefined,
  };
};

/** One line a match: id, place, strand, and the match amid its neighbours. */
function* matchLines(batch: Batch, column: string, coloured: boolean): Generator<string> {
  const at = (name: string): number => batch.schema.fields.findIndex((field) => field.name === name);
  for (let row = 0; row < batch.numRows; row++) {
    const id = safe(String(valueAt(batch.columns[at("id")]!, row)));
    const characters = [...String(valueAt(batch.columns[at(column)]!, row))];
    const matches = valueAt(batch.columns[at("matches")]!, row);
    if (!Array.isArray(matches)) continue;
    for (const { start, end, strand } of matches)
      yield `${id}  ${start}..${end}  ${strand}  ${inContext(characters, start, end, coloured)}`;
  }
}

const CONTEXT = 15;
const LONGEST_MATCH = 200;

const inContext = (characters: readonly string[], start: number, end: number, coloured: boolean): string => {
  const piece = (from: number, to: number): string => safe(characters.slice(from, to).join(""));
  const before = Math.max(0, start - CONTEXT);
  const after = Math.min(characters.length, end + CONTEXT);
  const long = end - start > LONGEST_MATCH;
  const match = `${piece(start, long ? start + LONGEST_MATCH : end)}${long ? "…" : ""}`;
  const marked = coloured ? `\u001b[1;31m${match}\u001b[0m` : `[${match}]`;
  return `${before > 0 ? "…" : ""}${piece(before, start)}${marked}${piece(end, after)}${after < characters.length ? "…" : ""}`;
};
