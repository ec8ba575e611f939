import { RegistryError } from "./error.ts";
import { checkColumnName } from "./rules.ts";
import type { RegistryColumn } from "./types.ts";

/** What stands before the first colon, and behind it. */
const SPEC = /^([^:]*):(.*)$/s;
const OPENING = "<[(";
const CLOSING = ">])";

/**
 * Reads columns as they are typed in a shell: `ns__score:float64,when:timestamp[us, UTC]`. Only commas outside brackets separate; a name
 * without the prefix of the namespace gets it. The types are not read here.
 *
 * @throws RegistryError `COLUMN_INVALID` for an item that is not `name:type`
 */
export function parseColumnSpecs(namespace: string, text: string): readonly RegistryColumn[] {
  return topLevelParts(text).map((item, at) => {
    const [given = "", type = ""] =
      SPEC.exec(item)
        ?.slice(1)
        .map((side) => side.trim()) ?? [];
    if (given === "" || type === "") {
      throw new RegistryError("COLUMN_INVALID", `Column ${at + 1} of ${JSON.stringify(text)} is not name:type.`, {
        hint: `Write for example ${namespace}__score:float64.`,
        details: { namespace, item, position: at + 1 },
      });
    }
    const name = given.includes("__") ? given : `${namespace}__${given}`;
    checkColumnName(namespace, name);
    return { name, type };
  });
}

const topLevelParts = (text: string): readonly string[] => {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: char, index } of text.matchAll(/[<[()\]>,]/g)) {
    if (OPENING.includes(char)) depth += 1;
    else if (CLOSING.includes(char)) depth -= 1;
    else if (depth <= 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
};
