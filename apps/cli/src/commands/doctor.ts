import { doctor } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { EXIT } from "../errors.ts";
import { ofDataset } from "../hints.ts";
import { safe } from "../safe.ts";
import { count } from "../text.ts";
import { argument, flag } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const root = await session.writableRoot();
  let report = await doctor(root, id);
  const repairable = report.findings.filter((f) => f.repairable);
  if (flag(typed, "repair") && !flag(typed, "dryRun") && repairable.length > 0) {
    await session.confirm(`Repair ${count(repairable.length, "finding")} of ${id}`);
    report = await doctor(root, id, { repair: true });
  }
  const { ok } = report;
  const findings = report.findings.map((f) => ({ ...f, hint: f.hint === null ? null : ofDataset(f.hint, id) }));
  return {
    kind: "document",
    data: { ...report, findings },
    exitCode: ok ? EXIT.done : EXIT.data,
    text: () =>
      `${findings
        .map(
          (f) =>
            `${f.repaired ? "repaired" : f.severity}: ${safe(f.message)} [${f.code}]\n  at ${safe(f.where)}\n${f.hint === null || f.repaired ? "" : `  hint: ${safe(f.hint)}\n`}`,
        )
        .join("")}${ok ? "OK" : "Not well"}: ${count(findings.length, "finding")}\n`,
  };
};
