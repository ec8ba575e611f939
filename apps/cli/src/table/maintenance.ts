import type { CommandSpec } from "../command.ts";
import { dataset, dryRun, snapshotName } from "./shared.ts";

/** Commands for rare work on whole datasets. */
export const MAINTENANCE: readonly CommandSpec[] = [
  {
    name: "materialize",
    summary: "fold overlays into the base table",
    args: [dataset],
    options: [
      { flags: "--namespace <name>", description: "only this one; may be repeated", repeat: true },
      { flags: "--keep", description: "keep the folded overlays where they are" },
      { flags: "--drop", description: "delete the folded overlays instead of archiving them" },
      { flags: "--drop-deleted", description: "leave deleted rows out of the new base" },
      dryRun,
    ],
    examples: ["usr materialize demo --namespace mock --yes"],
    load: () => import("../commands/materialize.ts"),
  },
  {
    name: "snapshot create",
    summary: "keep the base table as it is now",
    args: [dataset],
    options: [{ flags: "--name <label>", description: "a word to know it by, part of its name" }, dryRun],
    examples: ["usr snapshot create demo --name before-cleaning"],
    load: () => import("../commands/snapshot-create.ts"),
  },
  {
    name: "snapshot list",
    summary: "the snapshots of the base table, oldest first",
    args: [dataset],
    options: [],
    examples: ["usr snapshot list demo"],
    load: () => import("../commands/snapshot-list.ts"),
  },
  {
    name: "snapshot restore",
    summary: "make a snapshot the base table again",
    args: [dataset],
    options: [snapshotName, dryRun],
    examples: ["usr snapshot restore demo --name records-20260921T141320000000.parquet --yes"],
    load: () => import("../commands/snapshot-restore.ts"),
  },
  {
    name: "snapshot pin",
    summary: "keep a snapshot for ever",
    args: [dataset],
    options: [snapshotName, dryRun],
    examples: ["usr snapshot pin demo --name records-20260921T141320000000.parquet"],
    load: () => import("../commands/snapshot-pin.ts"),
  },
  {
    name: "overlay list",
    summary: "the overlays of a dataset",
    args: [dataset],
    options: [{ flags: "--namespace <name>", description: "only this one" }],
    examples: ["usr overlay list demo"],
    load: () => import("../commands/overlay-list.ts"),
  },
  {
    name: "overlay remove",
    summary: "take the overlay of a namespace out of a dataset",
    args: [dataset],
    options: [
      { flags: "--namespace <name>", description: "the namespace", required: true },
      { flags: "--archive", description: "set it aside under _derived/_archived" },
      { flags: "--delete", description: "delete it for good" },
      dryRun,
    ],
    examples: ["usr overlay remove demo --namespace mock --archive --yes"],
    load: () => import("../commands/overlay-remove.ts"),
  },
  {
    name: "maintenance overlay-compact",
    summary: "make one file of the parts of a namespace",
    args: [dataset],
    options: [
      { flags: "--namespace <name>", description: "the namespace", required: true },
      { flags: "--form <form>", description: "one part, or the single file (parts)", choices: ["parts", "file"] },
      dryRun,
    ],
    examples: ["usr maintenance overlay-compact demo --namespace mock"],
    load: () => import("../commands/overlay-compact.ts"),
  },
  {
    name: "maintenance registry-freeze",
    summary: "make today's registry part of a dataset",
    args: [dataset],
    options: [dryRun],
    examples: ["usr maintenance registry-freeze demo"],
    load: () => import("../commands/registry-freeze.ts"),
  },
];
