import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sequenceId } from "@usr/id";
import { describe, expect, test } from "vitest";
import {
  at,
  attach,
  attachArgs,
  column,
  demo,
  done,
  errorsFound,
  goldenWorkspace,
  IDS,
  importArgs,
  paths,
  refused,
  SEQUENCES,
  shown,
} from "./laws-support.ts";
import { openWorkspace, type Workspace } from "./support.ts";

// What the Python program gets wrong about values and rows, each as the law it breaks. The numbers are those of the published list of its
// weaknesses; a test in packages/testkit holds that none is forgotten.

const [A, T, G, a, C] = IDS;

test("core W-01: a change of state or tombstones loses nothing that it does not name", async () => {
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", G, "--reason", "first"]);
  await done(w, ["delete", "demo", "--id", C]);
  await done(w, ["state", "set", "demo", "--id", `${A},${T}`, "--masked", "--qc-status", "pass", "--lineage", "p1"]);
  await done(w, ["state", "set", "demo", "--id", `${a},${T}`, "--split", "train"]);
  await done(w, ["state", "clear", "demo", "--id", A]);
  await done(w, ["restore", "demo", "--id", C]);
  expect(await shown(w)).toEqual(["ACGT", "TTTT", "acgt", "CCGG"]);
  const deleted = (await done(w, ["get", "demo", G, "--include-deleted", "--columns", "usr__deleted_reason"])).rows;
  expect(deleted).toEqual([{ usr__deleted_reason: "first" }]);
  const states = (await done(w, ["state", "get", "demo", "--id", [A, T, a, C].join()])).rows;
  expect(states.map(({ id, ...cells }) => Object.values(cells))).toEqual([
    [false, null, null, null, null],
    [true, "pass", "train", null, ["p1"]],
    [false, null, "train", null, null],
    [false, null, null, null, null],
  ]);
});

test("core W-02: rows can be added after a materialize; folded columns are NULL in them, and no temporary is left", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1.5\n`);
  await done(w, ["materialize", "demo", "--yes"]);
  await done(w, importArgs(), "sequence\nTGCA\n");
  expect(await shown(w)).toEqual([...SEQUENCES, "TGCA"]);
  expect(await column(w, "mock__score")).toEqual([1.5, null, null, null, null, null]);
  expect(await paths(w, /tmp|staging/)).toEqual([]);
  expect(await errorsFound(w, "--strict")).toEqual([]);
});

/** `donor` beside demo, of these dna_4 sequences. */
const donor = async (w: Workspace, ...sequences: readonly string[]): Promise<void> => {
  await done(w, ["init", "donor"]);
  await done(w, importArgs("donor"), `sequence\n${sequences.join("\n")}\n`);
};
const MERGE = ["maintenance", "merge", "--dest", "demo", "--src", "donor", "--yes"];

test("core W-03: a merge that requires the same columns works where they are the same, and refuses where not", async () => {
  await using w = await demo();
  await donor(w, "TGCA", "CATG");
  expect((await done(w, [...MERGE, "--require-same-columns"])).data).toMatchObject({
    rows_added: 2,
    columns_added: [],
  });
  expect(await shown(w)).toEqual([...SEQUENCES, "TGCA", "CATG"]);
  await attach(w, `id,score\n${A},1.5\n`);
  await done(w, ["materialize", "demo", "--yes"]);
  await done(w, importArgs("donor"), "sequence\nGATC\n");
  const before = await w.bytes();
  const ran = await w.usr([...MERGE, "--require-same-columns", "--if-duplicate", "skip"]);
  expect([ran.code, ran.stdout, ran.stderr.includes("mock__score")]).toEqual([3, "", true]);
  expect([...(await w.bytes())]).toEqual([...before]);
  const union = [...MERGE, "--union-columns", "--if-duplicate", "skip"];
  expect((await done(w, union)).data).toMatchObject({ rows_added: 1, duplicates_total: 2, duplicates_skipped: 2 });
  expect(await column(w, "mock__score")).toEqual([1.5, ...Array(7).fill(null)]);
});

test("core W-04: record state is never folded into the base, and outlives --drop", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1.5\n`);
  await done(w, ["state", "set", "demo", "--id", A, "--masked", "--split", "val"]);
  await refused(w, ["materialize", "demo", "--namespace", "usr_state", "--yes"], "NAMESPACE_RESERVED");
  await done(w, ["materialize", "demo", "--drop", "--yes"]);
  const state = ["state", "get", "demo", "--id", A];
  expect((await done(w, state)).rows).toMatchObject([{ usr_state__masked: true, usr_state__split: "val" }]);
  const { data } = await done(w, ["schema", "demo"]);
  const origins = Object(data).fields.map(({ name, origin }: Record<string, unknown>) => `${name} ${origin}`);
  expect(origins).toContain("mock__score base");
  expect(origins).toContain("usr_state__split usr_state");
  await done(w, ["state", "clear", "demo", "--id", A]);
  expect(await column(w, "usr_state__split")).toEqual([null, null, null, null, null]);
});

