import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { COMMANDS } from "../src/table.ts";
import {
  at,
  attach,
  column,
  demo,
  done,
  errorsFound,
  goldenWorkspace,
  IDS,
  importArgs,
  paths,
  refused,
  registerBeyondPython,
  shown,
} from "./laws-support.ts";
import { openWorkspace } from "./support.ts";

// How the Python program lets forms slip: white space that is not the same everywhere, types and times that change on their way, formats that are guessed at.
// Each is a law here, under its number in the published list of weaknesses.

const [A, T] = IDS;

test("core W-27: white space is the same set in every place: import, keys of parts, keys of the base", async () => {
  await using w = await demo();
  const blanks = ["\u0085", "\u001c", "\u00a0", "\u2028", "\u3000", "\t"];
  const padded = ["AACC", "AAGG", "AATT", "CCAA", "GGAA", "TTAA"].map((s, i) => `${blanks[i]}${s}${blanks[5 - i]}`);
  const json = (rows: readonly Readonly<Record<string, unknown>>[]): string =>
    rows.map((row) => JSON.stringify(row)).join("\n");
  const bio = ["--from", "jsonl", "--bio-type", "dna", "--alphabet", "dna_4"];
  await done(w, ["import", "demo", "--path", "-", ...bio], json(padded.map((sequence) => ({ sequence }))));
  expect((await shown(w)).slice(5)).toEqual(["AACC", "AAGG", "AATT", "CCAA", "GGAA", "TTAA"]);
  // What JavaScript trims and Python does not is part of the text: no sequence, and no key that matches.
  await refused(w, ["import", "demo", "--path", "-", ...bio], "BAD_SYMBOL", {
    input: json([{ sequence: "\ufeffAAAA" }]),
  });
  for (const key of ["sequence", "sequence_norm"]) {
    await using other = await demo();
    const args = [
      "attach",
      "demo",
      "--path",
      "-",
      "--from",
      "jsonl",
      "--namespace",
      "mock",
      "--key",
      key,
      "--key-column",
      "k",
    ];
    const keyed = (text: string): string => json([{ k: text, score: 1 }]);
    await refused(other, args, "UNKNOWN_KEY", { input: keyed("ACGT\ufeff") });
    await done(other, args, keyed("\u0085ACGT\u001c"));
    expect((await column(other, "mock__score"))[0]).toBe(1);
  }
  await done(w, ["state", "set", "demo", "--id", A, "--supersedes", "\u0085old\u001c"]);
  await done(w, ["state", "set", "demo", "--id", T, "--supersedes", "\ufeffold"]);
  expect((await column(w, "usr_state__supersedes")).slice(0, 2)).toEqual(["old", "\ufeffold"]);
  await refused(w, ["state", "set", "demo", "--id", T, "--supersedes", "\u001c\u0085"], "USAGE", { exit: 2 });
});

test("core W-28: types come through attach, compact and materialize as they were registered", async () => {
  await using w = await openWorkspace();
  const types = [
    "float16",
    "float32",
    "int64",
    "uint8",
    "timestamp[ms]",
    "timestamp[us, Europe/Berlin]",
    "fixed_size_list<float32>[2]",
    "list<struct<a:int64,b:list<string>>>",
    "struct<at:timestamp[us, UTC]>",
  ];
  await registerBeyondPython(w, types.map((type, i) => `mock__c${i}:${type}`).join(), "mock__c8");
  await done(w, ["init", "demo"]);
  await done(w, importArgs(), "sequence\nACGT\nTTTT\n");
  const row = {
    id: A,
    c0: 0.1,
    c1: 0.1,
    c2: "9007199254740993",
    c3: 255,
    c4: "1969-12-31T23:59:59.999",
    c5: "2026-01-01T00:00:00.123456Z",
    c6: [0.5, null],
    c7: [{ a: "9007199254740993", b: [] }, null],
    c8: { at: null },
  };
  await done(
    w,
    ["attach", "demo", "--path", "-", "--from", "jsonl", "--namespace", "mock", "--key", "id"],
    JSON.stringify(row),
  );
  const seen = async (): Promise<unknown> => [
    Object((await done(w, ["schema", "demo"])).data)
      .fields.slice(7)
      .map(({ name, type }: Record<string, unknown>) => [name, type]),
    (await done(w, ["scan", "demo"])).stdout,
  ];
  const before = await seen();
  expect(before).toMatchObject([
    types.map((type, i) => [`mock__c${i}`, type]),
    expect.stringContaining('"mock__c2":"9007199254740993"'),
  ]);
  await done(w, ["maintenance", "overlay-compact", "demo", "--namespace", "mock", "--form", "file"]);
  expect(await seen()).toEqual(before);
  await done(w, ["materialize", "demo", "--yes"]);
  expect(await seen()).toEqual(before);
  expect(await errorsFound(w, "--strict", "--registry-mode", "current")).toEqual([]);
});

