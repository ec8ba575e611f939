import { join } from "node:path";
import type { Workspace } from "./support.ts";

/** Every command that takes the id of a dataset, called with one: what must hold of all ids is shown for each. */
export const datasetCommands = async (w: Workspace, id: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const row = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
  const csv = await w.file("one.csv", "sequence\nAACC\n");
  const far = join(w.dir, "remotes.yaml");
  const mock = ["--namespace", "mock"];
  const end = ["--", id];
  return new Map(
    Object.entries({
      init: end,
      import: ["--path", csv, "--bio-type", "dna", "--alphabet", "dna_4", ...end],
      attach: ["--path", csv, ...mock, "--key", "sequence", ...end],
      info: end,
      schema: end,
      head: end,
      scan: end,
      get: [...end, row],
      cell: [...end, row, "id"],
      grep: [...end, "A"],
      cols: end,
      describe: end,
      export: ["--out", join(w.dir, "never.csv"), ...end],
      delete: ["--id", row, ...end],
      restore: ["--id", row, ...end],
      validate: end,
      doctor: end,
      materialize: ["--yes", ...end],
      status: ["--remotes", far, ...end, "far"],
      diff: ["--remotes", far, ...end, "far"],
      pull: ["--remotes", far, ...end, "far"],
      push: ["--remotes", far, ...end, "far"],
      verify: ["--remotes", far, ...end, "far"],
      "state set": ["--id", row, "--masked", ...end],
      "state clear": ["--id", row, ...end],
      "state get": ["--id", row, ...end],
      "snapshot create": end,
      "snapshot list": end,
      "snapshot restore": ["--name", "records-20260921T141320000000.parquet", "--yes", ...end],
      "snapshot pin": ["--name", "records-20260921T141320000000.parquet", ...end],
      "overlay list": end,
      "overlay remove": [...mock, "--delete", "--yes", ...end],
      "maintenance dedupe": ["--key", "id", "--yes", ...end],
      "maintenance merge": [`--src=${id}`, "--dest=demo", "--union-columns", "--yes"],
      "maintenance overlay-compact": [...mock, ...end],
      "maintenance overlay-project": [`--src=${id}`, "--dest=demo", ...mock],
      "maintenance overlay-refresh-metadata": end,
      "maintenance event-log-garden": end,
      "maintenance registry-freeze": end,
      "events tail": end,
    }).map(([command, args]) => [command, [...command.split(" "), ...args]]),
  );
};