test("core W-05: rows keep the order of their import, through materialize and in every read", async () => {
  await using w = await demo();
  const many = Array.from(
    { length: 400 },
    (_, i) => `G${i.toString(2).padStart(9, "0").replace(/0/g, "A").replace(/1/g, "C")}`,
  );
  await done(w, importArgs(), `sequence\n${many.join("\n")}\n`);
  const order = [...SEQUENCES, ...many];
  const shuffled = order.toSorted((x, y) => ((x + y).length % 2 === 0 ? 1 : -1) * (x < y ? 1 : -1));
  await attach(w, `sequence,tag\n${shuffled.map((s, i) => `${s},t${i}`).join("\n")}\n`, { key: "sequence" });
  expect(await shown(w)).toEqual(order);
  const rows = (await done(w, ["scan", "demo"])).stdout;
  await done(w, ["materialize", "demo", "--yes"]);
  expect((await done(w, ["scan", "demo"])).stdout).toBe(rows);
  expect(await shown(w, "--no-overlays")).toEqual(order);
  const head = (await done(w, ["head", "demo", "-n", "7"])).rows.map((row) => row["sequence"]);
  expect(head).toEqual(order.slice(0, 7));
  const out = join(w.dir, "out.csv");
  await done(w, ["export", "demo", "--out", out, "--columns", "sequence"]);
  expect((await readFile(out, "utf8")).trimEnd().split("\n").slice(1)).toEqual(order);
});

