/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { describe, expect, it } from "vitest";
import { attach, importRows } from "../src/write/index.ts";
import { column, emptyRoot, lines, random, sequencesOf } from "./write-import-support.ts";
import {
  bytesUnder,
  changedPaths,
  csv,
  demoRoot,
  eventsOf,
  importCsv,
  jsonl,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  typedTable,
} from "./write-support.ts";

describe("what a row becomes", () => {
  it("source: the option, else the cell, else the path as typed", async () => {
    const root = await emptyRoot();
    await importCsv(root, "demo", "sequence,source\nAC,lab\nGT,\n", { path: "../in/a.csv" });
    await importCsv(root, "demo", "sequence,source\nACA,lab\nGTG,\n", { path: "a.csv", source: "typed" });
    await importCsv(root, "demo", 'sequence,source\nCC,""\n', { path: "a.csv" });
    await importCsv(root, "demo", "sequence\nTT\n", { path: "stdin" });
    expect(await column(root, "source")).toEqual(["lab", "../in/a.csv", "typed", "typed", "", "stdin"]);
  });

  it("created_at: the cell as an instant, else one moment for the whole import", async () => {
    const root = await emptyRoot();
    const given = "2020-02-03T04:05:06.123456+02:00";
    await importCsv(root, "demo", `sequence,created_at\nAC,\nGT,${given}\nCC,\n`);
    await importCsv(root, "demo", "sequence\nTT\n");
    const [first, second, third, fourth] = await column(root, "created_at");
    expect(second).toBe("2020-02-03T02:05:06.123456Z");
    expect(third).toBe(first);
    expect(fourth).not.toBe(first);
    const log = await eventsOf(root, "demo");
    const stamps = log.filter(({ action }) => action === "import_rows").map((event) => event.timestamp_utc);
    expect(stamps).toEqual([first, fourth]);
  });

  it("created_at of a typed column keeps its microseconds; a naive time or a number is refused", async () => {
    const root = await emptyRoot();
    const table = await typedTable({
      sequence: ["string", ["AC", "GT"]],
      created_at: ["timestamp[us, Europe/Berlin]", [1_600_000_000_123_456n, null]],
    });
    await importRows(root, "demo", table, { path: "a.parquet", bioType: "dna", alphabet: "dna_4" });
    expect((await column(root, "created_at"))[0]).toBe("2020-09-13T12:26:40.123456Z");
    for (const text of ["2020-02-03T04:05:06", "2020-02-03", "1600000000000", "soon"]) {
      const refused = await refusal(root, () => importCsv(root, "demo", `sequence,created_at\nCC,${text}\n`));
      expect(refused).toMatchObject({ code: "TYPE_MISMATCH", details: { row: 1, column: "created_at" } });
    }
    for (const [type, cell] of [
      ["timestamp[us]", 1n],
      ["int64", 1n],
    ] as const) {
      const wrong = await typedTable({ sequence: ["string", ["CC"]], created_at: [type, [cell]] });
      const refused = await refusal(root, () =>
        importRows(root, "demo", wrong, { path: "a.parquet", bioType: "dna", alphabet: "dna_4" }),
      );
      expect(refused.code).toBe("TYPE_MISMATCH");
    }
  });

  it("ids and lengths of every bio type; columns win over options, row by row", async () => {
    const root = await emptyRoot();
    await importCsv(
      root,
      "demo",
      "sequence,bio_type,alphabet\nACGT,,\nACNT,dna,dna_5\nACGU,rna,rna_4\nNNUU,rna,rna_5\nMKV,protein,protein_20\nINF,protein,protein_20\nNAX,protein,protein_21\nacgt,,\n",
    );
    const rows = await rowsOf(root, "demo");
    expect(rows.map((row) => [row["id"], row["bio_type"], row["alphabet"], row["length"]])).toEqual(
      [
        ["dna", "dna_4", "ACGT"],
        ["dna", "dna_5", "ACNT"],
        ["rna", "rna_4", "ACGU"],
        ["rna", "rna_5", "NNUU"],
        ["protein", "protein_20", "MKV"],
        ["protein", "protein_20", "INF"],
        ["protein", "protein_21", "NAX"],
        ["dna", "dna_4", "acgt"],
      ].map(([bio, alphabet, sequence]) => [sequenceId(bio!, sequence!), bio, alphabet, sequence!.length]),
    );
    expect(rows.map((row) => row["sequence"]).slice(5, 7)).toEqual(["INF", "NAX"]);
  });

  it("white space is stripped as Python strips it, no more and no less", async () => {
    const root = await emptyRoot();
    const white = [
      0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
      0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
    ].map((code) => String.fromCodePoint(code));
    const sequences = white.map((_, i) => `ACGT${"A".repeat(i)}C`);
    const input = white.map((space, i) => JSON.stringify({ sequence: `${space}${sequences[i]}${space} ` })).join("\n");
    await importRows(root, "demo", await jsonl(input), { path: "a.jsonl", bioType: "dna", alphabet: "dna_4" });
    expect(await sequencesOf(root)).toEqual(sequences);
    expect(await column(root, "id")).toEqual(sequences.map((sequence) => sequenceId("dna", sequence)));
    for (const code of [0xfeff, 0x200b, 0x180e, 0x2060, 0x00]) {
      const padded = JSON.stringify({ sequence: `A${String.fromCodePoint(code)}` });
      const refused = await refusal(root, async () =>
        importRows(root, "demo", await jsonl(padded), { path: "a.jsonl", bioType: "dna", alphabet: "dna_4" }),
      );
      expect(refused).toMatchObject({ code: "BAD_SYMBOL", details: { position: 2, row: 1 } });
    }
  });

  it("rows keep the order of the input, over many batches and imports", async () => {
    const root = await emptyRoot();
    const sequences = random(40_000, 7);
    await importCsv(root, "demo", lines(sequences.slice(0, 17_000)));
    await importCsv(root, "demo", lines(sequences.slice(17_000)));
    expect(await sequencesOf(root)).toEqual(sequences);
  });

  it("columns it does not look at are left out and reported", async () => {
    const root = await emptyRoot();
    const found = await importCsv(root, "demo", "x,sequence,mock__score,Sequence\n1,AC,2,GT\n");
    expect(found.ignored_columns).toEqual(["x", "mock__score", "Sequence"]);
    expect(Object.keys((await rowsOf(root, "demo"))[0]!)).toHaveLength(7);
  });
});

