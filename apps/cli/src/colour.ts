import type { Session } from "./session.ts";

const NUCLEOTIDES = /^[ACGTUN]+…?$/i;
const COLOURS: ReadonlyMap<string, number> = new Map([
  ["A", 32],
  ["C", 34],
  ["G", 33],
  ["T", 31],
  ["U", 31],
]);

/** DNA and RNA with a colour for each base, soft-masked lower case dimmed; any other text as it is. */
export const colouredSequence = (text: string): string =>
  NUCLEOTIDES.test(text) ? text.replaceAll(/A+|C+|G+|[TU]+|N+|a+|c+|g+|[tu]+|n+/g, coloured) : text;

const coloured = (run: string): string => {
  const base = run[0] ?? "";
  const colour = COLOURS.get(base.toUpperCase());
  const codes = [...(base >= "a" ? [2] : []), ...(colour === undefined ? [] : [colour])];
  return codes.length === 0 ? run : `\u001b[${codes.join(";")}m${run}\u001b[0m`;
};

/** What says less than what it stands beside. */
export const dim = (text: string): string => `\u001b[2m${text}\u001b[0m`;

/** Whether the terminal and whoever sits there want colours. */
export const hasColour = ({ environment, options }: Session): boolean => {
  const { NO_COLOR, TERM } = environment.variables;
  return options.color && (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb";
};
