import type { Batch } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { colouredSequence, dim, hasColour } from "./colour.ts";
import { displayWidth } from "./display-width.ts";
import { safe } from "./safe.ts";
import type { Session } from "./session.ts";
import { cellText } from "./text.ts";

/** Rows as records: a line for each column with its value in full and the note on it; an empty line between records. */
export const showRecords = async (
  session: Session,
  batches: AsyncIterable<Batch>,
  note: (row: number, column: string) => string | undefined,
): Promise<void> => {
  const coloured = hasColour(session);
  let shown = 0;
  for await (const { schema, columns, numRows } of batches) {
    const width = Math.max(...schema.fields.map(({ name }) => displayWidth(safe(name))));
    for (let row = 0; row < numRows; row++) {
      const lines = schema.fields.map(({ name, type }, c) => {
        const value = valueAt(columns[c]!, row);
        const text = cellText(type, value, true);
        const painted = coloured && name === "sequence" ? colouredSequence(text) : text;
        const from = value === null ? undefined : note(shown, name);
        const origin = from === undefined ? "" : `  (${safe(from)})`;
        const label = safe(name) + " ".repeat(width - displayWidth(safe(name)));
        return `${coloured ? dim(label) : label}  ${painted}${coloured && origin !== "" ? dim(origin) : origin}`;
      });
      await session.environment.stdout(`${shown > 0 ? "\n" : ""}${lines.join("\n")}\n`);
      shown++;
    }
  }
};
