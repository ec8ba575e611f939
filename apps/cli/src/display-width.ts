const PLAIN = /^[\u0020-\u007e]*$/;
/** What terminals draw two cells wide: East Asian wide and fullwidth forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f1e6}-\u{1f1ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** Marks that stand on the symbol before them. */
const MARKS = /^\p{M}+$/u;

const graphemes = (text: string): Iterable<string> =>
  Array.from(new Intl.Segmenter("en").segment(text), ({ segment }) => segment);

const widthOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : MARKS.test(grapheme) ? 0 : 1);

/** How many cells of a terminal a text takes. */
export const displayWidth = (text: string): number => {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += widthOf(grapheme);
  return width;
};

/** The text in at most `width` cells; what is cut ends in `…`. */
export const shorten = (text: string, width: number): string => {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let room = width - 1;
  for (const grapheme of PLAIN.test(text) ? text.slice(0, width) : graphemes(text)) {
    room -= widthOf(grapheme);
    if (room < 0) break;
    kept += grapheme;
  }
  return `${kept}…`;
};
