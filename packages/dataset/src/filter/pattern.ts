/** A regular expression that is none. */
export interface BadPattern {
  /** In characters from 1: where what is wrong begins, as far as it can be told. */
  readonly position: number;
  /** What is wrong, without a full stop. */
  readonly reason: string;
}

/**
 * Compiles a regular expression (ECMAScript, with Unicode). It says where a wrong one goes wrong: behind the longest part of it that would do.
 * One of more than 10,000 characters or 100 levels of groups is refused: to compile it could end the process. What others take to run is not bounded.
 */
export const compilePattern = (source: string, flags: string): RegExp | BadPattern => {
  const all = [...source];
  if (all.length > LONGEST) return { position: LONGEST + 1, reason: `it has more than ${LONGEST} characters` };
  const deep = tooDeep(all);
  if (deep !== undefined) return { position: deep, reason: `it is nested more than ${DEEPEST} levels deep` };
  const whole = attempt(source, flags);
  if (whole instanceof RegExp) return whole;
  const characters = all.slice(0, LONGEST_EXPLAINED);
  for (let length = characters.length; length > 0; length--) {
    if (attempt(characters.slice(0, length).join(""), flags) instanceof RegExp)
      return { position: length + 1, reason: whole };
  }
  return { position: 1, reason: whole };
};

const LONGEST = 10_000;
const DEEPEST = 100;

/** Where, in characters from 1, a group begins that lies in too many others. */
const tooDeep = (characters: readonly string[]): number | undefined => {
  let depth = 0;
  let inClass = false;
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    if (character === "\\") i++;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (inClass) continue;
    else if (character === ")") depth--;
    else if (character === "(" && ++depth > DEEPEST) return i + 1;
  }
  return undefined;
};

/** Looking for the place takes time with the square of the length. */
const LONGEST_EXPLAINED = 2000;

const attempt = (source: string, flags: string): RegExp | string => {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const reason = text.slice(text.lastIndexOf(": ") + 2);
    return reason.slice(0, 1).toLowerCase() + reason.slice(1);
  }
};
