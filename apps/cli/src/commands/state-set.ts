import type { QcStatus, Split } from "@usr/dataset/records";
import { setState } from "@usr/dataset/records";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { recordOptions, recordOutcome } from "../records.ts";
import { argument, flag, repeated, text } from "../typed.ts";

const QC_STATUSES: readonly QcStatus[] = ["pass", "fail", "warn", "unknown"];
const SPLITS: readonly Split[] = ["train", "val", "test", "holdout"];

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  if (flag(typed, "masked") && flag(typed, "unmasked"))
    throw new UsageError("--masked and --unmasked exclude each other");
  const root = await session.writableRoot();
  const o = {
    ...(await recordOptions(session, typed, root)),
    masked: flag(typed, "masked") ? true : flag(typed, "unmasked") ? false : undefined,
    qcStatus: QC_STATUSES.find((status) => status === text(typed, "qcStatus")),
    split: SPLITS.find((split) => split === text(typed, "split")),
    supersedes: text(typed, "supersedes"),
    lineage: repeated(typed, "lineage"),
  };
  const result = await setState(root, argument(typed, 0), o);
  return recordOutcome(session, typed, result, { did: "Set the state of", would: "set the state of" });
};
