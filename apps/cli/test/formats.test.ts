import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { demoWorkspace, openWorkspace, type Workspace } from "./support.ts";

/** One column of every registrable type, with the values of four rows as `--json` shows them. */
const TYPES: readonly (readonly [name: string, type: string, values: readonly unknown[]])[] = [
  ["s", "string", ["", 'a "b", c\n\td', "=1+2", "日本 \u0001\u009b\ufeff"]],
  ["b", "bool", [true, false, null, true]],
  ["i8", "int8", [-128, 127, null, 0]],
  ["i16", "int16", [-32768, 32767, null, 0]],
  ["i32", "int32", [-2147483648, 2147483647, null, 0]],
  ["i64", "int64", ["-9223372036854775808", "9223372036854775807", null, 9007199254740991]],
  ["u8", "uint8", [0, 255, null, 1]],
  ["u16", "uint16", [0, 65535, null, 1]],
  ["u32", "uint32", [0, 4294967295, null, 1]],
  ["u64", "uint64", [0, "18446744073709551615", null, 1]],
  ["f16", "float16", [0.0999755859375, "-Infinity", null, 65504]],
  ["f32", "float32", [0.10000000149011612, "Infinity", null, 1.401298464324817e-45]],
  ["f64", "float64", [0.1, "NaN", null, 5e-324]],
  ["ms", "timestamp[ms]", ["2026-01-02T03:04:05.678000", "0001-01-01T00:00:00.000000", null, null]],
  ["us", "timestamp[us, UTC]", ["2026-01-02T03:04:05.678901Z", "9999-12-31T23:59:59.999999Z", null, null]],
  ["ns", "timestamp[ns, UTC]", ["2026-01-02T03:04:05.678901234Z", "1969-12-31T23:59:59.999999999Z", null, null]],
  ["z", "timestamp[us, Europe/Berlin]", ["2026-07-02T03:04:05.678901Z", null, null, null]],
  ["v", "list<float64>", [[], [1, null, "NaN"], null, [0.1]]],
  ["vv", "list<list<int64>>", [[[]], [["9223372036854775807"], null], null, []]],
  ["fl", "fixed_size_list<float32>[2]", [[1, 2], [0.5, null], [0, 0], [3, 4]]], // biome-ignore format: a table
  ["st", "struct<a:int64,b:string>", [{ a: 1, b: "x" }, { a: "9223372036854775807", b: "" }, null, { a: null, b: null }]], // biome-ignore format: a table
  ["ls", "list<struct<start:int32,label:string>>", [[{ start: 1, label: "é" }], [null], null, []]],
  ["pp", "struct<__proto__:int64,constructor:string>", [JSON.parse('{"__proto__":7,"constructor":"c"}'), null, null, null]], // biome-ignore format: a table
];
const COLUMNS = TYPES.map(([name]) => `t__${name}`).join(",");
const SEQUENCES = ["ACGT", "acgt", "GGGG", "TTTTTTTTTT"];
const FORMATS = ["csv", "tsv", "jsonl", "parquet", "arrow"];
const WRAPPINGS = ["", ".gz", ".zst"];
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];

let w: Workspace;
let rows = "";
let sequence = 0;

const must = async (args: readonly string[], input?: Uint8Array | string): Promise<string> => {
  const ran = await w.usr(args, input === undefined ? {} : { input });
  if (ran.code !== 0) throw new Error(`usr ${args.join(" ")} ended with ${ran.code}: ${ran.stderr}`);
  return ran.stdout;
};

const fresh = async (): Promise<string> => {
  const id = `fresh/d${sequence++}`;
  await must(["init", id]);
  return id;
};

beforeAll(async () => {
  w = await openWorkspace();
  const specs = TYPES.map(([name, type]) => `t__${name}:${type}`).join(",");
  await must(["namespace", "register", "t", "--columns", specs]);
  await must(["init", "all"]);
  const csv = `sequence,created_at,source\n${SEQUENCES.map((s, i) => `${s},2026-01-0${i + 1}T00:00:00.00000${i}Z,"src ${i}"\n`).join("")}`;
  await must(["import", "all", "--path", await w.file("all.csv", csv), ...BIO]);
  const lines = SEQUENCES.map((s, i) => JSON.stringify({ sequence: s, ...valuesOf(i) }));
  const path = await w.file("values.jsonl", `${lines.join("\n")}\n`);
  await must(["attach", "all", "--path", path, "--namespace", "t", "--key", "sequence"]);
  rows = await must(["scan", "all"]);
});
afterAll(() => w[Symbol.asyncDispose]());

const valuesOf = (row: number): Record<string, unknown> =>
  Object.fromEntries(TYPES.map(([name, , values]) => [`t__${name}`, values[row]]));

test("every registrable type arrives as it was written", () => {
  const got = rows
    .trimEnd()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
  expect(got).toHaveLength(SEQUENCES.length);
  for (const [i, row] of got.entries()) {
    for (const [name, type, values] of TYPES) {
      expect(JSON.stringify(row[`t__${name}`]), `${name}: ${type}, row ${i}`).toBe(JSON.stringify(values[i]));
    }
  }
});

