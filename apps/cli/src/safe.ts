/** Control characters, C1, line separators, invisible marks and bidirectional overrides: what could move, hide or reorder what a terminal shows. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Makes text from data safe to show: what could act on a terminal becomes a visible escape. */
export const safe = (text: string): string => text.replaceAll(UNSAFE, escaped);

/** As {@link safe}, for text whose line ends are its own. */
export const safeLines = (text: string): string => text.replaceAll(UNSAFE, (c) => (c === "\n" ? c : escaped(c)));

const escaped = (c: string): string => {
  if (c === "\n") return "\\n";
  if (c === "\t") return "\\t";
  if (c === "\r") return "\\r";
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
};
