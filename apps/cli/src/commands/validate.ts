import type { ValidationMode } from "@usr/dataset";
import { validate } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { EXIT } from "../errors.ts";
import { ofDataset } from "../hints.ts";
import { safe } from "../safe.ts";
import { count } from "../text.ts";
import { argument, flag, text } from "../typed.ts";

const MODES: readonly ValidationMode[] = [
  "current",
  "frozen",
  "either",
  "namespace-current",
  "namespace-frozen",
  "namespace-either",
];

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const mode = text(typed, "registryMode");
  const id = argument(typed, 0);
  const found = await validate(await session.root(), id, {
    strict: flag(typed, "strict"),
    mode: MODES.find((known) => known === mode),
    nowUs: session.environment.clock(),
    signal: session.environment.signal,
  });
  const problems = found.problems.map((p) => ({ ...p, hint: p.hint === null ? null : ofDataset(p.hint, id) }));
  const report = { ...found, problems };
  return {
    kind: "document",
    data: report,
    exitCode: report.ok ? EXIT.done : EXIT.data,
    text: () =>
      `${report.problems
        .map(
          (p) =>
            `${p.severity}: ${safe(p.message)} [${p.code}]\n  at ${safe(p.where)}\n${p.hint === null ? "" : `  hint: ${safe(p.hint)}\n`}`,
        )
        .join(
          "",
        )}${report.ok ? "OK" : "Not valid"}: ${count(report.checked.rows, "row")} and ${count(report.checked.parts, "part")} checked, ${count(report.problems.length, "problem")}\n`,
  };
};