describe("what is refused, and leaves every byte as it was", () => {
  const cases: readonly (readonly [name: string, text: string, code: string, details: Record<string, unknown>])[] = [
    ["no sequence column", "seq\nAC\n", "MISSING_COLUMN", { column: "sequence" }],
    ["another case of the header", "Sequence\nAC\n", "MISSING_COLUMN", { column: "sequence" }],
    ["an empty cell", "sequence,x\nAC,1\n,2\n", "EMPTY_SEQUENCE", { row: 2 }],
    ["a blank cell", 'sequence\nAC\n" \u00a0\t"\n', "EMPTY_SEQUENCE", { row: 2 }],
    ["a symbol", "sequence\nAC\nACGN\n", "BAD_SYMBOL", { row: 2, position: 4, symbol: "N" }],
    ["the symbol after padding", 'sequence\n"  AC-T"\n', "BAD_SYMBOL", { row: 1, position: 3, symbol: "-" }],
    ["an alphabet", "sequence,alphabet\nAC,dna_6\n", "BAD_ALPHABET", { row: 1 }],
    ["an alphabet of another bio type", "sequence,alphabet\nAC,rna_4\n", "BAD_ALPHABET", { row: 1 }],
    ["a bio type", "sequence,bio_type\nAC,DNA\n", "BAD_BIO_TYPE", { row: 1 }],
    ["a wrong id", "sequence,id\nAC,abc\n", "ID_MISMATCH", { row: 1, column: "id" }],
    ["a wrong length", "sequence,length\nAC,3\n", "LENGTH_MISMATCH", { row: 1, column: "length" }],
    ["a sequence twice", "sequence\nAC\nGT\n AC\n", "DUPLICATE_ID", { count: 1 }],
    ["a stored sequence", "sequence\nAC\nAAAA\n", "DUPLICATE_ID", { count: 1 }],
    ["a wide row", "sequence\nAC,1\n", "CORRUPT", { line: 2 }],
    ["a header twice", "sequence,sequence\nAC,GT\n", "CORRUPT", {}],
  ];
  it.each(cases)("%s", async (_name, text, code, details) => {
    const root = await demoRoot();
    const refused = await refusal(root, () => importCsv(root, "demo", text));
    expect(refused).toMatchObject({ code, details });
  });

  it("names the id in the case it is stored in", async () => {
    const root = await emptyRoot();
    const id = sequenceId("dna", "AC");
    await importCsv(root, "demo", `sequence,id\nAC,${id}\nGT,\n`);
    const upper = await refusal(root, () =>
      importCsv(root, "demo", `sequence,id\nCC,${sequenceId("dna", "CC").toUpperCase()}\n`),
    );
    expect(upper.code).toBe("ID_MISMATCH");
  });

  it("rows without bio type or alphabet, where neither option stands in", async () => {
    const root = await emptyRoot();
    for (const [o, missing] of [
      [{ alphabet: "dna_4" }, "bio_type"],
      [{ bioType: "dna" }, "alphabet"],
    ] as const) {
      const refused = await refusal(root, async () =>
        importRows(root, "demo", await csv("sequence,x\nAC,1\n"), { path: "a.csv", ...o }),
      );
      expect(refused).toMatchObject({ code: "MISSING_COLUMN", details: { row: 1, column: missing } });
    }
  });

  it("counts all and shows five", async () => {
    const root = await demoRoot();
    const stored = await refusal(root, () =>
      importCsv(root, "demo", "sequence\nACAC\nAAAA\nCCCC\nGGGG\nTTTT\nACGT\nTGCA\n"),
    );
    expect(stored).toMatchObject({ code: "DUPLICATE_ID", details: { count: 6 } });
    expect(Object.values(stored.details ?? {}).find(Array.isArray)).toHaveLength(5);
  });

  it("duplicates inside the input and wrong rows stay errors with --on-conflict ignore", async () => {
    const root = await demoRoot();
    for (const [text, code] of [
      ["sequence\nAC\nAC\n", "DUPLICATE_ID"],
      ["sequence\nAAAA\nAAAA\n", "DUPLICATE_ID"],
      ["sequence\nAAAA\nXX\n", "BAD_SYMBOL"],
    ] as const) {
      const refused = await refusal(root, () => importCsv(root, "demo", text, { onConflict: "ignore" }));
      expect(refused.code).toBe(code);
    }
  });

  it("deleted ids, by name and with the way back; restored ones are merely stored", async () => {
    const root = await demoRoot();
    await putTombstones(root, "demo", { CCCC: true, GGGG: false });
    for (const onConflict of ["error", "ignore"] as const) {
      const refused = await refusal(root, () => importCsv(root, "demo", "sequence\nAC\n CCCC\n", { onConflict }));
      expect(refused).toMatchObject({ code: "DELETED_ID", details: { count: 1 } });
      expect(refused.message).toContain("deleted");
      expect(refused.hint).toContain(`usr restore DATASET --id ${sequenceId("dna", "CCCC")}`);
    }
    expect(await importCsv(root, "demo", "sequence\nAC\nGGGG\n", { onConflict: "ignore" })).toMatchObject({
      rows_added: 1,
      rows_skipped: 1,
    });
  });

  it("a tombstone of a sequence that is not stored keeps it out too", async () => {
    const root = await demoRoot();
    await putTombstones(root, "demo", { ACAC: true });
    expect((await refusal(root, () => importCsv(root, "demo", "sequence\nACAC\n"))).code).toBe("DELETED_ID");
  });
});

