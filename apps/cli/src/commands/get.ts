import { scan } from "@usr/dataset";
import type { CellOrigin } from "@usr/dataset/inspect";
import type { Outcome, RunCommand } from "../command.ts";
import { queryOf } from "../query.ts";
import { argument, variadic } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const root = await session.root();
  const id = argument(typed, 0);
  const ids = variadic(typed, 1);
  const query = { ...queryOf(session, typed), ids };
  return {
    kind: "records",
    batches: scan(root, id, query),
    notes: async () => {
      const { origins } = await import("@usr/dataset/inspect");
      const cells = await origins(root, id, query);
      return (row, column) => {
        const origin = cells.get(ids[row] ?? "")?.get(column);
        return origin && noteOn(origin);
      };
    },
  };
};

/** `base`, or namespace, time of the part and who wrote it. */
const noteOn = (origin: CellOrigin): string => {
  if (origin.from === "base") return "base";
  const { namespace, created_at, actor, path } = origin;
  const by = actor === null ? `in ${path}` : `by ${actor.tool}, ${actor.run_id}`;
  return `${namespace}, ${created_at} ${by}`;
};
