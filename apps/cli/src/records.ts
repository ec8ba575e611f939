import type { Root } from "@usr/dataset";
import type { RecordOptions, RecordResult } from "@usr/dataset/records";
import type { Outcome, Typed } from "./command.ts";
import { linesOf } from "./input.ts";
import { requireDataset } from "./registry.ts";
import type { Session } from "./session.ts";
import { count } from "./text.ts";
import { argument, flag, repeated, text } from "./typed.ts";

/** The ids of `--id` and `--id-file`, in the order typed. A line of a file is one id. */
export const idsOf = async (session: Session, typed: Typed): Promise<readonly string[]> => [
  ...(repeated(typed, "id") ?? []).flatMap((item) => item.split(",")),
  ...(await linesOf(session, text(typed, "idFile"))),
];

/** What every verb over rows takes. Nothing is read from stdin for a dataset that is not there. */
export const recordOptions = async (session: Session, typed: Typed, root: Root): Promise<RecordOptions> => {
  await requireDataset(root, argument(typed, 0));
  return {
    ids: await idsOf(session, typed),
    where: text(typed, "where"),
    allowMissing: flag(typed, "allowMissing"),
    dryRun: flag(typed, "dryRun"),
  };
};

/** What a verb over rows did, for people as "Deleted" or, in a dry run, "Would delete". */
export const recordOutcome = (
  session: Session,
  typed: Typed,
  result: RecordResult,
  o: { readonly did: string; readonly would: string },
): Outcome => {
  const { ids_missing: missing, ...data } = result;
  if (missing > 0) session.say(`note: ${count(missing, "id")} left out: no row has ${missing === 1 ? "it" : "them"}`);
  const verb = flag(typed, "dryRun") ? `Would ${o.would}` : o.did;
  return { kind: "document", data, text: () => `${verb} ${count(data.rows, "row")} of ${data.dataset}\n` };
};
