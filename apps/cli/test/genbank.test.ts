import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

const record = (
  name: string,
  sequence: string,
  molecule = "DNA",
): string => `LOCUS       ${name}   ${sequence.length} bp    ${molecule}     circular SYN 21-NOV-2026
DEFINITION  Made by hand.
VERSION     ${name}.1
FEATURES             Location/Qualifiers
     CDS             complement(join(<1..2,4..>5))
                     /gene="${name}"
                     /note="a
                     b"
ORIGIN
        1 ${sequence}
//
`;

const FIRST = record("one", "gattaca") + record("two", "ccccgggg");

const workspace = async (): Promise<Workspace> => {
  const w = await openWorkspace();
  await w.usr(["namespace", "add-standard", "usr_label"]);
  await w.usr(["init", "demo"]);
  return w;
};

const importing = (path: string, ...more: readonly string[]): readonly string[] => [
  ...["import", "demo", "--path", path, ...more],
  ...(more.includes("--bio-type") ? [] : ["--bio-type", "dna", "--alphabet", "dna_4"]),
];

it("import of GenBank brings sequences and annotations, in two commits", { timeout: 60_000 }, async () => {
  await using w = await workspace();
  const path = await w.file("plasmids.gb", FIRST);
  const before = await w.bytes();
  const refused = await w.usr(importing(path));
  expect([refused.code, refused.error?.code]).toEqual([4, "NAMESPACE_NOT_REGISTERED"]);
  expect(refused.error?.hint).toContain("usr namespace add-standard seq_annot");
  expect(await w.bytes()).toEqual(before);
  await w.usr(["namespace", "add-standard", "seq_annot"]);

  const registered = await w.bytes();
  const plan = await w.usr(importing(path, "--dry-run"));
  expect(await w.bytes()).toEqual(registered);
  const done = await w.usr(importing(path));
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(plan.data).toEqual({ ...Object(done.data), part: null, registry_hash: expect.anything() });
  expect(done.data).toMatchObject({ rows_read: 2, rows_added: 2, rows_annotated: 2, rows_kept: 0 });
  const { rows } = await w.usr(["scan", "demo"]);
  expect(rows).toMatchObject([
    {
      ...{ sequence: "GATTACA", seq_annot__format: "genbank", seq_annot__record_id: "one.1" },
      ...{ seq_annot__topology: "circular", seq_annot__source_file: path },
      seq_annot__source_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      seq_annot__features: [
        {
          ...{ feature_type: "CDS", location_raw: "complement(join(<1..2,4..>5))", strand: -1, label: "one" },
          intervals_0: [
            { start_0: 3, end_0: 5, strand: -1, partial: true },
            { start_0: 0, end_0: 2, strand: -1, partial: true },
          ],
          qualifiers: [
            { key: "gene", value: "one" },
            { key: "note", value: "a b" },
          ],
        },
      ],
    },
    { sequence: "CCCCGGGG", seq_annot__record_id: "two.1" },
  ]);
  const events = (await w.usr(["events", "tail", "demo", "-n", "2"])).rows;
  expect(events).toMatchObject([
    { action: "import_rows", metrics: { rows_written: 2 } },
    { action: "attach", args: { namespace: "seq_annot" }, metrics: { rows_matched: 2 } },
  ]);
  expect((await w.usr(["validate", "demo", "--strict"])).data).toMatchObject({ ok: true });

  // Another file: stored rows keep what they have, new ones get theirs.
  const more = await w.file("more.gbk.gz", gzipSync(record("uno", "gattaca") + record("three", "acacac")));
  expect((await w.usr(importing(more))).error?.code).toBe("DUPLICATE_ID");
  const second = await w.usr(importing(more, "--on-conflict", "ignore"));
  expect(second.data).toMatchObject({ rows_added: 1, rows_skipped: 1, rows_annotated: 1, rows_kept: 1 });
  const ids = (await w.usr(["scan", "demo", "--columns", "seq_annot__record_id"])).rows;
  expect(ids.map((row) => row["seq_annot__record_id"])).toEqual(["one.1", "two.1", "three.1"]);
});

it("the same import again adds annotations that a crash between the commits left out", async () => {
  await using w = await workspace();
  await w.usr(["namespace", "add-standard"]);
  const path = await w.file("plasmids.gb", FIRST);
  const bare = await w.usr(importing(path, "--sequences-only"));
  expect([bare.code, bare.data]).toMatchObject([0, { rows_added: 2 }]);
  expect(bare.stderr).toContain("features");
  const again = await w.usr(importing(path, "--on-conflict", "ignore"));
  expect(again.data).toMatchObject({ rows_added: 0, rows_skipped: 2, rows_annotated: 2, rows_kept: 0 });
  const events = (await w.usr(["events", "tail", "demo"])).rows.length;
  expect((await w.usr(importing(path, "--on-conflict", "ignore"))).data).toMatchObject({ rows_kept: 2, part: null });
  expect((await w.usr(["events", "tail", "demo"])).rows.length).toBe(events);
});

it("refuses what contradicts itself, with file, row and line", async () => {
  await using w = await workspace();
  await w.usr(["namespace", "add-standard"]);
  const code = async (content: string, ...more: readonly string[]): Promise<unknown> => {
    const path = await w.file("x.gb", content);
    const before = await w.bytes();
    const ran = await w.usr(importing(path, ...more));
    expect(await w.bytes()).toEqual(before);
    return [ran.code, ran.error?.code, ran.error?.details["row"], ran.error?.details["line"]];
  };
  expect(await code(FIRST.replace("8 bp", "8 aa"))).toEqual([3, "BAD_BIO_TYPE", 2, undefined]);
  expect(await code(FIRST, "--bio-type", "rna", "--alphabet", "rna_4")).toEqual([3, "BAD_BIO_TYPE", 1, undefined]);
  expect(await code(FIRST.replace("7 bp", "9 bp"))).toEqual([3, "CORRUPT", 1, 1]);
  expect(await code(FIRST.replace("gattaca", "gattnca"))).toEqual([3, "BAD_SYMBOL", 1, undefined]);
  expect(await code(FIRST + FIRST)).toEqual([3, "DUPLICATE_ID", undefined, undefined]);
  const csv = await w.usr([...importing(await w.file("a.csv", "sequence\nAC\n")), "--sequences-only"]);
  expect([csv.code, csv.error?.code]).toEqual([2, "USAGE"]);
  expect((await w.usr(["export", "demo", "--out", "x.gb"])).error?.code).toMatch(/NOT_SUPPORTED|USAGE/);
});
