import { scan } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { queryOf } from "../query.ts";
import { argument, integer } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => ({
  kind: "rows",
  batches: scan(await session.root(), argument(typed, 0), {
    ...queryOf(session, typed),
    limit: integer(typed, "limit"),
  }),
});