describe.each(FORMATS.flatMap((format) => WRAPPINGS.map((wrapping) => [format, wrapping] as const)))(
  "%s%s",
  (format, wrapping) => {
    const name = `all.${format}${wrapping}`;

    it("is exported whole, said with size and hash", async () => {
      const path = join(w.dir, name);
      const { data } = await w.usr(["export", "all", "--out", path]);
      const bytes = await readFile(path);
      expect(data).toEqual({
        rows: SEQUENCES.length,
        path,
        size_bytes: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      });
    });

    it.each(["file", "stdin"])("is imported and attached from %s to the same values", async (from) => {
      const id = await fresh();
      const path = join(w.dir, name);
      const input = from === "file" ? undefined : await readFile(path);
      const place = from === "file" ? ["--path", path] : ["--path", "-", "--from", `${format}${wrapping}`];
      await must(["import", id, ...place], input);
      await must(["attach", id, ...place, "--namespace", "t", "--key", "id", "--columns", COLUMNS], input);
      expect(await must(["scan", id])).toBe(rows);
    });

    it("goes to stdout as the same bytes", async () => {
      const ran = await w.usr(["export", "all", "--out", "-", "--fmt", `${format}${wrapping}`], { json: false });
      expect(ran.code, ran.stderr).toBe(0);
      expect(Buffer.compare(ran.bytes, await readFile(join(w.dir, name)))).toBe(0);
    });
  },
);

test("a header that only looks right is shown as it is", async () => {
  await using own = await demoWorkspace();
  const input = await own.file("excel.csv", "sequence ,,n\nAACC,1,2\n");
  const ran = await own.usr(["import", "demo", "--path", input, "--bio-type", "dna", "--alphabet", "dna_4"]);
  expect(ran.error?.hint).toBe('Its columns are: "sequence ", "", n. Names are exact.');
});

test("what an export cannot write is refused with what it can", async () => {
  const hintOf = async (...args: string[]): Promise<unknown> => (await w.usr(["export", ...args])).error?.hint;
  const written = "csv, tsv, jsonl, parquet, arrow, fasta";
  expect(await hintOf("all", "--out", join(w.dir, "x.xyz"))).toBe(`Say the format: ${written}.`);
  expect(await hintOf("all", "--out", join(w.dir, "x.csv"), "--fmt", "xlsx")).toContain(`Formats: ${written}, each`);
  const id = await fresh();
  await must(["import", id, "--path", "-", "--from", "csv", ...BIO], Buffer.from("sequence\nACGT\n"));
  const nul = Buffer.from('{"sequence":"ACGT","s":"a\\u0000b"}\n');
  const key = ["--namespace", "t", "--key", "sequence"];
  await must(["attach", id, "--path", "-", "--from", "jsonl", ...key], nul);
  expect(await hintOf(id, "--out", join(w.dir, "nul.csv"))).toBe(
    "Write jsonl, parquet or arrow, or leave the column out.",
  );
  expect((await w.usr(["export", id, "--out", join(w.dir, "x.fa"), "--columns", "id"])).error).toMatchObject({
    message: "column sequence: is not among the columns to write",
    hint: "They are id.",
  });
});

describe.each(WRAPPINGS)("fasta%s", (wrapping) => {
  it("has the sequences and the headers that were asked for, and comes back", async () => {
    const path = join(w.dir, `all.fa${wrapping}`);
    await must(["export", "all", "--out", path, "--header", "{id} {{{t__i8}}} {t__st}"]);
    const bytes = await readFile(path);
    const text = (
      wrapping === ".gz" ? gunzipSync(bytes) : wrapping === ".zst" ? zstdDecompressSync(bytes) : bytes
    ).toString();
    const lines = text.trimEnd().split("\n");
    expect(lines.filter((_, i) => i % 2 === 1)).toEqual(SEQUENCES);
    expect(lines[0]).toBe('>ee93db6725ec05c3d18249d7fdba5d36a6a695cd {-128} {"a":1,"b":"x"}');
    const id = await fresh();
    await must(["import", id, "--path", path, ...BIO]);
    const ids = (text: string): readonly unknown[] => text.match(/"id":"[0-9a-f]{40}"/g) ?? [];
    expect(ids(await must(["scan", id]))).toEqual(ids(rows));
    const other = await fresh();
    await must(["import", other, "--path", "-", "--from", `fasta${wrapping}`, ...BIO], bytes);
    expect(ids(await must(["scan", other]))).toEqual(ids(rows));
  });
});

