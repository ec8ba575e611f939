import { mkdir, readdir, readFile, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refused } from "./hostile-support.ts";
import { demoWorkspace, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];

describe("hostile text", () => {
  let w: Workspace;
  let before: ReadonlyMap<string, string>;
  beforeAll(async () => {
    w = await demoWorkspace();
    expect((await w.usr(["namespace", "add-standard", "seq_annot"])).code).toBe(0);
    before = await w.bytes();
  });
  afterAll(() => w[Symbol.asyncDispose]());

  const nest = (n: number): string => "[".repeat(n) + "]".repeat(n);
  const LOCUS = "LOCUS       a    4 bp    DNA     linear   SYN 21-NOV-2026\n";

  it.each([
    ["csv", "NUL", "sequence,mock__tag\nAAA,b\0\n", "CORRUPT", 2],
    ["csv", "NUL in the header", "seq\0uence\nAAA\n", "CORRUPT", 1],
    ["csv", "a lone quote", 'sequence,mock__tag\nAAA,b"c\n', "CORRUPT", 2],
    ["csv", "a quote never closed", 'sequence,mock__tag\nAAA,"b\nTTT,c\n', "CORRUPT", 2],
    ["csv", "text after a closing quote", 'sequence,mock__tag\nAAA,"b"c\n', "CORRUPT", 2],
    ["csv", "a lone carriage return", "sequence,mock__tag\nAAA,b\rTTT,c\n", "CORRUPT", 2],
    ["csv", "a column twice", "sequence,sequence\nAAA,AAA\n", "CORRUPT", 1],
    ["csv", "__proto__ twice", "sequence,__proto__,__proto__\nAAA,1,2\n", "CORRUPT", 1],
    ["csv", "rows that differ in length", "sequence,a\nAAA\n", "CORRUPT", 2],
    ["csv", "invalid UTF-8", Buffer.from("sequence\nAA\xff\n", "latin1"), "CORRUPT", 2],
    ["csv", "UTF-16", Buffer.from("\ufeffsequence\nAAA\n", "utf16le"), "CORRUPT", 1],
    ["tsv", "NUL", "sequence\ta\nAAA\tb\0\n", "CORRUPT", 2],
    ["tsv", "a lone quote", 'sequence\ta\nAAA\tb"c\n', "CORRUPT", 2],
    ["jsonl", "NUL", '{"sequence":"A\0"}\n', "CORRUPT", 1],
    ["jsonl", "a lone quote", '{"sequence":"AAA"}\n{"sequence":"AA"A"}\n', "CORRUPT", 2],
    ["jsonl", "a key twice", '{"sequence":"AAA","sequence":"AAA"}\n', "CORRUPT", 1],
    ["jsonl", "a key twice, once escaped", '{"sequence":"AAA","sequ\\u0065nce":"AAA"}\n', "CORRUPT", 1],
    ["jsonl", "__proto__ twice", '{"sequence":"AAA","__proto__":1,"__proto__":2}\n', "CORRUPT", 1],
    ["jsonl", "a nest of 100,000 lists", `{"sequence":"AAA","x":${nest(1e5)}}\n`, "TOO_LARGE", 1],
    [
      "jsonl",
      "a nest of 100,000 lists for a sequence",
      `{"sequence":${nest(1e5)}}\n`,
      ["TYPE_MISMATCH", "TOO_LARGE"],
      1,
    ],
    ["jsonl", "a nest of 100,000 objects", `${'{"sequence":'.repeat(1e5)}1${"}".repeat(1e5)}\n`, ["TYPE_MISMATCH", "TOO_LARGE"], 1], // biome-ignore format: one line
    ["jsonl", "a nest never closed", `{"sequence":"AAA","x":${"[".repeat(1e5)}\n`, "TOO_LARGE", 1],
    ["jsonl", "a list of rows", '[{"sequence":"AAA"}]\n', "CORRUPT", 1],
    ["jsonl", "a lone surrogate", '{"sequence":"\\ud800"}\n', "CORRUPT", 1],
    ["fasta", "NUL", ">a\nAC\0GT\n", "CORRUPT", 2],
    ["fasta", "text before a record", "\u001b[2JAAA\n>a\nA\n", "CORRUPT", 1],
    ["genbank", "NUL", `${LOCUS}DEFINITION  a\0\nORIGIN\n 1 acgt\n//\n`, "CORRUPT", 2],
    ["genbank", "a lone quote", `${LOCUS}FEATURES  Location\n     gene            1..2\n                     /a="b\nORIGIN\n 1 acgt\n//\n`, "CORRUPT", 4], // biome-ignore format: one line
    ["genbank", "a location of 200,000 parts", `${LOCUS}FEATURES  Location\n     gene            join(${"1,".repeat(2e5)}1)\nORIGIN\n 1 acgt\n//\n`, "CORRUPT", 3], // biome-ignore format: one line
  ] as const)("%s: %s", async (format, _, input, codes, line) => {
    const known = typeof codes === "string" ? [codes] : codes;
    const how = ["--path", "-", "--from", format];
    const imported = await w.usr(["import", "demo", ...how, ...BIO], { input });
    refused(imported, known, 3);
    expect(imported.error?.details["line"], imported.error?.message).toBe(line);
    expect(imported.error?.message.length).toBeLessThan(400);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(imported.error?.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    if (format !== "fasta" && format !== "genbank") {
      const attach = ["attach", "demo", ...how, "--namespace", "mock", "--key", "sequence", "--columns", "mock__tag"];
      const attached = await w.usr(attach, { input });
      expect([attached.code, attached.stdout], attached.stderr).toEqual([3, ""]);
    }
    const shown = await w.usr(["import", "demo", ...how, ...BIO], { input, json: false, terminal: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(shown.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001a\u001c-\u001f\u0080-\u009f]|\u001b\[2J/);
    expect(await w.bytes()).toEqual(before);
  });

  it.each(["..", "../demo", "/etc/passwd", "a\nb", "-x", "__proto__", "constructor", ACGT.toUpperCase()])(
    "an id %j in a file is no id of the dataset",
    async (id) => {
      const input = `${JSON.stringify({ id, mock__score: 1 })}\n`;
      const how = ["--path", "-", "--from", "jsonl"];
      const attached = await w.usr(["attach", "demo", ...how, "--namespace", "mock", "--key", "id"], { input });
      expect([attached.code, attached.stdout], attached.stderr).toEqual([3, ""]);
      const row = `${JSON.stringify({ id, sequence: "AAA" })}\n`;
      const imported = await w.usr(["import", "demo", ...how, ...BIO], { input: row });
      expect([imported.code, imported.stdout], imported.stderr).toEqual([3, ""]);
      expect(await w.bytes()).toEqual(before);
    },
  );
});

describe("twins that differ in case only", () => {
  it("columns of a namespace", async () => {
    await using w = await demoWorkspace();
    const ran = await w.usr(["namespace", "register", "t", "--columns", "t__a:int8,t__A:string"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    const input = `id,t__a,t__A\n${ACGT},1,x\n`;
    const how = ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "t", "--key", "id"];
    expect((await w.usr(how, { input })).code).toBe(0);
    expect((await w.usr(["cell", "demo", ACGT, "t__a"])).data).toBe(1);
    expect((await w.usr(["cell", "demo", ACGT, "t__A"])).data).toBe("x");
  });

  it("datasets", async () => {
    await using w = await demoWorkspace();
    const ran = await w.usr(["init", "Demo"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect((await w.usr(["head", "demo"])).rows).toHaveLength(5);
    expect((await w.usr(["head", "Demo"])).rows).toHaveLength(0);
  });
});

describe("links that leave the root", () => {
  const CSV = "sequence,mock__score\nACGT,1\n";
  const writes = (path: string): readonly (readonly string[])[] => [
    ["attach", "demo", "--path", path, "--namespace", "mock", "--key", "sequence", "--overwrite"],
    ["import", "demo", "--path", path, ...BIO, "--on-conflict", "ignore"],
    ["delete", "demo", "--id", ACGT],
    ["materialize", "demo", "--yes"],
  ];

  it.each([
    "demo",
    "demo/records.parquet",
    "demo/_derived",
    "demo/_derived/mock",
    "demo/.events.log",
    "demo/.staging",
    "demo/_registry",
    "registry.yaml",
  ])("%s: nothing outside is written", async (path) => {
    await using w = await demoWorkspace();
    const csv = await w.file("rows.csv", CSV);
    const first = await w.usr(["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "sequence"]);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const inside = join(w.root, path);
    const outside = join(w.dir, "outside");
    await rename(inside, outside).catch(() => mkdir(outside));
    await symlink(outside, inside);
    const found = await contentOf(outside);
    const refusals: string[] = [];
    for (const args of writes(csv)) {
      const ran = await w.usr(args);
      expect(ran.code, `${args[0]}: ${ran.stderr}${ran.stdout}`).not.toBe(1);
      expect(ran.stderr).not.toMatch(/\n\s+at /);
      if (ran.code !== 0) {
        refusals.push(args[0]!);
        expect(["PATH_INVALID", "DATASET_NOT_FOUND", "NO_REGISTRY"], ran.stderr).toContain(ran.error?.code);
      }
      expect(await contentOf(outside), args[0]).toEqual(found);
    }
    expect(refusals, path).not.toEqual([]);
    for (const args of [["ls"], ["head", "demo"], ["info", "demo"], ["validate", "demo"], ["events", "tail", "demo"]]) {
      const ran = await w.usr(args);
      expect(ran.code, `${args[0]}: ${ran.stderr}`).not.toBe(1);
    }
  });
});

/** Every file at or below a path. */
const contentOf = async (path: string): Promise<readonly unknown[]> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [await readFile(path, "base64")];
  const found: unknown[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    found.push([file, entry.isFile() ? await readFile(file, "base64") : null]);
  }
  return found;
};

describe("cells that a spreadsheet would run", () => {
  // As they are, and as they stand in a file that was asked to be safe.
  const CELLS = [
    ["=1+2", "'=1+2"],
    ["+1", "'+1"],
    ["-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["\r=1", "'\r=1"],
    ["'=1", "''=1"],
    ['=HYPERLINK("x")', `'=HYPERLINK("x")`],
    ["=1\n=2", "'=1\n=2"],
    ["-", "'-"],
    ["a=1", "a=1"],
  ] as const;

  it.each(["csv", "tsv"])("%s: disarmed on request", async (format) => {
    await using w = await demoWorkspace();
    for (const [cell, safe] of CELLS) {
      const input = `${JSON.stringify({ id: ACGT, mock__tag: cell })}\n`;
      const how = ["--from", "jsonl", "--namespace", "mock", "--key", "id", "--overwrite"];
      const attached = await w.usr(["attach", "demo", "--path", "-", ...how], { input });
      expect([attached.code, attached.stderr]).toEqual([0, ""]);
      for (const [more, text] of [
        [["--formula-safe"], safe],
        [[], cell],
      ] as const) {
        const out = join(w.dir, `out.${format}`);
        const ran = await w.usr(["export", "demo", "--out", out, "--columns", "mock__tag", ...more]);
        expect([ran.code, ran.stderr]).toEqual([0, ""]);
        const [, first] = /^mock__tag\n("(?:[^"]|"")*"|[^\n]*)\n/.exec(await readFile(out, "utf8")) ?? [];
        const value = first?.startsWith('"') ? first.slice(1, -1).replaceAll('""', '"') : first;
        expect(value).toBe(text);
      }
    }
  });
});
