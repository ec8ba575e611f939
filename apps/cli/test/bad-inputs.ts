export const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
export const TTTT = "b5bd5288bb58e4bb3439318d87c4e0b8506c6cfd";

export interface BadInput {
  readonly name: string;
  readonly args: readonly string[];
  /** stdin, for `--path -`. */
  readonly input?: string | Uint8Array;
  readonly code: string;
  readonly exit: number;
  /** What the error must say about the place: fields of `details`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What the message must contain. */
  readonly says?: RegExp;
}

const imports = (input: string | Uint8Array, code: string, o: Partial<BadInput> = {}): BadInput => ({
  name: "",
  args: ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"],
  input,
  code,
  exit: 3,
  ...o,
});

const attaches = (
  input: string | Uint8Array,
  code: string,
  o: Partial<BadInput> & { readonly extra?: readonly string[] } = {},
): BadInput => ({
  name: "",
  args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", ...(o.extra ?? [])],
  input,
  code,
  exit: 3,
  ...o,
});

export const BAD_INPUTS: readonly BadInput[] = [
  // Import: reference 11.2.2
  {
    ...imports("seq\nACGT\n", "MISSING_COLUMN", { details: { column: "sequence" } }),
    name: "import: no column sequence",
  },
  { ...imports("sequence;x\nACGT;1\n", "MISSING_COLUMN"), name: "import: semicolons for commas" },
  { ...imports("", "CORRUPT"), name: "import: an empty file" },
  {
    ...imports("sequence,x\nAA,1\n,2\n", "EMPTY_SEQUENCE", { details: { row: 2, column: "sequence" } }),
    name: "import: a missing sequence",
  },
  { ...imports('sequence\nAA\n"  "\n', "EMPTY_SEQUENCE", { details: { row: 2 } }), name: "import: a blank sequence" },
  {
    ...imports("sequence\nAACC\nAANC\n", "BAD_SYMBOL", { details: { row: 2, symbol: "N", position: 3 } }),
    name: "import: an illegal symbol",
  },
  {
    ...imports("sequence\nAA CC\n", "BAD_SYMBOL", { details: { row: 1, position: 3 } }),
    name: "import: white space inside",
  },
  {
    ...imports("sequence,bio_type\nAA,dna\nAA,xna\n", "BAD_BIO_TYPE", { details: { row: 2 } }),
    name: "import: an unknown bio type",
  },
  {
    ...imports("sequence,alphabet\nAA,rna_4\n", "BAD_ALPHABET", { details: { row: 1 } }),
    name: "import: an alphabet of another bio type",
  },
  {
    ...imports("sequence\nAA\n", "MISSING_COLUMN", { details: { row: 1, column: "bio_type" } }),
    args: ["import", "demo", "--path", "-", "--from", "csv", "--alphabet", "dna_4"],
    name: "import: no bio type anywhere",
  },
  {
    ...imports(`id,sequence\n${ACGT},AACC\n`, "ID_MISMATCH", { details: { row: 1, column: "id", value: ACGT } }),
    name: "import: an id that disagrees",
  },
  {
    ...imports("sequence,length\nAACC,5\n", "LENGTH_MISMATCH", { details: { row: 1, column: "length" } }),
    name: "import: a length that disagrees",
  },
  {
    ...imports("sequence,length\nAACC,x\n", "TYPE_MISMATCH", { details: { row: 1, column: "length" } }),
    name: "import: a length that is no number",
  },
  {
    ...imports("sequence,created_at\nAACC,yesterday\n", "TYPE_MISMATCH", { details: { row: 1, column: "created_at" } }),
    name: "import: a time that is none",
  },
  {
    ...imports("sequence,created_at\nAACC,2026-01-01T00:00:00\n", "TYPE_MISMATCH", { details: { row: 1 } }),
    name: "import: a naive time",
  },
  {
    ...imports("sequence,created_at\nAACC,1700000000\n", "TYPE_MISMATCH", { details: { row: 1 } }),
    name: "import: an epoch number as time",
  },
  {
    ...imports("sequence,created_at\nAACC,2026-01-01T00:00:00.1234567Z\n", "TYPE_MISMATCH", { details: { row: 1 } }),
    name: "import: a time finer than microseconds",
  },
  {
    ...imports("sequence\nAACC\nAAGG\nAACC\n", "DUPLICATE_ID", { details: { count: 1 }, says: /1,3/ }),
    name: "import: the same row twice",
  },
  {
    ...imports("sequence\nAACC\nACGT\n", "DUPLICATE_ID", { details: { count: 1 }, says: /stored already/ }),
    name: "import: a stored sequence",
  },
  { ...imports("sequence,x\nAACC\n", "CORRUPT", { details: { line: 2 } }), name: "import: a short row" },
  { ...imports("sequence\nAACC,1\n", "CORRUPT", { details: { line: 2 } }), name: "import: a long row" },
  { ...imports("sequence,sequence\nAACC,AA\n", "CORRUPT"), name: "import: a header twice" },
  { ...imports('sequence\n"AACC\n', "CORRUPT"), name: "import: a lone quote" },
  {
    ...imports(new Uint8Array([...new TextEncoder().encode("sequence\n"), 0xff, 0xfe, 0x0a]), "CORRUPT"),
    name: "import: invalid UTF-8",
  },
  {
    ...imports('{"sequence":"AACC"\n', "CORRUPT"),
    args: ["import", "demo", "--path", "-", "--from", "jsonl", "--bio-type", "dna", "--alphabet", "dna_4"],
    name: "import: malformed jsonl",
  },
  {
    ...imports('[{"sequence":"AACC"}]\n', "CORRUPT"),
    args: ["import", "demo", "--path", "-", "--from", "jsonl", "--bio-type", "dna", "--alphabet", "dna_4"],
    name: "import: a json array",
  },
  {
    ...imports("PAR1 nonsense PAR1", "CORRUPT"),
    args: ["import", "demo", "--path", "-", "--from", "parquet", "--bio-type", "dna", "--alphabet", "dna_4"],
    name: "import: nonsense as parquet",
  },
  {
    ...imports("ACGT\n", "CORRUPT"),
    args: ["import", "demo", "--path", "-", "--from", "fasta", "--bio-type", "dna", "--alphabet", "dna_4"],
    name: "import: fasta without a header",
  },
  {
    name: "import: a dataset that is not there",
    args: ["import", "dmeo", "--path", "-", "--from", "csv"],
    input: "sequence\nA\n",
    code: "DATASET_NOT_FOUND",
    exit: 4,
    says: /dmeo/,
  },
  {
    name: "import: a file that is not there",
    args: ["import", "demo", "--path", "/nowhere/x.csv"],
    code: "NOT_FOUND",
    exit: 4,
  },
  { name: "import: no known suffix", args: ["import", "demo", "--path", "x.dat"], code: "USAGE", exit: 2 },
  {
    name: "import: stdin without a format",
    args: ["import", "demo", "--path", "-"],
    input: "",
    code: "USAGE",
    exit: 2,
  },
  {
    name: "import: an unknown format",
    args: ["import", "demo", "--path", "-", "--from", "CSV"],
    input: "",
    code: "USAGE",
    exit: 2,
  },
  { name: "import: without --path", args: ["import", "demo"], code: "USAGE", exit: 2 },

  // Attach: reference-overlay 12
  { ...attaches("id,score\n,1\n", "MISSING_KEY", { details: { count: 1 } }), name: "attach: a missing key" },
  {
    ...attaches(`id,score\n${ACGT},1\n ${ACGT} ,2\n`, "DUPLICATE_KEY", { details: { count: 1 } }),
    name: "attach: a key twice after stripping",
  },
  { ...attaches("id,score\nnobody,1\n", "UNKNOWN_KEY", { details: { count: 1 } }), name: "attach: an unknown key" },
  {
    ...attaches(`name,score\n${ACGT},1\n`, "MISSING_COLUMN", { details: { column: "id" } }),
    name: "attach: no key column",
  },
  {
    ...attaches(`id,score\n${ACGT},high\n`, "TYPE_MISMATCH", { details: { row: 1, column: "score", value: "high" } }),
    name: "attach: a word for a float",
  },
  {
    ...attaches(`id,n\n${ACGT},1.0\n`, "TYPE_MISMATCH", { details: { row: 1, column: "n" } }),
    name: "attach: a fraction for an int64",
  },
  {
    ...attaches(`id,n\n${ACGT},9223372036854775808\n`, "TYPE_MISMATCH", { details: { row: 1 } }),
    name: "attach: an int64 too large",
  },
  { ...attaches(`id,on\n${ACGT},yes\n`, "TYPE_MISMATCH"), name: "attach: yes for a boolean" },
  {
    ...attaches(`id,at\n${ACGT},2026-01-01T00:00:00\n`, "TYPE_MISMATCH"),
    name: "attach: a naive time for a zoned column",
  },
  { ...attaches(`id,vec\n${ACGT},"[1, 2"\n`, "TYPE_MISMATCH"), name: "attach: broken JSON for a list" },
  { ...attaches(`id,vec\n${ACGT},"['a']"\n`, "TYPE_MISMATCH"), name: "attach: a Python list for a list" },
  { ...attaches(`id,st\n${ACGT},"{""a"":1,""c"":2}"\n`, "TYPE_MISMATCH"), name: "attach: an unknown struct field" },
  { ...attaches(`id,other\n${ACGT},1\n`, "COLUMN_NOT_REGISTERED"), name: "attach: an unregistered column" },
  { ...attaches(`id,score,mock__score\n${ACGT},1,2\n`, "DUPLICATE_COLUMN"), name: "attach: a column under both names" },
  { ...attaches(`id\n${ACGT}\n`, "MISSING_COLUMN"), name: "attach: nothing beside the key" },
  {
    ...attaches(`id,score\n${ACGT},1\n`, "MISSING_COLUMN", { extra: ["--columns", "n"] }),
    name: "attach: a chosen column that is not there",
  },
  {
    name: "attach: a reserved namespace",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "usr_state", "--key", "id"],
    input: "id,x\n",
    code: "NAMESPACE_RESERVED",
    exit: 3,
  },
  {
    name: "attach: the tombstones' namespace",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "usr", "--key", "id"],
    input: "id,x\n",
    code: "NAMESPACE_RESERVED",
    exit: 3,
  },
  {
    name: "attach: an unregistered namespace",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "nope", "--key", "id"],
    input: "id,x\n",
    code: "NAMESPACE_NOT_REGISTERED",
    exit: 4,
  },
  {
    name: "attach: a namespace with a slash",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "../records", "--key", "id"],
    input: "id,x\n",
    code: "NAMESPACE_INVALID",
    exit: 3,
  },
  {
    name: "attach: an unknown key kind",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "name"],
    input: "",
    code: "USAGE",
    exit: 2,
  },
  {
    name: "attach: sequence_ci where case decides",
    args: ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "sequence_ci"],
    input: "sequence,score\nACGT,1\n",
    code: "AMBIGUOUS_BASE_KEY",
    exit: 3,
  },

  // Registry: reference-overlay 3.7
  {
    name: "register: no columns",
    args: ["namespace", "register", "x", "--columns", ""],
    code: "COLUMN_INVALID",
    exit: 3,
  },
  {
    name: "register: a bad type",
    args: ["namespace", "register", "x", "--columns", "x__a:floaty"],
    code: "BAD_TYPE",
    exit: 3,
  },
  {
    name: "register: seconds",
    args: ["namespace", "register", "x", "--columns", "x__a:timestamp[s]"],
    code: "BAD_TYPE",
    exit: 3,
  },
  {
    name: "register: a struct with a trailing comma",
    args: ["namespace", "register", "x", "--columns", "x__a:struct<a:int64,>"],
    code: "BAD_TYPE",
    exit: 3,
  },
  {
    name: "register: an upper case name",
    args: ["namespace", "register", "Bad", "--columns", "Bad__a:int8"],
    code: "NAMESPACE_INVALID",
    exit: 3,
  },
  {
    name: "register: usr",
    args: ["namespace", "register", "usr", "--columns", "usr__a:int8"],
    code: "NAMESPACE_RESERVED",
    exit: 3,
  },
  {
    name: "register: usr_state",
    args: ["namespace", "register", "usr_state", "--columns", "usr_state__a:int8", "--overwrite"],
    code: "NAMESPACE_RESERVED",
    exit: 3,
  },
  {
    name: "register: an ambiguous name",
    args: ["namespace", "register", "mock__x", "--columns", "mock__x__a:int8"],
    code: "NAMESPACE_INVALID",
    exit: 3,
  },
  {
    name: "register: another type without --overwrite",
    args: ["namespace", "register", "mock", "--columns", "mock__score:int8"],
    code: "NAMESPACE_EXISTS",
    exit: 5,
  },
  {
    name: "show: an unknown namespace",
    args: ["namespace", "show", "nope"],
    code: "NAMESPACE_NOT_REGISTERED",
    exit: 4,
  },

  // Ids, reads, usage
  { name: "init: a dataset twice", args: ["init", "demo"], code: "DATASET_EXISTS", exit: 5 },
  { name: "init: inside a dataset", args: ["init", "demo/x"], code: "DATASET_EXISTS", exit: 5 },
  ...[
    "..",
    "../x",
    "/x",
    "a/b/c",
    "archived/x",
    "_x",
    ".x",
    "a b",
    "x\n",
    "",
    "a/",
    "-x",
    "a\\b",
    "C:/x",
    "~/z",
    "a//b",
    "./x",
  ].map(
    (id): BadInput => ({
      name: `init: the id ${JSON.stringify(id)}`,
      args: ["init", "--", id],
      code: "DATASET_ID_INVALID",
      exit: 3,
    }),
  ),
  {
    name: "head: an unknown column",
    args: ["head", "demo", "--columns", "id,sequnce"],
    code: "UNKNOWN_COLUMN",
    exit: 4,
    says: /sequnce/,
  },
  { name: "head: not a number", args: ["head", "demo", "-n", "-3"], code: "USAGE", exit: 2 },
  { name: "get: an unknown id", args: ["get", "demo", "nobody"], code: "UNKNOWN_ID", exit: 4 },
  { name: "cell: an unknown column", args: ["cell", "demo", ACGT, "nope"], code: "UNKNOWN_COLUMN", exit: 4 },
  { name: "info: an unknown dataset", args: ["info", "nope"], code: "DATASET_NOT_FOUND", exit: 4 },
  { name: "an unknown command", args: ["hed", "demo"], code: "USAGE", exit: 2 },
  { name: "an unknown option", args: ["head", "demo", "--colums", "id"], code: "USAGE", exit: 2 },
  { name: "too many arguments", args: ["info", "demo", "x"], code: "USAGE", exit: 2 },
  { name: "export: an unknown suffix", args: ["export", "demo", "--out", "x.dat"], code: "USAGE", exit: 2 },
  {
    name: "export: a header for csv",
    args: ["export", "demo", "--out", "x.csv", "--header", "{id}"],
    code: "USAGE",
    exit: 2,
  },
  {
    name: "materialize: an overlay that is not there",
    args: ["materialize", "demo", "--namespace", "nope", "--yes"],
    code: "NAMESPACE_NOT_FOUND",
    exit: 4,
  },
  {
    name: "materialize: state",
    args: ["materialize", "demo", "--namespace", "usr_state", "--yes"],
    code: "NAMESPACE_RESERVED",
    exit: 3,
  },
  { name: "materialize: --keep and --drop", args: ["materialize", "demo", "--keep", "--drop"], code: "USAGE", exit: 2 },
  { name: "id: an illegal symbol", args: ["id", "AXGT", "--bio-type", "dna"], code: "BAD_SYMBOL", exit: 3 },
  {
    name: "id: an illegal symbol in one of many",
    args: ["id", "ACGT", "--from", "-", "--bio-type", "dna"],
    input: "AACC\nACRT\n",
    code: "BAD_SYMBOL",
    exit: 3,
    details: { row: 3, symbol: "R", position: 3 },
  },
  { name: "id: nothing", args: ["id", "--bio-type", "dna"], code: "USAGE", exit: 2 },
  { name: "lock timeout that is no number", args: ["ls", "--lock-timeout", "soon"], code: "USAGE", exit: 2 },
  { name: "a ratio that is none", args: ["ls", "--max-ratio", "0"], code: "USAGE", exit: 2, says: /--max-ratio/ },
  { name: "memory that is no size", args: ["ls", "--memory", "much"], code: "USAGE", exit: 2 },
];
