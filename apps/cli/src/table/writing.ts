import type { CommandSpec } from "../command.ts";
import { dataset, dryRun, from } from "./shared.ts";

/** Commands that make datasets and put data into them. */
export const WRITING: readonly CommandSpec[] = [
  {
    name: "namespace register",
    summary: "register a namespace and the columns it may write",
    args: [{ name: "namespace", description: "small letters, digits and underscores" }],
    options: [
      {
        flags: "--columns <specs>",
        description: "'ns__a:type,ns__b:type'; types such as float64, list<string>, timestamp[us, UTC]",
      },
      { flags: "--owner <text>", description: "who answers for it" },
      { flags: "--description <text>", description: "what it holds" },
      { flags: "--overwrite", description: "change an entry that is registered already" },
      { flags: "--force", description: "even while datasets hold data of the changed columns" },
      dryRun,
    ],
    examples: ["usr namespace register mock --columns 'mock__score:float64,mock__vec:list<float64>'"],
    load: () => import("../commands/namespace-register.ts"),
  },
  {
    name: "namespace add-standard",
    summary: "register usr_label, seq_annot and derived as they come ready-made",
    args: [{ name: "namespace", description: "only these", variadic: true, optional: true }],
    options: [dryRun],
    examples: ["usr namespace add-standard", "usr namespace add-standard seq_annot"],
    load: () => import("../commands/namespace-add-standard.ts"),
  },
  {
    name: "namespace list",
    summary: "list the registered namespaces",
    args: [],
    options: [],
    examples: ["usr namespace list"],
    load: () => import("../commands/namespace-list.ts"),
  },
  {
    name: "namespace show",
    summary: "show one registered namespace",
    args: [{ name: "namespace", description: "its name" }],
    options: [],
    examples: ["usr namespace show mock"],
    load: () => import("../commands/namespace-show.ts"),
  },
  {
    name: "init",
    summary: "create an empty dataset",
    args: [{ name: "dataset", description: "its id: NAME or FOLDER/NAME" }],
    options: [
      { flags: "--source <text>", description: "where its sequences come from" },
      { flags: "--notes <text>", description: "one line for meta.md" },
      dryRun,
    ],
    examples: ["usr init demo --source 'promoter library 7'"],
    load: () => import("../commands/init.ts"),
  },
  {
    name: "import",
    summary: "append sequences to a dataset",
    args: [dataset],
    options: [
      { flags: "--path <file>", description: "the input, - for stdin; also .gz and .zst", required: true },
      from,
      { flags: "--bio-type <type>", description: "for rows without a bio_type", choices: ["dna", "rna", "protein"] },
      {
        flags: "--alphabet <name>",
        description: "for rows without an alphabet",
        choices: ["dna_4", "dna_5", "rna_4", "rna_5", "protein_20", "protein_21"],
      },
      { flags: "--source <text>", description: "the source of every row (else the source column, else the path)" },
      {
        flags: "--on-conflict <how>",
        description: "what to do with sequences that are stored already",
        choices: ["error", "ignore"],
      },
      { flags: "--sequences-only", description: "genbank: leave the annotations out" },
      dryRun,
    ],
    examples: [
      "usr import demo --path designs.csv --bio-type dna --alphabet dna_4",
      "usr import demo --path plasmids.gb --bio-type dna --alphabet dna_4",
      "zcat reads.fa.gz | usr import demo --path - --from fasta --bio-type dna --alphabet dna_5",
    ],
    load: () => import("../commands/import.ts"),
  },
  {
    name: "attach",
    summary: "attach scores, vectors, annotations to the rows their keys name",
    args: [dataset],
    options: [
      { flags: "--path <file>", description: "the input, - for stdin; also .gz and .zst", required: true },
      { flags: "--namespace <name>", description: "the registered namespace", required: true },
      {
        flags: "--key <key>",
        description: "what the key column holds",
        required: true,
        choices: ["id", "sequence", "sequence_norm", "sequence_ci"],
      },
      { flags: "--key-column <name>", description: "the input column with the keys (id, or sequence)" },
      {
        flags: "--columns <names>",
        description: "input columns to attach, ns__ may be left out (all but the key)",
        repeat: true,
      },
      { flags: "--allow-missing", description: "leave out rows whose key no row has" },
      { flags: "--overwrite", description: "attach newer values over existing ones" },
      { flags: "--allow-overwrite", description: "the same", hiddenAlias: true },
      { flags: "--allow-rounding", description: "typed input: let floats lose digits in a narrower column" },
      { flags: "--note <text>", description: "a note for the event log" },
      from,
      dryRun,
    ],
    examples: ["usr attach demo --path scores.csv --namespace mock --key id --columns score"],
    load: () => import("../commands/attach.ts"),
  },
];
