import { sequenceId } from "@usr/id";
import { openPart } from "@usr/overlay";
import { describe, expect, it } from "vitest";
import { attach, importRows, initDataset, materialize, registerNamespace } from "../src/write/index.ts";
import type { Cells } from "./make.ts";
import { column, partCells } from "./write-attach-support.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  csv,
  demoRoot,
  importCsv,
  jsonl,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  typedTable,
  writableRoot,
} from "./write-support.ts";

describe("keys", () => {
  it("id, sequence, sequence_norm and sequence_ci find their rows; parts hold them normalised and in base order", async () => {
    for (const [key, spell, stored] of [
      ["id", (s: string) => sequenceId("dna", s), (s: string) => sequenceId("dna", s)],
      ["sequence", (s: string) => s, (s: string) => s],
      ["sequence_norm", (s: string) => s, (s: string) => s],
      ["sequence_ci", (s: string) => s.toLowerCase(), (s: string) => s],
    ] as const) {
      const root = await demoRoot();
      const order = ["TGCA", "AAAA", "TTTT"];
      const keyColumn = key === "id" ? "id" : "sequence";
      const text = order.map((s, i) => `" \u00a0${spell(s)}\t",${i}`).join("\n");
      const found = await attachCsv(root, "demo", `${keyColumn},score\n${text}\n`, { key });
      expect(found).toMatchObject({
        key,
        columns: ["mock__score"],
        rows_incoming: 3,
        rows_matched: 3,
        rows_missing: 0,
      });
      expect(await partCells(root, found.part!)).toEqual({
        [key]: ["AAAA", "TTTT", "TGCA"].map(stored),
        mock__score: [1, 2, 0],
      });
      expect(await column(root, "mock__score")).toEqual([1, null, null, 2, null, 0]);
    }
  });

  it("case counts for every key but sequence_ci, and for ids always", async () => {
    for (const [key, keyColumn, text] of [
      ["id", "id", sequenceId("dna", "AAAA").toUpperCase()],
      ["sequence", "sequence", "aaaa"],
      ["sequence_norm", "sequence", "aaaa"],
    ] as const) {
      const root = await demoRoot();
      const refused = await refusal(root, () => attachCsv(root, "demo", `${keyColumn},score\n${text},1\n`, { key }));
      expect(refused).toMatchObject({ code: "UNKNOWN_KEY", details: { count: 1, samples: [{ key: text, row: 1 }] } });
    }
  });

  it("another key column, by name", async () => {
    const root = await demoRoot();
    const found = await attachCsv(root, "demo", "dna,score\nAAAA,1\n", { keyColumn: "dna", key: "sequence_norm" });
    expect(found.rows_matched).toBe(1);
    const gone = await refusal(root, () => attachCsv(root, "demo", "dna,tag\nAAAA,1\n", { key: "sequence_norm" }));
    expect(gone).toMatchObject({ code: "MISSING_COLUMN", details: { column: "sequence" } });
    const exact = await refusal(root, () =>
      attachCsv(root, "demo", "Sequence,tag\nAAAA,1\n", { key: "sequence_norm" }),
    );
    expect(exact.code).toBe("MISSING_COLUMN");
  });

  it("deleted rows can be keyed", async () => {
    const root = await demoRoot();
    await putTombstones(root, "demo", { CCCC: true });
    expect(await attachCsv(root, "demo", "sequence,score\nCCCC,1\n")).toMatchObject({ rows_matched: 1 });
    expect(await column(root, "mock__score")).toEqual([null, 1, null, null, null, null]);
  });

  it("blank keys, doubles and strangers are counted over the whole input and shown up to five", async () => {
    const root = await demoRoot();
    const blank = await refusal(root, () => attachCsv(root, "demo", 'sequence,score\nAAAA,1\n,2\n" \u2003",3\n'));
    expect(blank).toMatchObject({ code: "MISSING_KEY", details: { count: 2, samples: [{ row: 2 }, { row: 3 }] } });
    const twice = await refusal(root, () => attachCsv(root, "demo", "sequence,score\nAAAA,1\nCCCC,2\n AAAA,3\n"));
    expect(twice).toMatchObject({
      code: "DUPLICATE_KEY",
      details: { count: 1, samples: [{ key: "AAAA", rows: [1, 3] }] },
    });
    const folded = await refusal(root, () =>
      attachCsv(root, "demo", "sequence,score\nAAAA,1\naaaa,2\n", { key: "sequence_ci" }),
    );
    expect(folded.code).toBe("DUPLICATE_KEY");
    const text = ["A", "C", "G", "T", "AA", "CC", "GG"].map((s) => `${s},1`).join("\n");
    const unknown = await refusal(root, () => attachCsv(root, "demo", `sequence,score\n${text}\n`));
    expect(unknown).toMatchObject({ code: "UNKNOWN_KEY", details: { count: 7 } });
    expect(unknown.details).toMatchObject({ samples: { length: 5 } });
  });

  it("--allow-missing leaves strangers out; blank keys and doubles, even among strangers, stay errors", async () => {
    const root = await demoRoot();
    const o = { allowMissing: true };
    for (const [text, code] of [
      ["sequence,score\nAAAA,1\n,2\n", "MISSING_KEY"],
      ["sequence,score\nAAAA,1\nA,2\nA,3\n", "DUPLICATE_KEY"],
    ] as const)
      expect((await refusal(root, () => attachCsv(root, "demo", text, o))).code).toBe(code);
    const found = await attachCsv(root, "demo", "sequence,score\nA,1\nGGGG,2\nC,3\nAAAA,4\n", o);
    expect(found).toMatchObject({ rows_incoming: 4, rows_matched: 2, rows_missing: 2 });
    expect(await partCells(root, found.part!)).toEqual({ sequence: ["AAAA", "GGGG"], mock__score: [4, 2] });
  });

  it("no match at all writes nothing and logs nothing", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    const none = { part: null, rows_matched: 0 };
    for (const text of ["sequence,score\nA,1\n", "sequence,score\n"])
      expect(await attachCsv(root, "demo", text, { allowMissing: true })).toMatchObject(none);
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });

  it("sequence keys need one bio type and, folded, unique dna_4 bases", async () => {
    const root = await demoRoot();
    await importCsv(root, "demo", "sequence\naaaa\n");
    const folded = await refusal(root, () =>
      attachCsv(root, "demo", "sequence,score\nAAAA,1\n", { key: "sequence_ci" }),
    );
    expect(folded.code).toBe("AMBIGUOUS_BASE_KEY");
    await importCsv(root, "demo", "sequence,bio_type,alphabet\nACGU,rna,rna_4\n");
    const mixed = await refusal(root, () => attachCsv(root, "demo", "sequence,score\nCCCC,1\n", { key: "sequence" }));
    expect(mixed.code).toBe("MULTIPLE_BIO_TYPES");
    const other = await demoRoot();
    await importCsv(other, "demo", "sequence,alphabet\nACN,dna_5\n");
    const wide = await refusal(other, () =>
      attachCsv(other, "demo", "sequence,score\nAAAA,1\n", { key: "sequence_ci" }),
    );
    expect(wide.code).toBe("NOT_SUPPORTED");
  });

  it("rows imported since the last attach are found, and those of another dataset are not", async () => {
    const root = await demoRoot();
    const missing = { allowMissing: true, overwrite: true };
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    expect(await attachCsv(root, "demo", "sequence,score\nGGCC,1\n", missing)).toMatchObject({ rows_matched: 0 });
    await importCsv(root, "demo", "sequence\nGGCC\n");
    expect(await attachCsv(root, "demo", "sequence,score\nGGCC,1\n", missing)).toMatchObject({ rows_matched: 1 });
    const ids = Array.from({ length: 5000 }, (_, i) => i.toString(16).padStart(40, "0"));
    const many = `id,score\n${ids.map((id) => `${id},1\n`).join("")}`;
    expect(await attachCsv(root, "demo", many, { ...missing, key: "id", dryRun: true }).catch((e) => e.code)).toBe(
      "KEY_MISMATCH",
    );
  });

  it("all parts of a namespace share one key; another namespace may have another", async () => {
    const root = await demoRoot();
    await register(root, "other", "other__n:int8");
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n", { key: "sequence_norm" });
    for (const key of ["sequence", "sequence_ci"] as const) {
      const refused = await refusal(root, () => attachCsv(root, "demo", "sequence,tag\nAAAA,x\n", { key }));
      expect(refused).toMatchObject({ code: "KEY_MISMATCH", details: { existing: "sequence_norm", key } });
    }
    await attachCsv(root, "demo", "sequence,n\nCCCC,7\n", { namespace: "other", key: "sequence_ci" });
    expect((await rowsOf(root, "demo")).slice(0, 2)).toMatchObject([
      { mock__score: 1, other__n: null },
      { mock__score: null, other__n: 7 },
    ]);
  });
});