test("core W-29: every table has its metadata, and times have six digits and Z, also at a whole second", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1\n`);
  const { data } = await done(w, ["info", "demo"]);
  const stamps: readonly unknown[] = Object(data).namespaces.map((entry: unknown) => Object(entry).newest_created_at);
  for (const stamp of stamps) expect(stamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const text = async (pattern: RegExp): Promise<string> =>
    (await readFile(at(w, (await paths(w, pattern))[0]!))).toString("latin1");
  const [base, part] = [await text(/records\.parquet$/), await text(/part-/)];
  for (const key of ["usr:schema_version", "usr:id_hash", "usr:dataset_created_at", "usr:registry_hash"])
    expect(base).toContain(key);
  for (const key of [
    "usr:overlay_namespace",
    "usr:overlay_key",
    "usr:overlay_created_at",
    "usr:registry_hash",
    "usr:namespace_contract_hash",
    "usr:event_id",
  ])
    expect(part).toContain(key);
  // What keys there were stays through a stamp, an append and a rewrite.
  const created = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/.exec(
    base.slice(base.indexOf("usr:dataset_created_at")),
  )?.[0];
  await done(w, ["materialize", "demo", "--yes"]);
  expect(await text(/demo\/records\.parquet$/)).toContain(created);
});

test("core W-30: a format from the future is refused by every reader and writer, never guessed at", async () => {
  for (const name of ["refuse-schema-version", "refuse-id-hash"]) {
    await using w = await goldenWorkspace(name);
    for (const args of [
      ["head", "demo"],
      ["scan", "demo", "--no-overlays"],
      ["info", "demo"],
      ["delete", "demo", "--id", A],
      ["materialize", "demo", "--yes"],
    ])
      await refused(w, args, "UNSUPPORTED_VERSION");
    await refused(w, importArgs(), "UNSUPPORTED_VERSION", { input: "sequence\nTGCA\n" });
    expect((await w.usr(["validate", "demo"])).data).toMatchObject({
      ok: false,
      problems: [{ code: "UNSUPPORTED_VERSION" }],
    });
  }
});

test("core W-31: a command that is named anywhere exists: in notes, in hints, in help", async () => {
  // `usr help` is in no table: whatever reads the line answers it.
  const known = new Set(["help", ...COMMANDS.map(({ name }) => name.split(" ")[0])]);
  const named: string[] = [];
  const sources = new URL("../../../", import.meta.url);
  for (const folder of ["apps/cli/src", "packages/dataset/src", "packages/overlay/src"]) {
    for (const entry of await readdir(new URL(folder, sources), { recursive: true })) {
      if (!entry.endsWith(".ts")) continue;
      const text = await readFile(new URL(`${folder}/${entry}`, sources), "utf8");
      for (const [, word = ""] of text.matchAll(/[`"']usr ([a-z-]+)/g)) named.push(word);
    }
  }
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((word) => word !== "" && !known.has(word))).toEqual([]);
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", A]);
  await done(w, ["materialize", "demo", "--drop-deleted", "--yes"]);
  expect(await readFile(at(w, "demo/meta.md"), "utf8")).not.toMatch(/\busr [a-z]/);
});
