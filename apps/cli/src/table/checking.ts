import type { CommandSpec } from "../command.ts";
import { dataset, dryRun } from "./shared.ts";

/** Commands that say what is wrong, and mend it. */
export const CHECKING: readonly CommandSpec[] = [
  {
    name: "validate",
    summary: "check everything and report every problem at once",
    args: [dataset],
    options: [
      { flags: "--strict", description: "unregistered materialized columns are errors" },
      {
        flags: "--registry-mode <mode>",
        description: "which registry overlays must agree with (namespace-current)",
        choices: ["current", "frozen", "either", "namespace-current", "namespace-frozen", "namespace-either"],
      },
    ],
    examples: ["usr validate demo --strict"],
    data: "`{ok, problems: [{severity, code, message, where, hint}], checked}`; exit 3 on any error",
    load: () => import("../commands/validate.ts"),
  },
  {
    name: "doctor",
    summary: "find what crashes and copies left, and mend it",
    args: [dataset],
    options: [{ flags: "--repair", description: "mend what can be mended" }, dryRun],
    examples: ["usr doctor demo", "usr doctor demo --repair --yes"],
    data: "`{ok, findings: [{severity, code, message, where, hint, repairable, repaired}]}`; exit 3 while an error is left",
    load: () => import("../commands/doctor.ts"),
  },
];
