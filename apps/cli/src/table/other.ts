import type { CommandSpec } from "../command.ts";
import { dataset } from "./shared.ts";

/** Commands beside the datasets: events, ids, completion. */
export const OTHER: readonly CommandSpec[] = [
  {
    name: "events tail",
    summary: "the last events of a dataset",
    args: [dataset],
    options: [
      { flags: "-n, --lines <count>", description: "how many (all)", integer: true },
      { flags: "--follow", description: "go on with new ones until interrupted" },
    ],
    examples: ["usr events tail demo -n 5", "usr events tail demo --follow --json"],
    data: "events",
    load: () => import("../commands/events-tail.ts"),
  },
  {
    name: "id",
    summary: "the ids of sequences, without any dataset",
    args: [{ name: "sequence", description: "sequences", variadic: true, optional: true }],
    options: [
      { flags: "--bio-type <type>", description: "what they are", required: true, choices: ["dna", "rna", "protein"] },
      { flags: "--from <file>", description: "one sequence a line from a file, - for stdin" },
      {
        flags: "--digest <name>",
        description: "a cross-reference digest beside the id; may be repeated",
        repeat: true,
        choices: ["refget", "md5", "lsseguid", "csseguid", "ldseguid", "cdseguid"],
      },
    ],
    examples: ["usr id ACGT --bio-type dna", "usr id ACGT --bio-type dna --digest refget"],
    data: "`[{sequence, id, length[, digests]}]`",
    load: () => import("../commands/id.ts"),
  },
  {
    name: "complete",
    summary: "the completion script of a shell",
    args: [
      {
        name: "shell",
        description: "bash, zsh or fish; datasets are the ids that the scripts ask for, one a line",
        choices: ["bash", "zsh", "fish", "datasets"],
      },
    ],
    options: [],
    examples: [
      "usr complete bash > ~/.local/share/bash-completion/completions/usr",
      "usr complete zsh > ~/.usr-completion.zsh",
    ],
    data: "the script, as text; of `datasets` the ids",
    load: () => import("../commands/complete.ts"),
  },
  {
    name: "serve-remote",
    summary: "the far end of a remote: what ssh runs there, not to be typed",
    internal: true,
    args: [],
    options: [
      { flags: "--protocol <version>", description: "the protocol that is asked for", required: true },
      { flags: "--marker <text>", description: "what the first line starts with", required: true },
    ],
    examples: ["usr serve-remote --protocol 1 --marker 5f1c"],
    data: "nothing: it answers a remote in its own protocol",
    load: () => import("../commands/serve-remote.ts"),
  },
];
