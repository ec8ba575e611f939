const CODES: Readonly<Record<string, string>> = { EMFILE: "TOO_MANY_FILES" };

let kept: string | undefined;

/** Read as the module loads. */
export const codeOf = (name: string): string | undefined => CODES[name];

/** Made by the first who asks. */
export const greeting = (): string => {
  kept ??= "good day";
  return kept;
};