describe("what an import leaves behind", () => {
  it("one event with the counts of this call", async () => {
    const root = await demoRoot();
    const found = await importCsv(root, "demo", "sequence\nAAAA\nAC\nCCCC\nGT\n", { onConflict: "ignore" });
    expect(found).toMatchObject({ dataset: "demo", rows_read: 4, rows_added: 2, rows_skipped: 2 });
    const log = await eventsOf(root, "demo");
    expect(log.map(({ action }) => action)).toEqual(["registry_freeze", "init", "import_rows", "import_rows"]);
    expect(log.at(-1)).toMatchObject({
      args: { n: 2, source_param: "input.csv", on_conflict: "ignore" },
      metrics: { rows_written: 2, rows_skipped: 2 },
      artifacts: { base: {} },
      fingerprint: {
        rows: 8,
        cols: 7,
        size_bytes: (await parquetAt(root.storage, "demo/records.parquet")).source.meta.size,
      },
      registry_hash: found.registry_hash,
    });
  });

  it("nothing new: no byte, no event, although the registry has changed", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    for (const text of ["sequence\n", "sequence\nAAAA\nCCCC\n"]) {
      const found = await importCsv(root, "demo", text, { onConflict: "ignore" });
      expect(found).toMatchObject({ rows_added: 0, rows_skipped: text.split("\n").length - 2 });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    }
    const none = await importRows(root, "demo", await jsonl("\n"), { path: "a.jsonl" });
    expect(none).toMatchObject({ rows_read: 0, rows_added: 0 });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });

  it("a new registry is frozen, and the base stamped in the same write", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    const { registry_hash: hash } = await importCsv(root, "demo", "sequence\nAC\n");
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([
      "demo/.events.log",
      `demo/_registry/registry.${hash}.yaml`,
      "demo/records.parquet",
    ]);
    expect((await parquetAt(root.storage, "demo/records.parquet")).schema.metadata.get("usr:registry_hash")).toBe(hash);
    expect((await eventsOf(root, "demo")).slice(-2)).toMatchObject([
      { action: "registry_freeze", metrics: { updated: 0 } },
      { action: "import_rows" },
    ]);
  });

  it("a dry run changes nothing and says what the import will say", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const text = "sequence\nAAAA\nAC\n";
    const before = await bytesUnder(root.storage);
    const dry = await importCsv(root, "demo", text, { onConflict: "ignore", dryRun: true });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    expect(await importCsv(root, "demo", text, { onConflict: "ignore" })).toEqual(dry);
  });

  it("no snapshot: an append is no maintenance", async () => {
    const root = await demoRoot();
    await importCsv(root, "demo", "sequence\nAC\n");
    expect([...(await bytesUnder(root.storage)).keys()].filter((path) => path.includes("_snapshots"))).toEqual([]);
  });
});