describe("columns", () => {
  it("a and ns__a are one name; the part has them in registry order", async () => {
    const root = await demoRoot();
    const found = await attachCsv(root, "demo", 'mock__vec,sequence,tag,score\n"[1,2]",AAAA,x,1\n');
    expect(found.columns).toEqual(["mock__score", "mock__tag", "mock__vec"]);
    expect(Object.keys(await partCells(root, found.part!))).toEqual(["sequence", ...found.columns]);
    const twice = await refusal(root, () => attachCsv(root, "demo", "sequence,tag,mock__tag\nCCCC,x,y\n"));
    expect(twice).toMatchObject({ code: "DUPLICATE_COLUMN", details: { columns: ["tag", "mock__tag"] } });
  });

  it("--columns chooses, with and without the prefix, and leaves the rest unread", async () => {
    for (const columns of [["score"], ["mock__score"], ["score", "mock__score"]]) {
      const root = await demoRoot();
      const text = "sequence,score,tag,bio_type,bad\nAAAA,1,x,dna,{\n";
      expect(await attachCsv(root, "demo", text, { columns })).toMatchObject({ columns: ["mock__score"] });
      expect(Object.keys((await rowsOf(root, "demo"))[0]!).slice(7)).toEqual(["mock__score"]);
    }
  });

  it("unknown, unregistered and absent columns", async () => {
    const root = await demoRoot();
    const cases: readonly (readonly [text: string, columns: readonly string[] | undefined, code: string])[] = [
      ["sequence,score,length\nAAAA,1,4\n", undefined, "COLUMN_NOT_REGISTERED"],
      ["sequence,other__score\nAAAA,1\n", undefined, "COLUMN_NOT_REGISTERED"],
      ["sequence,Score\nAAAA,1\n", undefined, "COLUMN_NOT_REGISTERED"],
      ["sequence,score\nAAAA,1\n", ["nothing"], "COLUMN_NOT_REGISTERED"],
      ["sequence,score\nAAAA,1\n", ["sequence"], "COLUMN_NOT_REGISTERED"],
      ["sequence,score\nAAAA,1\n", ["score", "tag"], "MISSING_COLUMN"],
      ["sequence\nAAAA\n", undefined, "MISSING_COLUMN"],
      ["score\n1\n", undefined, "MISSING_COLUMN"],
    ];
    for (const [text, columns, code] of cases)
      expect((await refusal(root, () => attachCsv(root, "demo", text, { columns }))).code, text).toBe(code);
  });

  it("jsonl keys may come late; one that is asked for and never comes is missing", async () => {
    const root = await demoRoot();
    const o = { path: "a.jsonl", namespace: "mock", key: "sequence" } as const;
    // More rows than one batch holds, so that the column begins in the second.
    const sequences = Array.from(
      { length: 17_000 },
      (_, i) =>
        `AC${i
          .toString(4)
          .padStart(8, "0")
          .replace(/./g, (d) => "ACGT"[Number(d)]!)}`,
    );
    await importCsv(root, "demo", `sequence\n${sequences.join("\n")}\n`);
    const rows = sequences.map((sequence, i) => ({ sequence, ...(i < 16_500 ? {} : { tag: `t${i}` }), score: i }));
    const text = `${JSON.stringify({ sequence: "TGCA" })}\n${rows.map((row) => JSON.stringify(row)).join("\n")}`;
    const found = await attach(root, "demo", await jsonl(text), o);
    expect(found).toMatchObject({ columns: ["mock__score", "mock__tag"], rows_matched: 17_001 });
    const tags = await column(root, "mock__tag");
    expect(tags).toEqual([...Array(6 + 16_500).fill(null), ...rows.slice(16_500).map(({ tag }) => tag)]);
    expect((await column(root, "mock__score")).slice(4, 8)).toEqual([null, null, 0, 1]);

    const never = await refusal(root, async () =>
      attach(root, "demo", await jsonl('{"sequence":"AAAA","vec":[1]}'), {
        ...o,
        columns: ["vec", "tag"],
        overwrite: true,
      }),
    );
    expect(never.code).toBe("MISSING_COLUMN");
    const keyless = await refusal(root, async () => attach(root, "demo", await jsonl('{"vec":[1]}'), o));
    expect(keyless.code).toMatch(/^MISSING_(KEY|COLUMN)$/);
  });

  it("columns with values need --overwrite: those of parts and those folded into the base", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\nCCCC,2\n");
    const again = await refusal(root, () => attachCsv(root, "demo", "sequence,score,tag\nGGGG,3,x\n"));
    expect(again).toMatchObject({ code: "COLUMN_EXISTS", details: { columns: ["mock__score"] } });
    await attachCsv(root, "demo", "sequence,tag\nGGGG,x\n");
    await materialize(root, "demo");
    for (const text of ["sequence,score\nGGGG,3\n", "sequence,tag\nGGGG,y\n"])
      expect((await refusal(root, () => attachCsv(root, "demo", text))).code).toBe("COLUMN_EXISTS");
    expect(await attachCsv(root, "demo", 'sequence,vec\nAAAA,"[]"\n')).toMatchObject({ columns: ["mock__vec"] });
    await attachCsv(root, "demo", "sequence,score\nGGGG,3\nAAAA,\n", { overwrite: true });
    // A NULL is no value: it hides nothing, in parts as over the base.
    expect(await column(root, "mock__score")).toEqual([1, 2, 3, null, null, null]);
  });

  it("values become the registered type or an error with row and column", async () => {
    const root = await demoRoot();
    await register(
      root,
      "wide",
      "wide__i:int64,wide__s:int8,wide__b:bool,wide__f:float32,wide__l:list<int64>,wide__t:timestamp[us, UTC]",
    );
    const o = { namespace: "wide" };
    for (const [text, name] of [
      ["sequence,s\nAAAA,1\nCCCC,128\n", "s"],
      ["sequence,s\nAAAA,1\nCCCC,1.0\n", "s"],
      ["sequence,i\nAAAA,1\nCCCC,9223372036854775808\n", "i"],
      ["sequence,b\nAAAA,true\nCCCC,yes\n", "b"],
      ["sequence,f\nAAAA,1\nCCCC,one\n", "f"],
      ['sequence,l\nAAAA,[]\nCCCC,"[1.5]"\n', "l"],
      ["sequence,l\nAAAA,[]\nCCCC,[1\n", "l"],
      ["sequence,t\nAAAA,2020-01-01T00:00:00Z\nCCCC,2020-01-01T00:00:00\n", "t"],
    ] as const) {
      const refused = await refusal(root, () => attachCsv(root, "demo", text, o));
      expect(refused, text).toMatchObject({ code: "TYPE_MISMATCH", details: { row: 2, column: name } });
    }
    await attachCsv(root, "demo", 'sequence,i,l\nAAAA,9007199254740993,"[9007199254740993,null]"\nCCCC,,\n', o);
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({
      wide__i: "9007199254740993",
      wide__l: ["9007199254740993", null],
    });
    const typed = (columns: Readonly<Record<string, readonly [string, Cells]>>) => async (): Promise<unknown> =>
      attach(root, "demo", await typedTable({ sequence: ["string", ["AAAA", "CCCC"]], ...columns }), {
        path: "a.parquet",
        namespace: "wide",
        key: "sequence",
      });
    expect((await refusal(root, typed({ s: ["int64", [1n, 128n]] }))).code).toBe("TYPE_MISMATCH");
    expect((await refusal(root, typed({ f: ["float64", [0.5, 0.1]] }))).code).toBe("TYPE_MISMATCH");
    await typed({ s: ["int64", [127n, null]], f: ["float64", [0.5, Number.NaN]] })();
    expect((await rowsOf(root, "demo")).slice(0, 2)).toMatchObject([
      { wide__s: 127, wide__f: 0.5 },
      { wide__s: null, wide__f: "NaN" },
    ]);
  });
});

