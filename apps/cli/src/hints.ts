import type { CodedError } from "./errors.ts";

/** The way out in terms of this program, for errors that come from where no command is known. By class and code, else by code. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ["FormatError CORRUPT", "Check the input, or name its format with --from: it is not guessed."],
  [
    "FormatError TOO_LARGE",
    "If the input is meant to be that large: --memory gives it more room (one cell, line or record an eighth, up to 512 MiB), --max-ratio allows few bytes to stand for many.",
  ],
  [
    "RemoteError TOO_LARGE",
    "If the file is meant to be that large: --memory gives it more room, --max-ratio allows few bytes to stand for many. Nothing was changed.",
  ],
  ["FormatError TYPE_MISMATCH", "Correct the value: it must fit the type or format asked for."],
  ["IdError BAD_SYMBOL", "Check the sequence and its --bio-type."],
  ["IdError EMPTY_SEQUENCE", "Leave out what is empty."],
  ["BAD_SYMBOL", "Correct the sequence, or say the alphabet that has the symbol."],
  ["BAD_TYPE", "Types are string, bool, int8 to uint64, float16 to float64, timestamp[…], list<…>, struct<name:type>."],
  [
    "CORRUPT",
    "See everything that is wrong with: usr validate DATASET. Then put a sound copy of the file in its place.",
  ],
  ["UNKNOWN_ID", "List the ids with: usr scan DATASET --columns id; deleted rows show with --include-deleted."],
  ["TYPE_MISMATCH", "See everything that is wrong with: usr validate DATASET."],
  ["NOT_FOUND", "Check the path."],
  ["USAGE", "Every command has --help."],
]);

/** A hint whose commands can be typed as they stand: they name the dataset that this command line named. */
export const ofDataset = (hint: string, dataset: string | undefined): string =>
  dataset === undefined ? hint : hint.replaceAll(/\bDATASET\b/g, () => dataset);

/** What to do about an error; never nothing. */
export const hintOf = ({ name, code, hint }: CodedError): string =>
  hint ?? HINTS.get(`${name} ${code}`) ?? HINTS.get(code) ?? "See where it comes from with --debug.";