test("suffixes and --from: both are known, the typed one wins, upper case too", async () => {
  const csv = "sequence\nACGT\n";
  for (const name of ["a.CSV", "b.ndjson", "c.fna", "d.faa", "e.fasta"]) {
    const content = name === "b.ndjson" ? '{"sequence":"ACGT"}\n' : name === "a.CSV" ? csv : ">x\nACGT\n";
    await must(["import", await fresh(), "--path", await w.file(name, content), ...BIO]);
  }
  await must(["import", await fresh(), "--path", await w.file("table.dat", csv), "--from", "csv", ...BIO]);
  await must(["import", await fresh(), "--path", await w.file("f.fa", csv), "--from", "csv", ...BIO]);
});

test("--formula-safe disarms text that a spreadsheet would run, and nothing else", async () => {
  const args = ["export", "all", "--out", "-", "--fmt", "csv", "--columns", "t__s,t__i8"];
  expect((await w.usr(args, { json: false })).stdout).toContain("\n=1+2,");
  const safe = (await w.usr([...args, "--formula-safe"], { json: false })).stdout;
  expect(safe).toContain("\n'=1+2,");
  expect(safe).toContain(",-128\n");
});

test("an export of nothing still has its columns", async () => {
  const id = await fresh();
  const ran = await w.usr(["export", id, "--out", "-", "--fmt", "csv"], { json: false });
  expect(ran.stdout).toBe("id,bio_type,sequence,alphabet,length,source,created_at\n");
  const path = join(w.dir, "empty.parquet");
  await must(["export", id, "--out", path, "--columns", "sequence,id"]);
  await must(["import", await fresh(), "--path", path, ...BIO]);
});

describe("an export is whole or not there", () => {
  it("leaves the old file where it fails, and no debris", async () => {
    await using own = await demoWorkspace();
    const folder = join(own.dir, "out");
    await mkdir(folder);
    const path = join(folder, "demo.csv");
    await writeFile(path, "old\n");
    const template = await own.usr(["export", "demo", "--out", path, "--fmt", "fasta", "--header", "{nope}"]);
    expect([template.code, template.error?.code]).toEqual([4, "UNKNOWN_COLUMN"]);
    expect(template.error).toMatchObject({ details: { column: "nope" }, hint: expect.stringContaining("sequence") });
    await writeFile(
      join(own.root, "demo/records.parquet"),
      (await readFile(join(own.root, "demo/records.parquet"))).fill(7, 8, 64),
    );
    const ran = await own.usr(["export", "demo", "--out", path]);
    expect([ran.code, ran.error?.code]).toEqual([3, "CORRUPT"]);
    expect(await readFile(path, "utf8")).toBe("old\n");
    expect(await readdir(folder)).toEqual(["demo.csv"]);
  });

  it("replaces the file behind a link, not the link", async () => {
    await using own = await demoWorkspace();
    const real = await own.file("real.csv", "old\n");
    const link = join(own.dir, "link.csv");
    await symlink(real, link);
    expect((await own.usr(["export", "demo", "--out", link, "--columns", "sequence"])).code).toBe(0);
    expect(await readFile(real, "utf8")).toContain("ACGT");
  });

  it("writes to what is no file as it is", async () => {
    await using own = await demoWorkspace();
    expect((await own.usr(["export", "demo", "--out", "/dev/null", "--fmt", "csv"])).code).toBe(0);
    expect((await readFile("/dev/null")).length).toBe(0);
  });

  it.each(["demo/records.parquet", "demo/x.csv", "registry.yaml", "demo/_derived/y.csv", "records.parquet"])(
    "does not write among the files of the root: %s",
    async (name) => {
      await using own = await demoWorkspace();
      const before = await own.bytes();
      const ran = await own.usr(["export", "demo", "--out", join(own.root, name), "--fmt", "csv"]);
      expect([ran.code, ran.error?.code]).toEqual([
        name.includes("_derived") ? 4 : 2,
        name.includes("_derived") ? "NOT_FOUND" : "USAGE",
      ]);
      expect(await own.bytes()).toEqual(before);
    },
  );

  it("--dry-run writes nothing and says the same", async () => {
    await using own = await demoWorkspace();
    const path = join(own.dir, "x.parquet");
    const dry = await own.usr(["export", "demo", "--out", path, "--dry-run"]);
    await expect(readFile(path)).rejects.toThrow();
    expect((await own.usr(["export", "demo", "--out", path])).data).toEqual(dry.data);
  });
});

describe("damaged compression", () => {
  it.each([".gz", ".zst"])("%s: cut off and garbled inputs are CORRUPT and change nothing", async (wrapping) => {
    const id = await fresh();
    const whole = await readFile(join(w.dir, `all.csv${wrapping}`));
    const before = await w.bytes();
    for (const bytes of [
      whole.subarray(0, whole.length - 5),
      Buffer.from("no such thing"),
      Buffer.concat([whole, Buffer.from("tail")]),
    ]) {
      const ran = await w.usr(["import", id, "--path", "-", "--from", `csv${wrapping}`], { input: bytes });
      expect([ran.code, ran.error?.code], ran.stderr).toEqual([3, "CORRUPT"]);
    }
    expect(await w.bytes()).toEqual(before);
  });
});