it("a broken overlay of another namespace does not stand in the way", async () => {
  const root = await demoRoot();
  await register(root, "other", "other__n:int8");
  await root.storage.put("demo/_derived/other.parquet", new TextEncoder().encode("no parquet"));
  expect(await attachCsv(root, "demo", "sequence,score\nAAAA,1\n")).toMatchObject({ rows_matched: 1 });
  expect(await importCsv(root, "demo", "sequence\nAC\n")).toMatchObject({ rows_added: 1 });
});

it("an empty dataset takes ids as missing and refuses sequences as it refuses them elsewhere", async () => {
  const root = writableRoot();
  await register(root, "mock", "mock__score:float64");
  await initDataset(root, "demo");
  const byId = await attachCsv(root, "demo", "id,score\nabc,1\n", { key: "id", allowMissing: true });
  expect(byId).toMatchObject({ rows_matched: 0, rows_missing: 1, part: null });
  expect((await refusal(root, () => attachCsv(root, "demo", "sequence,score\nAC,1\n"))).code).toBe("UNKNOWN_KEY");
});

it("a part reads alone: key first, dense, ordered, every column optional", async () => {
  const root = await demoRoot();
  const { part } = await attachCsv(root, "demo", "sequence,tag\nTGCA,x\nAAAA,\n");
  const file = await parquetAt(root.storage, `demo/${part}`);
  expect(file.schema.fields.map(({ name, nullable }) => [name, nullable])).toEqual([
    ["sequence", true],
    ["mock__tag", true],
  ]);
  const opened = await openPart(file.source, { path: part! });
  expect(opened).toMatchObject({ namespace: "mock", key: "sequence", columns: ["mock__tag"] });
  expect(await partCells(root, part!)).toEqual({ sequence: ["AAAA", "TGCA"], mock__tag: [null, "x"] });
});