it("the base is copied while rows are still held against it; a refusal leaves nothing of the copy", async () => {
  const { storage, ...root } = await demoRoot();
  const lengths: unknown[] = [];
  const watched = {
    ...storage,
    extend: (...[path, from, body, o]: Parameters<NonNullable<typeof storage.extend>>) => {
      lengths.push(typeof from.length);
      return storage.extend!(path, from, body, o);
    },
  };
  const before = await bytesUnder(storage);
  for (const [text, code] of [
    ["sequence\nACGTACGT\nAAAA\n", "DUPLICATE_ID"],
    ["sequence\nTTTTT\nTTTTT\n", "DUPLICATE_ID"],
  ] as const) {
    const refused = await refusal({ ...root, storage: watched }, () =>
      importCsv({ ...root, storage: watched }, "demo", text),
    );
    expect(refused.code).toBe(code);
  }
  expect(lengths).toEqual(["object", "object"]);
  expect(changedPaths(before, await bytesUnder(storage))).toEqual([]);
  // Where all rows may be skipped nothing is copied before some are not; and a row that is wrong in itself ends it before.
  const ignored = await importCsv({ ...root, storage: watched }, "demo", "sequence\nAAAA\n", { onConflict: "ignore" });
  expect(ignored.rows_added).toBe(0);
  expect(
    (
      await refusal({ ...root, storage: watched }, () =>
        importCsv({ ...root, storage: watched }, "demo", "sequence\n?\n"),
      )
    ).code,
  ).toBe("BAD_SYMBOL");
  expect(lengths).toHaveLength(2);
});

it("an attach names the dataset it cannot find, and a dataset inside one cannot be addressed", async () => {
  const root = await demoRoot();
  const table = await csv("sequence,score\nAAAA,1\n");
  const refused = await refusal(root, () =>
    attach(root, "other", table, { path: "a.csv", namespace: "mock", key: "sequence" }),
  );
  expect(refused.code).toBe("DATASET_NOT_FOUND");
  expect((await refusal(root, () => importCsv(root, "demo/_derived", "sequence\nAC\n"))).code).toBe(
    "DATASET_ID_INVALID",
  );
});
