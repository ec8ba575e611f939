import { IdError } from "@usr/id";
import { createMotifFinder, reverseComplement } from "@usr/id/strands";
import { DatasetError } from "../error.ts";
import { compilePattern } from "../filter/pattern.ts";

/** Where a pattern lies: characters `[start, end)` from 0, on the strand that is stored, or read on the other one. */
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly strand: "+" | "-";
}

/** The matches in one text, by place; `other` = its other strand is searched, too. */
export type Matcher = (text: string, other: "dna" | "rna" | undefined) => readonly Match[];

/** Every place of a motif, overlapping ones too. Throws `PATTERN_INVALID`. */
export const motifMatcher = (motif: string): Matcher => {
  const encoder = new TextEncoder();
  const [forward, reverse] = bothFinders(motif);
  return (text, other) => {
    const bytes = encoder.encode(text);
    const found: Match[] = [];
    const collect = (find: Finder, strand: "+" | "-"): void => {
      for (let at = find(bytes, 0, bytes.length); at >= 0; at = find(bytes, at + 1, bytes.length))
        found.push({ start: at, end: at + motif.length, strand });
    };
    collect(forward, "+");
    if (other !== undefined) collect(reverse, "-");
    return found.sort(byPlace);
  };
};

type Finder = ReturnType<typeof createMotifFinder>;

const bothFinders = (motif: string): readonly [forward: Finder, reverse: Finder] => {
  try {
    return [createMotifFinder(motif), createMotifFinder(motif, "-")];
  } catch (error) {
    if (!(error instanceof IdError)) throw error;
    throw new DatasetError("PATTERN_INVALID", error.message, {
      hint: error.hint,
      details: { pattern: motif, ...error.details },
    });
  }
};

/** The matches of a regular expression from left to right, none within another; one of no characters counts for nothing. Throws `PATTERN_INVALID`. */
export const regexMatcher = (pattern: string, caseSensitive: boolean): Matcher => {
  const regex = compilePattern(pattern, caseSensitive ? "gu" : "giu");
  if (!(regex instanceof RegExp)) {
    throw new DatasetError(
      "PATTERN_INVALID",
      `${JSON.stringify(pattern)} is no regular expression: ${regex.reason}, from character ${regex.position} on.`,
      {
        hint: "A backslash takes the meaning from the character after it.",
        details: { pattern, position: regex.position },
      },
    );
  }
  const matches = (text: string): readonly { readonly start: number; readonly end: number }[] => {
    const found: { start: number; end: number }[] = [];
    let units = 0;
    let characters = 0;
    const characterAt = (unit: number): number => {
      characters += [...text.slice(units, unit)].length;
      units = unit;
      return characters;
    };
    for (const { 0: matched, index } of text.matchAll(regex))
      if (matched !== "") found.push({ start: characterAt(index), end: characterAt(index + matched.length) });
    return found;
  };
  return (text, other) => {
    const found: Match[] = matches(text).map((match) => ({ ...match, strand: "+" }));
    if (other === undefined) return found;
    for (const { start, end } of matches(reverseComplement(text, other)))
      found.push({ start: text.length - end, end: text.length - start, strand: "-" });
    return found.sort(byPlace);
  };
};

const byPlace = (a: Match, b: Match): number =>
  a.start - b.start || a.end - b.end || (a.strand === b.strand ? 0 : a.strand === "+" ? -1 : 1);