it("padded sequences of a foreign base still join", async () => {
  const root = await demoRoot();
  const { baseBytes } = await import("./make.ts");
  await root.storage.put("demo/records.parquet", await baseBytes({ sequences: [" AAAA\u00a0", "CCCC"] }));
  expect(await attachCsv(root, "demo", "sequence,score\nAAAA,1\n")).toMatchObject({ rows_matched: 1 });
  expect(await column(root, "mock__score")).toEqual([1, null]);
});

it("the library takes rows of another scan", async () => {
  const root = await demoRoot();
  await importRows(root, "demo", await csv("sequence\nAC\n"), { path: "a.csv", bioType: "dna", alphabet: "dna_4" });
  await registerNamespace(root, {
    namespace: "emb",
    columns: [{ name: "emb__v", type: "fixed_size_list<float32>[2]" }],
  });
  const table = await typedTable({
    id: ["string", [sequenceId("dna", "AC")]],
    emb__v: ["fixed_size_list<float32>[2]", [[0.5, null]]],
  });
  expect(await attach(root, "demo", table, { path: "a.parquet", namespace: "emb", key: "id" })).toMatchObject({
    rows_matched: 1,
  });
  expect((await rowsOf(root, "demo", { columns: ["emb__v"] })).at(-1)).toEqual({ emb__v: [0.5, null] });
});
