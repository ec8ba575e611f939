import { scan } from "@usr/dataset";
import { jsonRow } from "@usr/formats";
import { valueAt } from "@usr/schema/columns";
import type { Outcome, RunCommand } from "../command.ts";
import { queryOf } from "../query.ts";
import { cellText } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const column = argument(typed, 2);
  const query = { ...queryOf(session, typed), columns: [column], ids: [argument(typed, 1)] };
  for await (const batch of scan(await session.root(), argument(typed, 0), query)) {
    const [field] = batch.schema.fields;
    if (field === undefined) break;
    const json: Record<string, unknown> = JSON.parse(jsonRow(batch, 0));
    return {
      kind: "document",
      data: json[column],
      text: () => `${cellText(field.type, valueAt(batch.columns[0]!, 0), true)}\n`,
    };
  }
  return { kind: "document", data: null, text: () => "∅\n" };
};
