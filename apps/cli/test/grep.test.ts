import { afterAll, beforeAll, expect, test } from "vitest";
import { demoWorkspace, type Ran, type Workspace } from "./support.ts";

let w: Workspace;
beforeAll(async () => {
  w = await demoWorkspace();
  const must = async (...args: readonly string[]): Promise<void> => expect((await w.usr(args)).code).toBe(0);
  const more = await w.file(
    "more.csv",
    "sequence,bio_type,alphabet\nATATATAAACC,dna,dna_4\nGGNNTATAA,dna,dna_5\nUAUAAA,rna,rna_4\nMKTA,protein,protein_20\n",
  );
  await must("import", "demo", "--path", more, "--source", "more");
});
afterAll(() => w[Symbol.asyncDispose]());

const places = (ran: Ran): readonly string[] => {
  expect(ran.code, ran.stderr).toBe(0);
  return ran.rows.map(({ sequence, matches }) =>
    [
      sequence,
      ...(Array.isArray(matches) ? matches.map(({ start, end, strand }) => `${start}-${end}${strand}`) : []),
    ].join(" "),
  );
};
const grep = async (...args: readonly string[]): Promise<readonly string[]> =>
  places(await w.usr(["grep", "demo", ...args]));

test("a regular expression, in any case unless told, with places from 0 and half-open", async () => {
  expect(await grep("a?cg")).toEqual(["ACGT 0-3+", "acgt 0-3+", "CCGG 1-3+"]);
  expect(await grep("a?cg", "--case-sensitive")).toEqual(["acgt 0-3+"]);
  expect(await grep("T+", "--limit", "2")).toEqual(["ACGT 3-4+", "TTTT 0-4+"]);
  expect(await grep("x*")).toEqual([]);
  expect(await grep("^C", "--revcomp", "--where", "length = 4 and bio_type = 'dna'")).toEqual([
    "GGGG 3-4-",
    "CCGG 0-1+ 3-4-",
  ]);
});

test("a motif, overlapping, on both strands, in dna and rna", async () => {
  expect(await grep("TATAWAW", "--iupac")).toEqual(["ATATATAAACC 1-8+"]);
  expect(await grep("TATAWA", "--iupac")).toEqual(["ATATATAAACC 1-7+ 3-9+", "UAUAAA 0-6+"]);
  expect(await grep("RCGY", "--iupac", "--revcomp")).toEqual(["ACGT 0-4+ 0-4-", "acgt 0-4+ 0-4-"]);
  expect(await grep("GGNN", "--iupac")).toEqual(["GGGG 0-4+", "GGNNTATAA 0-4+"]);
  expect((await w.usr(["grep", "demo", "TA", "--iupac"])).stderr).toContain("1 row passed over");
});

test("columns, deleted rows and an output for people", async () => {
  const ran = await w.usr(["grep", "demo", "GG", "--columns", "source,length"]);
  expect(ran.rows[0]).toEqual({
    source: "test",
    length: 4,
    matches: [
      { start: 0, end: 2, strand: "+" },
      { start: 2, end: 4, strand: "+" },
    ],
  });
  expect(places(await w.usr(["grep", "demo", "^t", "--column", "source"])).length).toBe(5);
  const shown = await w.usr(["grep", "demo", "TATAA"], { json: false, terminal: true });
  expect(shown.stdout).toContain("  3..8  +  ATA\u001b[1;31mTATAA\u001b[0mACC\n");
  const plain = await w.usr(["grep", "demo", "TATAA"], { json: false, terminal: true, variables: { NO_COLOR: "1" } });
  expect(plain.stdout).toContain("ATA[TATAA]ACC");
});

test.each([
  [["(ab"], "PATTERN_INVALID", 1],
  [["ab(c"], "PATTERN_INVALID", 3],
  [["a**"], "PATTERN_INVALID", 3],
  [["AC-", "--iupac"], "PATTERN_INVALID", 3],
  [["", "--iupac"], "PATTERN_INVALID", 1],
  [[""], "PATTERN_INVALID", 1],
  [["A", "--iupac", "--case-sensitive"], "USAGE", undefined],
  [["A", "--iupac", "--column", "source"], "USAGE", undefined],
  [["A", "--column", "length"], "USAGE", undefined],
])("%j is %s", async (args, code, position) => {
  const { code: exit, error } = await w.usr(["grep", "demo", ...args]);
  expect([exit, error?.code, error?.details["position"]]).toEqual([2, code, position]);
});
