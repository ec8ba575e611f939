import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkspace, type Ran, type Workspace } from "./support.ts";

// A file that stands for much: what it may stand for is said by --max-ratio and --memory, wherever a file comes from elsewhere.

const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];
/** Two and a half megabytes of text that a few kilobytes hold. */
const SEQUENCES = Array.from(
  { length: 300 },
  (_, i) =>
    `${"A".repeat(8000)}${i
      .toString(4)
      .padStart(6, "0")
      .replace(/./g, (digit) => "ACGT"[Number(digit)] ?? "")}`,
);

let w: Workspace;
let file: string;
beforeAll(async () => {
  w = await openWorkspace();
  file = join(w.dir, "bomb.parquet");
  const csv = await w.file("rows.csv", `sequence,mock__tag\n${SEQUENCES.map((s) => `${s},${s}`).join("\n")}\n`);
  await must(["namespace", "register", "mock", "--columns", "mock__tag:string"]);
  await must(["init", "source"]);
  await must(["import", "source", "--path", csv, ...BIO]);
  await must(["attach", "source", "--path", csv, "--namespace", "mock", "--key", "sequence"]);
  await must(["export", "source", "--out", file, "--columns", "sequence,mock__tag"]);
});
afterAll(() => w[Symbol.asyncDispose]());

const must = async (args: readonly string[]): Promise<Ran> => {
  const ran = await w.usr(args);
  expect([ran.code, ran.error], args.join(" ")).toEqual([0, undefined]);
  return ran;
};

/** One error that names both options, and not a byte of the root is another. */
const expectTooLarge = async (args: readonly string[]): Promise<Ran> => {
  const before = await w.bytes();
  const ran = await w.usr(args);
  expect([ran.error?.code, ran.code, ran.stdout], args.join(" ")).toEqual(["TOO_LARGE", 3, ""]);
  expect(ran.error?.hint).toMatch(/--memory .*--max-ratio/);
  expect(await w.bytes()).toEqual(before);
  return ran;
};

describe("a Parquet input that stands for more than is allowed", () => {
  const LIMITS = [
    ["--max-ratio", "10"],
    ["--memory", "100K"],
  ];

  it.each(LIMITS)("import %s %s", async (...limit) => {
    await w.usr(["init", "copy"]);
    const args = ["import", "copy", "--path", file, ...BIO];
    expect((await expectTooLarge([...args, ...limit])).error?.message).toMatch(/bomb\.parquet: .*declares/);
    await must([...args, "--dry-run"]);
    await must([...args, "--dry-run", "--max-ratio", "100000", "--memory", "1G"]);
  });

  it.each(LIMITS)("attach %s %s", async (...limit) => {
    const args = ["attach", "source", "--path", file, "--namespace", "mock", "--key", "sequence", "--overwrite"];
    await expectTooLarge([...args, ...limit]);
    await must([...args, "--dry-run"]);
  });

  it("a stream of it, too", async () => {
    const { readFile } = await import("node:fs/promises");
    await w.usr(["init", "copy"]);
    const before = await w.bytes();
    const args = ["import", "copy", "--path", "-", "--from", "parquet", ...BIO, "--max-ratio", "10"];
    const ran = await w.usr(args, { input: await readFile(file) });
    expect([ran.error?.code, ran.code]).toEqual(["TOO_LARGE", 3]);
    expect(await w.bytes()).toEqual(before);
  });
});

describe("a record of more than 64 MiB", () => {
  it("is read with the room that --memory gives, and refused with a word about it without", async () => {
    const sequence = "GATTACAC".repeat((65 << 20) / 8);
    const fasta = await w.file("chromosome.fa", `>one\n${sequence}\n>two\nGATTACA\n`);
    await w.usr(["init", "long"]);
    const args = ["import", "long", "--path", fasta, ...BIO];
    expect((await expectTooLarge(args)).error?.message).toMatch(/chromosome\.fa, row 1, .*67108864/);
    await must([...args, "--memory", "1G"]);
    const { stdout } = await must(["scan", "long", "--columns", "length"]);
    expect(stdout.trim().split("\n")).toEqual([`{"length":${sequence.length}}`, '{"length":7}']);
  }, 120_000);
});

describe("a remote whose files stand for more than is allowed", () => {
  const remote = (...args: readonly string[]): readonly string[] => ["--remotes", join(w.dir, "remotes.yaml"), ...args];
  let here: string;
  beforeAll(async () => {
    here = join(w.dir, "here");
    await mkdir(here);
    await must(remote("remotes", "add", "far", "--type", "file", "--base-dir", w.root, "--verify", "hash"));
  });
  const local = (...args: readonly string[]): readonly string[] => ["--root", here, ...remote(...args)];
  const refused = async (args: readonly string[]): Promise<Ran> => {
    const ran = await w.usr(args, { root: false });
    expect([ran.error?.code, ran.code], `${args.join(" ")} ${ran.stderr}`).toEqual(["TOO_LARGE", 3]);
    expect(ran.error?.hint).toMatch(/--memory .*--max-ratio/);
    return ran;
  };
  const accepted = async (args: readonly string[]): Promise<void> => {
    const ran = await w.usr(args, { root: false });
    expect([ran.code, ran.error], args.join(" ")).toEqual([0, undefined]);
  };

  it("a base is not brought", async () => {
    const ran = await refused(local("pull", "source", "far", "--max-ratio", "10"));
    expect(ran.error?.details["path"]).toBe("records.parquet");
    await refused(local("pull", "source", "far", "--max-ratio", "10", "--dry-run"));
    await refused(local("diff", "source", "far", "--max-ratio", "10"));
    await refused(local("status", "source", "far", "--max-ratio", "10"));
    expect((await w.usr(["--root", here, "ls"], { root: false })).data).toEqual([]);
    await accepted(local("pull", "source", "far", "--primary-only"));
  });

  it("nor a part, nor the rows of a base that are compared", async () => {
    const ran = await refused(local("pull", "source", "far", "--max-ratio", "10"));
    expect(ran.error?.details["path"]).toMatch(/^(_derived\/mock\/part-|records\.parquet)/);
    await accepted(local("pull", "source", "far"));
    await accepted(local("pull", "source", "far", "--max-ratio", "10"));
  });

  it("nor a snapshot, nor an overlay that was set aside", async () => {
    await must(["snapshot", "create", "source"]);
    await accepted(local("pull", "source", "far", "--max-ratio", "10"));
    const snapshot = await refused(local("pull", "source", "far", "--snapshots", "--max-ratio", "10"));
    expect(snapshot.error?.details["path"]).toMatch(/^_snapshots\/records-/);
    await accepted(local("pull", "source", "far", "--snapshots"));
    await must(["overlay", "remove", "source", "--namespace", "mock", "--archive", "--yes"]);
    const elsewhere = join(w.dir, "elsewhere");
    await mkdir(elsewhere);
    const second = (...args: readonly string[]): readonly string[] => ["--root", elsewhere, ...remote(...args)];
    // With the base there, the archive alone is left to bring.
    await accepted(second("pull", "source", "far", "--primary-only"));
    const ran = await refused(second("pull", "source", "far", "--max-ratio", "10"));
    expect(ran.error?.details["path"]).toMatch(/^_derived\/_archived\//);
    await accepted(second("pull", "source", "far"));
  });
});
