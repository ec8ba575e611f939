import { emitYaml } from "./emit.ts";
import type { YamlValue } from "./types.ts";
import { yamlMapping } from "./values.ts";

/**
 * The value of a text that `emitYaml` wrote of mappings, lists of mappings, texts in one line without quotes, and null: what nearly every
 * `registry.yaml` is. `undefined` for any other text, which may be YAML all the same. The reading is rough, and then held against the writing:
 * a value that is written as this very text is the one that a reader of YAML finds in it.
 */
export const readCanonical = (text: string): YamlValue | undefined => {
  const lines = text.split("\n");
  if (lines.length > LONGEST || lines.pop() !== "") return undefined;
  let value: YamlValue;
  try {
    value = mappingAt({ lines, at: 0 }, "");
  } catch (cause) {
    if (cause instanceof NotCanonical) return undefined;
    throw cause;
  }
  return emitYaml(value) === text ? value : undefined;
};

/** Longer texts are not tried. */
const LONGEST = 20_000;
const DEEPEST = 8;

class NotCanonical extends Error {}

interface Reader {
  /** A dash that starts an item of a list is read as the blank it stands for. */
  readonly lines: string[];
  at: number;
}

const ENTRY = /^([A-Za-z_]\w*):(?: (\S.*))?$/;

/** The entries whose keys stand behind `indent`. */
const mappingAt = (reader: Reader, indent: string): YamlValue => {
  if (indent.length > 2 * DEEPEST) throw new NotCanonical();
  const entries: [YamlValue, YamlValue][] = [];
  for (; reader.at < reader.lines.length; ) {
    const line = reader.lines[reader.at]!;
    if (!line.startsWith(indent) || line.startsWith(`${indent}- `)) break;
    const entry = ENTRY.exec(line.slice(indent.length));
    if (entry === null) throw new NotCanonical();
    const [, key = "", scalar] = entry;
    reader.at++;
    entries.push([key, scalar === undefined ? below(reader, indent) : scalar === "null" ? null : scalar]);
  }
  return yamlMapping(entries);
};

/** What stands below a key: a list behind the same indent, or a mapping behind a deeper one. */
const below = (reader: Reader, indent: string): YamlValue => {
  const dash = `${indent}- `;
  if (reader.lines[reader.at]?.startsWith(dash) !== true) return mappingAt(reader, `${indent}  `);
  const items: YamlValue[] = [];
  for (let line = reader.lines[reader.at]; line?.startsWith(dash); line = reader.lines[reader.at]) {
    reader.lines[reader.at] = `${indent}  ${line.slice(dash.length)}`;
    items.push(mappingAt(reader, `${indent}  `));
  }
  return items;
};
