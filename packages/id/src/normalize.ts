import { checkBioType, symbolTable } from "./alphabets.ts";
import { IdError } from "./errors.ts";
import { strip } from "./strip.ts";
import { requireText } from "./text.ts";

/**
 * The sequence that is stored and hashed: stripped, case kept. Checks in this order and throws `IdError` `BAD_BIO_TYPE`, `BAD_ALPHABET`
 * (unknown, or of another bio type), `EMPTY_SEQUENCE`, `BAD_SYMBOL` (the first illegal symbol, with its 1-based position after stripping).
 */
export function normalizeSequence(sequence: string, bioType: string, alphabet: string): string {
  checkBioType(bioType);
  const table = symbolTable(alphabet, bioType);
  const text = strip(requireText(sequence));
  if (text === "") {
    throw new IdError(
      "EMPTY_SEQUENCE",
      "The sequence is empty.",
      { bioType, alphabet },
      { hint: "A sequence needs at least one symbol besides white space." },
    );
  }
  for (let i = 0; i < text.length; i++) {
    // Code units beyond the table are `undefined`, which is illegal too. Everything before the first illegal symbol is one unit wide.
    if (table[text.charCodeAt(i)] !== 1) {
      const symbol = String.fromCodePoint(text.codePointAt(i)!);
      throw new IdError(
        "BAD_SYMBOL",
        `Symbol ${JSON.stringify(symbol)} at position ${i + 1} is not in alphabet ${alphabet}.`,
        { symbol, position: i + 1, bioType, alphabet },
      );
    }
  }
  return text;
}
