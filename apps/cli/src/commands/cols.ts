import { DatasetError, datasetSchema } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { readOptionsOf } from "../query.ts";
import { align } from "../text.ts";
import { argument, list } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const { fields } = await datasetSchema(await session.root(), argument(typed, 0), readOptionsOf(session, typed));
  const data = chosen(fields, list(typed, "columns")).map(({ name, type, nullable, origin }) => ({
    column: name,
    type,
    origin,
    nullable,
  }));
  return {
    kind: "document",
    data,
    text: (width) =>
      align(
        ["column", "type", "origin"],
        data.map(({ column, type, origin }) => [column, type, origin]),
        [false, false, false],
        width,
      ),
  };
};

/** The columns asked for, in the order asked for; all where none are. */
const chosen = <F extends { readonly name: string }>(
  fields: readonly F[],
  names: readonly string[] | undefined,
): readonly F[] =>
  names === undefined
    ? fields
    : names.map((name) => {
        const field = fields.find((candidate) => candidate.name === name);
        if (field !== undefined) return field;
        throw new DatasetError("UNKNOWN_COLUMN", `the dataset has no column ${name}`, {
          hint: `Its columns are ${fields.map((candidate) => candidate.name).join(", ")}.`,
          details: { column: name },
        });
      });
