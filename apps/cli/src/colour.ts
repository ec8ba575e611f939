import type { Session } from "./session.ts";

const NUCLEOTIDES = /^[ACGTUN]+…?$/i;
const BASES: ReadonlyMap<string, number> = new Map([
  ["A", 32],
  ["C", 34],
  ["G", 33],
  ["T", 31],
  ["U", 31],
]);

const RESIDUE_TEXT = /^[ACDEFGHIKLMNPQRSTVWYX]+…?$/i;
/** Acidic, basic, polar, aromatic, aliphatic with sulphur, and those that bend or leave room; X is none. */
const CLASSES: readonly (readonly [residues: string, colour: number])[] = [
  ["DE", 31],
  ["KRH", 34],
  ["STNQ", 32],
  ["FWY", 35],
  ["AVILMC", 36],
  ["GP", 33],
];
const RESIDUES: ReadonlyMap<string, number> = new Map(
  CLASSES.flatMap(([residues, colour]) => [...residues].map((residue) => [residue, colour] as const)),
);

/** DNA and RNA with a colour for each base, proteins for each class of residue, soft-masked lower case dimmed; any other text as it is. */
export const colouredSequence = (text: string): string => {
  const colours = NUCLEOTIDES.test(text) ? BASES : RESIDUE_TEXT.test(text) ? RESIDUES : undefined;
  if (colours === undefined) return text;
  let painted = "";
  for (let start = 0; start < text.length; ) {
    const style = styleOf(text[start] ?? "", colours);
    let end = start + 1;
    while (end < text.length && styleOf(text[end] ?? "", colours) === style) end++;
    const run = text.slice(start, end);
    painted += style === "" ? run : `\u001b[${style}m${run}\u001b[0m`;
    start = end;
  }
  return painted;
};

const styleOf = (symbol: string, colours: ReadonlyMap<string, number>): string => {
  const colour = colours.get(symbol.toUpperCase());
  const dimmed = symbol >= "a" && symbol <= "z";
  return [...(dimmed ? [2] : []), ...(colour === undefined ? [] : [colour])].join(";");
};

/** What says less than what it stands beside. */
export const dim = (text: string): string => `\u001b[2m${text}\u001b[0m`;

/** Whether the terminal and whoever sits there want colours. */
export const hasColour = ({ environment, options }: Session): boolean => {
  const { NO_COLOR, TERM } = environment.variables;
  return options.color && (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb";
};