test("core W-06: an edit of the registry invalidates no overlay and rewrites no row", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1.5\n`);
  const part = await paths(w, /_derived\/mock\//);
  const before = await w.bytes();
  await done(w, [
    "namespace",
    "register",
    "mock",
    "--columns",
    "mock__score:float64,mock__n:int64,mock__tag:string,mock__vec:list<float64>,mock__at:timestamp[us, UTC],mock__st:struct<a:int64,b:string>,mock__on:bool",
    "--description",
    "other words",
  ]);
  await done(w, ["namespace", "register", "late", "--columns", "late__n:int8"]);
  await done(w, ["state", "set", "demo", "--id", T, "--masked"]);
  expect(await errorsFound(w)).toEqual([]);
  for (const mode of ["namespace-current", "namespace-frozen", "namespace-either"])
    expect([mode, await errorsFound(w, "--registry-mode", mode)]).toEqual([mode, []]);
  const after = await w.bytes();
  for (const path of part) expect(after.get(path)).toBe(before.get(path));
  expect(await paths(w, /_snapshots/)).toEqual([]);
  // The pages of the base are the same bytes: all that is new is the footer.
  const [old, stamped] = [before, after].map((files) => Buffer.from(files.get("demo/records.parquet")!, "base64"));
  const pages = old!.length - 8 - old!.readUInt32LE(old!.length - 8);
  expect(stamped!.subarray(0, pages).equals(old!.subarray(0, pages))).toBe(true);
  expect(stamped!.equals(old!)).toBe(false);
});

test("core W-07: a row that was dropped for good leaves no tombstone, and until then a refusal says that it is deleted", async () => {
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", G]);
  for (const conflict of ["error", "ignore"]) {
    const args = [...importArgs(), "--on-conflict", conflict];
    const { message, hint } = await refused(w, args, "DELETED_ID", { input: "sequence\nGGGG\n" });
    expect(message).toContain("deleted");
    expect(hint).toContain("restore");
  }
  await done(w, ["materialize", "demo", "--drop-deleted", "--yes"]);
  await done(w, importArgs(), "sequence\nGGGG\n");
  expect(await shown(w)).toEqual(["ACGT", "TTTT", "acgt", "CCGG", "GGGG"]);
  expect((await done(w, ["info", "demo"])).data).toMatchObject({ rows: 5, rows_deleted: 0, rows_base: 5 });
});

test("core W-08: a snapshot is the base before the rewrite, one for each, and can be made the base again", async () => {
  await using w = await demo();
  const original = (await w.bytes()).get("demo/records.parquet");
  await done(w, importArgs(), "sequence\nTGCA\n");
  expect(await paths(w, /_snapshots/)).toEqual([]);
  const appended = (await w.bytes()).get("demo/records.parquet");
  expect(appended).not.toBe(original);
  await attach(w, `id,score\n${A},1.5\n`);
  await done(w, ["materialize", "demo", "--yes"]);
  const snapshots = await paths(w, /_snapshots\/records/);
  expect(snapshots).toHaveLength(1);
  expect((await w.bytes()).get(snapshots[0]!)).toBe(appended);
  await done(w, ["snapshot", "restore", "demo", "--name", snapshots[0]!.split("/").at(-1)!, "--yes"]);
  expect((await w.bytes()).get("demo/records.parquet")).toBe(appended);
});

test("core W-09: a dataset with deleted rows and states is valid", async () => {
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", A]);
  await done(w, ["delete", "demo", "--id", T, "--reason", "why"]);
  await done(w, ["state", "set", "demo", "--id", T, "--lineage", "p1"]);
  for (const mode of ["current", "frozen", "namespace-current"])
    expect((await done(w, ["validate", "demo", "--strict", "--registry-mode", mode])).data).toEqual(
      expect.objectContaining({ ok: true, problems: [] }),
    );
});

test("core W-10: what a crash leaves behind is no data, whatever it is called", async () => {
  await using w = await goldenWorkspace("debris");
  const rows = (await done(w, ["scan", "demo"])).stdout;
  const namespaces = Object((await done(w, ["info", "demo"])).data).namespaces.length;
  const debris = ["_derived/mock.tmp.parquet", "_derived/.mock.parquet.x.tmp", "_derived/new.duckdb.tmp.parquet"];
  debris.push("_derived/mock/.part-1.parquet.tmp", "_derived/mock/part-1.tmp.parquet", "records.merge.parquet");
  debris.push("_snapshots/records-1.tmp.parquet", ".staging/left-0", "_derived/mock/part-2.parquet.tmp");
  for (const path of debris) {
    await mkdir(join(at(w, "demo"), path, ".."), { recursive: true });
    await writeFile(join(at(w, "demo"), path), "PAR1 torn");
  }
  expect((await done(w, ["scan", "demo"])).stdout).toBe(rows);
  expect(Object((await done(w, ["info", "demo"])).data).namespaces).toHaveLength(namespaces);
  expect((await done(w, ["snapshot", "list", "demo"])).data).toEqual([]);
  expect(await errorsFound(w)).toEqual([]);
});

test("core W-12: the same text under two bio types is two rows, and dropped rows leave no orphans that nobody counts", async () => {
  await using w = await demo();
  const rna = ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "rna", "--alphabet", "rna_4"];
  await done(w, importArgs(), "sequence\nACG\nCGT\n");
  await done(w, rna, "sequence\nACG\nCGU\nGGGG\n");
  const dedupe = ["maintenance", "dedupe", "demo", "--yes", "--key"];
  expect((await done(w, [...dedupe, "sequence"])).data).toMatchObject({ rows_total: 10, rows_dropped: 0, groups: 0 });
  const [dropped, kept] = [sequenceId("rna", "CGU"), sequenceId("rna", "ACG")];
  await attach(w, `id,score\n${dropped},1\n${kept},2\n`);
  await done(w, ["state", "set", "demo", "--id", `${dropped},${kept}`, "--masked"]);
  const { data } = await done(w, [...dedupe, "sequence_canonical", "--prune-overlays"]);
  expect(data).toMatchObject({
    dropped: expect.arrayContaining([{ id: dropped, kept, reason: expect.any(String) }]),
    orphans: expect.arrayContaining([
      { namespace: "mock", rows: 1 },
      { namespace: "usr_state", rows: 1 },
    ]),
  });
  // dna: ACGT and acgt, ACG and CGT; rna: ACG and CGU; GGGG of both; CCGG is its own reverse complement.
  expect(await shown(w)).toEqual(["ACGT", "TTTT", "GGGG", "CCGG", "ACG", "ACG", "GGGG"]);
  expect((await done(w, ["validate", "demo", "--strict"])).data).toMatchObject({ ok: true, problems: [] });
});

test("core W-13: a merge leaves no row out unless that was typed, and counts what it does", async () => {
  const union = [...MERGE, "--union-columns"];
  await using w = await demo();
  await donor(w, "tttt", "GGGG", "ccgg", "TGCA");
  // Case is information: rows of another case are other rows. The policy for duplicates is about equal ids, and is in force.
  const error = await refused(w, union, "DUPLICATE_ID");
  expect(JSON.stringify(error)).toContain(G);
  await refused(w, [...union, "--if-duplicate", "skip", "--casefold", "error"], "DUPLICATE_KEY");
  const counts = { rows_src: 4, duplicates_total: 1, duplicates_skipped: 1, casefold_total: 2 };
  const skip = [...union, "--if-duplicate", "skip"];
  const dry = await done(w, [...skip, "--casefold", "skip", "--dry-run"]);
  expect(dry.data).toMatchObject({ ...counts, casefold_skipped: 2, rows_added: 1 });
  expect((await done(w, skip)).data).toMatchObject({ ...counts, casefold_skipped: 0, rows_added: 3 });
  expect(await shown(w)).toEqual([...SEQUENCES, "tttt", "ccgg", "TGCA"]);
});

describe("core W-14: text stays the text that was given", () => {
  test("sequences that spreadsheets and data frames take for missing or infinite", async () => {
    await using w = await openWorkspace();
    await done(w, ["namespace", "register", "mock", "--columns", "mock__tag:string"]);
    await done(w, ["init", "demo"]);
    const proteins = ["NA", "NAN", "INF", "TRVE", "NVLL", "ND"];
    const args = [
      "import",
      "demo",
      "--path",
      "-",
      "--from",
      "csv",
      "--bio-type",
      "protein",
      "--alphabet",
      "protein_20",
    ];
    const sources = ["007", "1.0", "NA", "", "inf", "1e5"];
    await done(w, args, `sequence,source\n${proteins.map((s, i) => `${s},"${sources[i]}"`).join("\n")}\n`);
    expect(await column(w, "sequence")).toEqual(proteins);
    expect(await column(w, "source")).toEqual(sources);
    const tags = ["NA", "nan", "null", "None", "INF", "0x10"];
    const input = `sequence,tag\n${proteins.map((s, i) => `${s},${tags[i]}`).join("\n")}\n`;
    await attach(w, input, { key: "sequence" });
    expect(await column(w, "mock__tag")).toEqual(tags);
  });

  test("numbers that are no numbers are refused, not guessed at", async () => {
    await using w = await demo();
    for (const [name, cell] of [
      ["n", "1.0"],
      ["n", "NA"],
      ["score", "1,5"],
      ["score", "inf"],
      ["on", "yes"],
      ["n", "9223372036854775808"],
    ])
      await refused(w, attachArgs(), "TYPE_MISMATCH", { input: `id,${name}\n${A},"${cell}"\n` });
  });
});

test("core W-15: a format is what was said or what the suffix says, and never a fallback", async () => {
  await using w = await demo();
  const sequences = await w.file("in.xyz", "sequence\nTGCA\n");
  const rest = ["--bio-type", "dna", "--alphabet", "dna_4"];
  await refused(w, ["import", "demo", "--path", sequences, ...rest], "USAGE", { exit: 2 });
  for (const from of ["cvs", "xlsx", "JSON", ""])
    await refused(w, ["import", "demo", "--path", sequences, "--from", from, ...rest], "USAGE", { exit: 2 });
  await refused(w, ["import", "demo", "--path", "-", ...rest], "USAGE", { exit: 2, input: "sequence\nTGCA\n" });
  await refused(w, ["import", "demo", "--path", sequences, "--from", "jsonl", ...rest], "CORRUPT");
  await refused(w, ["import", "demo", "--path", sequences, "--from", "parquet", ...rest], "CORRUPT");
  await done(w, ["import", "demo", "--path", sequences, "--from", "csv", ...rest]);
});

test("core W-16: a state as JSON is JSON, with lists of one and of two", async () => {
  await using w = await demo();
  await done(w, ["state", "set", "demo", "--id", A, "--lineage", "p1", "--lineage", "p,2"]);
  await done(w, ["state", "set", "demo", "--id", T, "--lineage", "p1"]);
  const { stdout } = await done(w, ["state", "get", "demo", "--id", [A, T, G].join()]);
  expect(stdout).not.toMatch(/NaN|None/);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).usr_state__lineage),
  ).toEqual([["p1", "p,2"], ["p1"], null]);
  expect(
    stdout
      .split("\n")
      .slice(0, 3)
      .map((line) => Object.keys(JSON.parse(line)).length),
  ).toEqual([6, 6, 6]);
});

test("core W-17: what a refusal promises to name, it names; sequences of another case are other rows", async () => {
  await using w = await demo();
  const twice = await refused(w, importArgs(), "DUPLICATE_ID", { input: "sequence\nTGCA\ntgca\nTGCA\n" });
  expect(twice.message).toContain("rows 1,3");
  const stored = await refused(w, importArgs(), "DUPLICATE_ID", { input: "sequence\nCATG\nGGGG\n" });
  expect(JSON.stringify(stored)).toContain(G);
  await done(w, importArgs(), "sequence\nTGCA\ntgca\ngggg\n");
});

test("core W-18: what people get wrong is an error with a code and a way on, never a trace", async () => {
  await using w = await demo();
  const broken: readonly (readonly [format: string, input: string | Uint8Array, code: string])[] = [
    ["csv", "sequence,created_at\nTGCA,yesterday\n", "TYPE_MISMATCH"],
    ["csv", "sequence,created_at\nTGCA,2026-01-01T00:00:00.123456789Z\n", "TYPE_MISMATCH"],
    ["csv", "sequence,created_at\nTGCA,2026-01-01\nTGCC,01/02/2026\n", "TYPE_MISMATCH"],
    ["csv", Uint8Array.from([...Buffer.from("sequence\nTG"), 0xff, 0xfe, 10]), "CORRUPT"],
    ["csv", "sequence\nTGCA,more\n", "CORRUPT"],
    ["jsonl", '{"sequence": "TGCA"\n', "CORRUPT"],
    ["jsonl", "[1, 2]\n", "CORRUPT"],
    ["jsonl", '{"sequence": ["TGCA"]}\n', "TYPE_MISMATCH"],
    ["parquet", "PAR1", "CORRUPT"],
    ["arrow", "ARROW1 and nothing", "CORRUPT"],
    ["fasta", ">x\n", "CORRUPT"],
  ];
  for (const [format, input, code] of broken) {
    const args = ["import", "demo", "--path", "-", "--from", format, "--bio-type", "dna", "--alphabet", "dna_4"];
    const error = await refused(w, args, code, { input });
    expect(error.message).not.toMatch(/\n\s+at |TypeError|undefined|\[object/);
  }
  for (const args of [
    ["delete", "demo", "--id", "nope"],
    ["get", "demo", "nope"],
    ["state", "get", "demo", "--id", "nope"],
  ])
    await refused(w, args, "UNKNOWN_ID", { exit: 4 });
  await refused(w, ["head", "demo", "--columns", "scoer"], "UNKNOWN_COLUMN", { exit: 4 });
});
