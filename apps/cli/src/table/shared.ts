import type { ArgumentSpec, OptionSpec } from "../command.ts";

/* Arguments and options that several commands have. */

export const dataset: ArgumentSpec = { name: "dataset", description: "the dataset's exact id", datasets: true };
export const dryRun: OptionSpec = { flags: "--dry-run", description: "say what would be done and change nothing" };
export const columns: OptionSpec = {
  flags: "--columns <names>",
  description: "these columns, in this order, separated by commas",
  repeat: true,
};
export const deleted: OptionSpec = {
  flags: "--include-deleted",
  description: "deleted rows too, with the columns of usr",
};
export const where: OptionSpec = {
  flags: "--where <filter>",
  description: "the rows that it is true for, such as: length > 20 and not ns__flag",
};
export const noOverlays: OptionSpec = { flags: "--no-overlays", description: "the stored base columns alone" };
export const from: OptionSpec = {
  flags: "--from <format>",
  description: "csv, tsv, jsonl, parquet, arrow, fasta or genbank; else by the file's suffix",
};
export const ids: readonly OptionSpec[] = [
  { flags: "--id <ids>", description: "the rows: ids, separated by commas; may be repeated", repeat: true },
  { flags: "--id-file <file>", description: "ids from a file, one a line, - for stdin" },
];
export const allowMissing: OptionSpec = { flags: "--allow-missing", description: "leave out ids that no row has" };
export const registryMode: OptionSpec = {
  flags: "--registry-mode <mode>",
  description: "whose registry gives overlay columns their meaning",
  choices: ["current", "frozen"],
};

export const snapshotName: OptionSpec = {
  flags: "--name <name>",
  description: "the snapshot's name, as snapshot list shows it",
  required: true,
};
