import type { Document, LineCounter } from "yaml";
import { composeNodes, MAX_DEPTH, type Yaml } from "./compose.ts";
import { constructValue, type Loaded } from "./construct.ts";
import type { TextProblem } from "./types.ts";

/** Larger texts are refused: a registry of a thousand namespaces has a tenth of this. */
export const MAX_BYTES = 1_048_576;

/**
 * Reads one YAML document to the values that PyYAML's `safe_load` gives: YAML 1.1 scalars, merge keys, the last of equal keys. An alias
 * gives the very object of its anchor. Refused, beyond what is no YAML: explicit tags, several documents, recursion, and characters
 * that the two versions of YAML read differently.
 */
export async function loadYaml(source: string): Promise<Loaded> {
  const refusal = characterProblem(source);
  if (refusal !== undefined) return { problems: [refusal] };
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  try {
    // every scalar stays text here: its meaning is decided by the rules of YAML 1.1, in plain.ts
    const documents = yaml.parseAllDocuments(source, {
      schema: "failsafe",
      uniqueKeys: false,
      merge: false,
      prettyErrors: false,
      logLevel: "silent",
      lineCounter: lines,
    });
    return read(yaml, documents, source, lines);
  } catch (cause) {
    if (cause instanceof RangeError) return { problems: [TOO_DEEP] };
    throw cause;
  }
}

const TOO_DEEP: TextProblem = { message: `It is nested deeper than ${MAX_DEPTH} levels.` };

/** A byte order mark at the start of a line is a letter of the line to PyYAML, and nothing to the library, as it is to both at the start of the text. */
const characterProblem = (source: string): TextProblem | undefined => {
  if (source.length > MAX_BYTES || new TextEncoder().encode(source).length > MAX_BYTES) {
    return { message: `It is larger than ${MAX_BYTES} bytes.` };
  }
  const at = source.search(
    /[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|\r(?!\n)|(?<=\n)\ufeff/u,
  );
  if (at < 0) return undefined;
  const code = (source.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return {
    message: `The character U+${code} may not stand in it unescaped.`,
    line: source.slice(0, at).split("\n").length,
  };
};

const read = (yaml: Yaml, documents: readonly Document.Parsed[], source: string, lines: LineCounter): Loaded => {
  const errors = documents.flatMap((document) => document.errors);
  // the library ran out of stack
  if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) return { problems: [TOO_DEEP] };
  const problems: TextProblem[] = errors.map(({ message, pos }) => ({
    message: `${message}.`,
    line: lines.linePos(pos[0]).line,
  }));
  if (documents.length > 1) problems.push({ message: "It holds more than one document." });
  if (problems.length > 0) return { problems };
  const composed = composeNodes(yaml, documents[0]?.contents ?? null, source, lines);
  return composed.problems.length > 0 ? composed : constructValue(composed.root);
};
