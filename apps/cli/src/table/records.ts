import type { CommandSpec } from "../command.ts";
import { allowMissing, dataset, dryRun, ids, where } from "./shared.ts";

/** Commands over single rows: deletion and state. */
export const RECORDS: readonly CommandSpec[] = [
  {
    name: "delete",
    summary: "hide rows from every read that does not ask for them",
    args: [dataset],
    options: [
      ...ids,
      where,
      { flags: "--reason <text>", description: "why, kept with the rows" },
      allowMissing,
      dryRun,
    ],
    examples: [
      "usr delete demo --id ee93db6725ec05c3d18249d7fdba5d36a6a695cd --reason 'wrong plate'",
      "usr delete demo --id-file bad.txt",
      "usr delete demo --where 'length < 20' --dry-run",
    ],
    data: "`{dataset, rows}`",
    load: () => import("../commands/delete.ts"),
  },
  {
    name: "restore",
    summary: "bring deleted rows back",
    args: [dataset],
    options: [...ids, where, { flags: "--reason <text>", description: "why, for the event log" }, allowMissing, dryRun],
    examples: ["usr restore demo --id ee93db6725ec05c3d18249d7fdba5d36a6a695cd"],
    data: "`{dataset, rows}`",
    load: () => import("../commands/restore.ts"),
  },
  {
    name: "state set",
    summary: "set mask, QC status, split, predecessor or lineage of rows",
    args: [dataset],
    options: [
      ...ids,
      where,
      { flags: "--masked", description: "to be passed over by whoever uses the rows" },
      { flags: "--unmasked", description: "not masked" },
      {
        flags: "--qc-status <status>",
        description: "what a check said",
        choices: ["pass", "fail", "warn", "unknown"],
      },
      {
        flags: "--split <name>",
        description: "which part of an experiment",
        choices: ["train", "val", "test", "holdout"],
      },
      { flags: "--supersedes <text>", description: "what the rows replace" },
      { flags: "--lineage <text>", description: "where they come from; may be repeated, commas stay", repeat: true },
      allowMissing,
      dryRun,
    ],
    examples: ["usr state set demo --id-file checked.txt --qc-status pass --split train"],
    data: "`{dataset, rows}`",
    load: () => import("../commands/state-set.ts"),
  },
  {
    name: "state clear",
    summary: "take back everything that state set said about rows",
    args: [dataset],
    options: [...ids, where, allowMissing, dryRun],
    examples: ["usr state clear demo --id ee93db6725ec05c3d18249d7fdba5d36a6a695cd"],
    data: "`{dataset, rows}`",
    load: () => import("../commands/state-clear.ts"),
  },
  {
    name: "state get",
    summary: "the state of rows, in the order asked",
    args: [dataset],
    options: [...ids, where, { flags: "--allow-missing", description: "ids that no row has get an empty state" }],
    examples: ["usr state get demo --id ee93db6725ec05c3d18249d7fdba5d36a6a695cd --json"],
    data: "rows, in the order asked",
    load: () => import("../commands/state-get.ts"),
  },
];
