import type { MaterializeResult } from "@usr/dataset/write";
import { materialize } from "@usr/dataset/write";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { orphansText } from "../orphans.ts";
import { count } from "../text.ts";
import { argument, flag, list } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  if (flag(typed, "keep") && flag(typed, "drop")) throw new UsageError("--keep and --drop exclude each other");
  if (flag(typed, "pruneOverlays") && !flag(typed, "dropDeleted"))
    throw new UsageError("--prune-overlays goes with --drop-deleted", { hint: "Type both, or leave it out." });
  const id = argument(typed, 0);
  const root = await session.writableRoot();
  const o = {
    namespaces: list(typed, "namespace"),
    overlays: flag(typed, "keep") ? "keep" : flag(typed, "drop") ? "drop" : "archive",
    dropDeleted: flag(typed, "dropDeleted"),
    pruneOverlays: flag(typed, "pruneOverlays"),
  } as const;
  const isDryRun = flag(typed, "dryRun");
  // Who has said yes is asked nothing, and the dataset is opened once.
  if (isDryRun || !session.options.yes) {
    const plan = await materialize(root, id, { ...o, dryRun: true });
    if (isDryRun || isNothing(plan)) {
      const planned = (): string => `Dry run. ${summary(plan, "Would fold", o.pruneOverlays)}`;
      return { kind: "document", data: plan, text: () => (isNothing(plan) ? NOTHING : planned()) };
    }
    await session.confirm(summary(plan, "Fold", o.pruneOverlays).trimEnd());
  }
  const data = await materialize(root, id, o);
  return {
    kind: "document",
    data,
    text: () => (isNothing(data) ? NOTHING : summary(data, "Folded", o.pruneOverlays)),
  };
};

const NOTHING = "Nothing to fold.\n";

const isNothing = (result: MaterializeResult): boolean => result.namespaces.length === 0 && result.rows_dropped === 0;

const summary = (result: MaterializeResult, verb: string, prune: boolean): string =>
  `${verb} ${count(result.columns.length, "column")} of ${result.namespaces.join(", ") || "no overlay"} into ${count(result.rows, "row")} of ${result.dataset}; overlays ${result.overlays}${result.rows_dropped > 0 ? `; ${count(result.rows_dropped, "deleted row")} left out` : ""}${orphansText(result.orphans ?? [], prune)}\n`;
