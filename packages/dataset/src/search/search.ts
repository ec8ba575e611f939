import type { Batch, DataType, Schema } from "@usr/schema";
import { formatType } from "@usr/schema";
import { columnOf, gatherColumns, isValid, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { pageOf } from "../read/page.ts";
import { scan } from "../read/scan.ts";
import type { Query, Root } from "../types.ts";
import { type Match, type Matcher, motifMatcher, regexMatcher } from "./matcher.ts";

export type { Match } from "./matcher.ts";

export interface SearchOptions extends Omit<Query, "ids" | "start"> {
  /** A regular expression (ECMAScript, with Unicode), or a motif with `iupac`. */
  readonly pattern: string;
  /** The text column that is searched; default `sequence`. */
  readonly column?: string | undefined;
  /** What is shown beside `matches`; default the id and the column searched. */
  readonly columns?: readonly string[] | undefined;
  /** The pattern is a motif of IUPAC nucleotide codes. Protein rows are passed over. Default false. */
  readonly iupac?: boolean | undefined;
  /** The other strand of dna and rna, too. Default false. */
  readonly bothStrands?: boolean | undefined;
  /** Letter case counts. Default false; motifs never look at it. */
  readonly caseSensitive?: boolean | undefined;
  /** At most that many rows. */
  readonly limit?: number | undefined;
  /** Told at the end how many rows a motif passed over because they are no nucleic acid. */
  readonly skipped?: ((rows: number) => void) | undefined;
}

const MATCHES: DataType = {
  kind: "list",
  item: {
    kind: "struct",
    fields: [
      { name: "start", type: { kind: "int32" } },
      { name: "end", type: { kind: "int32" } },
      { name: "strand", type: { kind: "string" } },
    ],
  },
};

/**
 * The rows where a pattern lies, in base order, each with the places as the last column, `matches`: characters from 0, half-open, on the
 * strand stored. A regular expression that tries too many ways on a text takes as long as it takes: it is not stopped.
 *
 * @throws DatasetError `PATTERN_INVALID` with the position; `USAGE` for a motif or strands of another column than `sequence`, or a column that
 * is no text; and what `scan` throws
 */
export async function* search(root: Root, id: string, o: SearchOptions): AsyncGenerator<Batch, void, undefined> {
  const { column = "sequence", iupac = false, bothStrands = false } = o;
  if (column !== "sequence" && (iupac || bothStrands)) {
    throw new DatasetError("USAGE", `motifs and strands are for the column sequence, not for ${column}`, {
      hint: "Search other columns with a regular expression.",
    });
  }
  if (o.pattern === "") {
    throw new DatasetError("PATTERN_INVALID", "the pattern is empty, and nothing lies everywhere", {
      hint: "Say what to look for; all rows show with: usr scan DATASET",
      details: { pattern: "", position: 1 },
    });
  }
  if (iupac && o.caseSensitive === true)
    throw new DatasetError("USAGE", "a motif has no letter case", { hint: "Leave out case sensitivity." });
  const matcher: Matcher = iupac ? motifMatcher(o.pattern) : regexMatcher(o.pattern, o.caseSensitive ?? false);
  const shown = [...new Set(o.columns ?? ["id", column])];
  const read = [...new Set([...shown, column, ...(iupac || bothStrands ? ["bio_type"] : [])])];
  let left = pageOf(o).limit;
  let skipped = 0;
  for await (const batch of scan(root, id, { ...queryOf(o), columns: read })) {
    if (left <= 0) break;
    const at = (name: string): number => read.indexOf(name);
    const { type } = batch.schema.fields[at(column)]!;
    if (type.kind !== "string") {
      throw new DatasetError("USAGE", `the column ${column} is ${formatType(type)}, and only text is searched`, {
        hint: "Describe other values with a filter.",
      });
    }
    const texts = batch.columns[at(column)]!;
    const bioTypes = batch.columns[at("bio_type")];
    const rows: number[] = [];
    const matches: (readonly { readonly [K in keyof Match]: Match[K] }[])[] = [];
    for (let row = 0; row < batch.numRows && rows.length < left; row++) {
      if (!isValid(texts, row)) continue;
      const bioType = bioTypes && valueAt(bioTypes, row);
      const nucleic = bioType === "dna" || bioType === "rna" ? bioType : undefined;
      if (iupac && nucleic === undefined) {
        skipped++;
        continue;
      }
      const found = matcher(String(valueAt(texts, row)), bothStrands ? nucleic : undefined);
      if (found.length === 0) continue;
      rows.push(row);
      matches.push(found.map((match) => ({ ...match })));
    }
    if (rows.length === 0) continue;
    left -= rows.length;
    const chosen = Int32Array.from(rows);
    const schema: Schema = {
      fields: [
        ...shown.map((name) => batch.schema.fields[at(name)]!),
        { name: "matches", type: MATCHES, nullable: false },
      ],
      metadata: new Map(),
    };
    const picked = shown.map((name) => {
      const held = batch.columns[at(name)]!;
      return gatherColumns(held.type, [held], undefined, chosen);
    });
    yield { schema, columns: [...picked, columnOf(MATCHES, matches)], numRows: rows.length };
  }
  o.skipped?.(skipped);
}

/** What of the options a scan understands. The rows that a limit counts are known here alone. */
const queryOf = ({ where, includeDeleted, overlays, registryMode, signal }: SearchOptions): Query => ({
  where,
  includeDeleted,
  overlays,
  registryMode,
  signal,
});
