import { listDatasets } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { align, bytesText } from "../text.ts";

export const run: RunCommand = async (session): Promise<Outcome> => {
  const root = await session.root();
  const data = await listDatasets(root, { signal: session.environment.signal });
  for (const { dataset, problem } of data)
    if (problem !== undefined) session.say(`warning: ${dataset}: ${problem.message} [${problem.code}]`);
  return {
    kind: "document",
    data,
    text: (width) =>
      data.length === 0
        ? `No datasets under ${root.label}\n`
        : align(
            ["dataset", "rows", "deleted", "namespaces", "size", "updated"],
            data.map((d) => [
              d.dataset,
              d.problem === undefined ? String(d.rows) : "broken",
              d.problem === undefined ? String(d.rows_deleted) : "",
              d.namespaces.join(", "),
              bytesText(d.size_bytes),
              d.updated_at ?? "",
            ]),
            [false, true, true, false, true, false],
            width,
          ),
  };
};
