import { datasetSchema } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { align } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const { fields } = await datasetSchema(await session.root(), argument(typed, 0));
  const data = fields.map(({ name, type, nullable, origin }) => ({ column: name, type, origin, nullable }));
  return {
    kind: "document",
    data,
    text: () =>
      align(
        ["column", "type", "origin"],
        data.map(({ column, type, origin }) => [column, type, origin]),
        [false, false, false],
      ),
  };
};
