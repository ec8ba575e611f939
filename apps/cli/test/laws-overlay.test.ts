import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../src/table.ts";
import {
  at,
  attach,
  attachArgs,
  column,
  demo,
  done,
  errorsFound,
  IDS,
  importArgs,
  lastEvent,
  paths,
  refused,
  SEQUENCES,
  shown,
} from "./laws-support.ts";
import { openWorkspace, type Workspace } from "./support.ts";

// What the Python program gets wrong about registry, overlays, attaching and reading, each as the law it breaks, under its number in the
// published list of weaknesses.

const [A, T, G, a, C] = IDS;
const OVER = { extra: ["--overwrite"] } as const;

const compact = (w: Workspace, ...extra: readonly string[]): Promise<unknown> =>
  done(w, ["maintenance", "overlay-compact", "demo", "--namespace", "mock", ...extra]);

const scan = async (w: Workspace): Promise<string> => (await done(w, ["scan", "demo"])).stdout;

/** demo with three parts of mock that overlap in keys and differ in columns and their order. */
const threeParts = async (): Promise<Workspace> => {
  const w = await demo();
  await attach(w, `id,score,tag\n${A},1,old\n${T},2,two\n`);
  await attach(w, `id,n,score\n${T},7,\n${G},8,3\n`, OVER);
  await attach(w, `tag,id,score\nnew,${A},\n`, OVER);
  return w;
};

/** Score, n and tag of the five rows that `threeParts` makes. */
const MERGED = [
  [1, 2, 3, null, null],
  [null, 7, 8, null, null],
  ["new", "two", null, null, null],
];

const merged = async (w: Workspace): Promise<unknown> =>
  Promise.all(["mock__score", "mock__n", "mock__tag"].map((name) => column(w, name)));

test("overlay W1: compacting gives each key once, sets the parts aside, and leaves an overlay that can be attached to", async () => {
  await using w = await threeParts();
  const before = await w.bytes();
  const parts = await paths(w, /_derived\/mock\/part-/);
  await compact(w);
  expect(await merged(w)).toEqual(MERGED);
  const kept = [...(await w.bytes())].filter(([path]) => path.includes("_archived")).map(([, bytes]) => bytes);
  expect(kept.sort()).toEqual(parts.map((path) => before.get(path)).sort());
  expect((await done(w, ["overlay", "list", "demo"])).data).toMatchObject([{ parts: 1, rows: 3, distinct_keys: 3 }]);
  expect(await errorsFound(w, "--strict")).toEqual([]);
  await attach(w, `id,score\n${A},9\n`, OVER);
  expect(await column(w, "mock__score")).toEqual([9, 2, 3, null, null]);
});

test("overlay W2: compacting keeps the columns that the first part lacks", async () => {
  await using w = await demo();
  await attach(w, `id,tag\n${A},x\n`);
  await attach(w, `id,vec,n\n${T},"[1,2]",5\n`);
  await compact(w, "--form", "file");
  expect([await column(w, "mock__tag"), await column(w, "mock__vec"), await column(w, "mock__n")]).toEqual([
    ["x", null, null, null, null],
    [null, [1, 2], null, null, null],
    [null, 5, null, null, null],
  ]);
});

test("overlay W3: columns of parts align by name, whatever their order", async () => {
  await using w = await demo();
  await attach(w, `id,n,score\n${A},1,10\n`);
  await attach(w, `score,n,id\n20,2,${T}\n`, OVER);
  expect([(await column(w, "mock__n")).slice(0, 2), (await column(w, "mock__score")).slice(0, 2)]).toEqual([
    [1, 2],
    [10, 20],
  ]);
});

test("overlay W4: a NULL hides no older value, column by column, before and after compacting and folding", async () => {
  await using w = await threeParts();
  expect(await merged(w)).toEqual(MERGED);
  await compact(w);
  expect(await merged(w)).toEqual(MERGED);
  await done(w, ["materialize", "demo", "--yes"]);
  expect(await merged(w)).toEqual(MERGED);
  await attach(w, `id,tag,score\n${A},,4\n`, OVER);
  expect(await merged(w)).toEqual([[4, 2, 3, null, null], ...MERGED.slice(1)]);
});

test("overlay W5: a failed attach leaves no file, and a temporary of any program is no overlay", async () => {
  await using w = await threeParts();
  const rows = await scan(w);
  const before = await readdir(w.root, { recursive: true });
  await refused(w, attachArgs(OVER), "TYPE_MISMATCH", { input: `id,score\n${A},1\n${T},x\n` });
  await refused(w, attachArgs(OVER), "UNKNOWN_KEY", { input: `id,score\n${A},1\n${"0".repeat(40)},2\n` });
  expect((await readdir(w.root, { recursive: true })).sort()).toEqual(before.sort());
  const part = await readFile(at(w, (await paths(w, /_derived\/mock\/part-/))[0]!));
  for (const name of ["mock.tmp.parquet", "mock.duckdb.tmp.parquet", "other.tmp.parquet", "mock/part-9.parquet.tmp"]) {
    await writeFile(at(w, `demo/_derived/${name}`), part);
    expect([name, (await scan(w)) === rows]).toEqual([name, true]);
    await writeFile(at(w, `demo/_derived/${name}`), part.subarray(0, 50));
    expect([name, (await scan(w)) === rows]).toEqual([name, true]);
  }
  await attach(w, `id,score\n${A},5\n`, OVER);
  expect(await errorsFound(w)).toEqual([]);
});

test("overlay W6: removing needs the word, takes only overlays, and archives keep every generation", async () => {
  await using w = await threeParts();
  const remove = ["overlay", "remove", "demo", "--namespace"];
  await refused(w, [...remove, "mock", "--yes"], "USAGE", { exit: 2 });
  await refused(w, [...remove, "mock", "--archive", "--delete", "--yes"], "USAGE", { exit: 2 });
  for (const namespace of ["../records", "..", "/", "mock/..", "_archived", "", "Mock"])
    for (const how of ["--archive", "--delete"])
      await refused(w, [...remove, namespace, how, "--yes"], "NAMESPACE_INVALID");
  for (const namespace of ["usr", "usr_state"])
    await refused(w, [...remove, namespace, "--delete", "--yes"], "NAMESPACE_RESERVED");
  const first = [...(await w.bytes())].filter(([path]) => path.includes("/part-"));
  await done(w, [...remove, "mock", "--archive", "--yes"]);
  await attach(w, `id,score\n${A},1\n`);
  await done(w, [...remove, "mock", "--archive", "--yes"]);
  const archived = new Set(
    [...(await w.bytes())].filter(([path]) => path.includes("_archived")).map(([, bytes]) => bytes),
  );
  expect(archived.size).toBe(4);
  for (const [, bytes] of first) expect(archived).toContain(bytes);
});

test("overlay W7: marks of other rows than before keep all columns of all rows", async () => {
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", A]);
  await done(w, ["restore", "demo", "--id", [A, T].join()]);
  await done(w, ["delete", "demo", "--id", [T, C].join(), "--reason", "late"]);
  expect(await shown(w)).toEqual(["ACGT", "GGGG", "acgt"]);
  await done(w, ["state", "set", "demo", "--id", G, "--supersedes", "old"]);
  await done(w, ["state", "set", "demo", "--id", a, "--qc-status", "warn"]);
  expect(await column(w, "usr_state__supersedes")).toEqual([null, "old", null]);
  expect(await column(w, "usr_state__qc_status")).toEqual([null, null, "warn"]);
});

describe("overlay W8: an export is whole, and can be attached again", () => {
  const vector = Array.from({ length: 1500 }, (_, i) => (i === 0 ? 1e-11 : i / 7));

  test.each(["csv", "tsv", "jsonl", "parquet", "arrow"])("%s", async (format) => {
    await using w = await demo();
    const rows = [
      {
        id: A,
        score: 1e-11,
        n: "9007199254740993",
        vec: vector,
        at: "2026-01-01T00:00:00.123456Z",
        st: { a: 1, b: 'x,"y"\n' },
        on: true,
        tag: "",
      },
      { id: T, score: null, n: 1, vec: [null, 0.1], at: null, st: null, on: null, tag: " NA " },
    ];
    const input = rows.map((row) => JSON.stringify(row)).join("\n");
    await done(w, ["attach", "demo", "--path", "-", "--from", "jsonl", "--namespace", "mock", "--key", "id"], input);
    const before = await scan(w);
    expect(before).toContain('"9007199254740993"');
    expect(before).toContain("1e-11");
    const out = join(w.dir, `out.${format}`);
    const held = ["mock__score", "mock__n", "mock__tag", "mock__vec", "mock__at", "mock__st", "mock__on"];
    await done(w, ["export", "demo", "--out", out, "--columns", ["id", ...held].join()]);
    await done(w, ["overlay", "remove", "demo", "--namespace", "mock", "--delete", "--yes"]);
    await done(w, ["attach", "demo", "--path", out, "--namespace", "mock", "--key", "id"]);
    expect(await scan(w)).toBe(before);
  });
});

test("overlay W9: large integers beside NULLs are exact, NULL and NaN in lists stay apart, seconds are refused", async () => {
  await using w = await demo();
  await attach(w, `id,n,vec\n${A},9007199254740993,"[1,null,""NaN""]"\n${T},,\n${G},-9223372036854775808,\n`);
  expect((await column(w, "mock__n")).slice(0, 3)).toEqual(["9007199254740993", null, "-9223372036854775808"]);
  expect((await column(w, "mock__vec"))[0]).toEqual([1, null, "NaN"]);
  await refused(w, ["namespace", "register", "late", "--columns", "late__at:timestamp[s]"], "BAD_TYPE");
});

test("overlay W10: folding permutes no row, and rows can be imported after it", async () => {
  await using w = await demo();
  const backwards = SEQUENCES.toReversed()
    .map((s, i) => `${s},${i}`)
    .join("\n");
  await attach(w, `sequence,score\n${backwards}\n`, { key: "sequence" });
  await attach(w, `sequence,score\n${SEQUENCES[2]},9\n`, { key: "sequence", ...OVER });
  await done(w, ["materialize", "demo", "--yes"]);
  await done(w, importArgs(), "sequence\nTGCA\n");
  expect(await shown(w, "--no-overlays")).toEqual([...SEQUENCES, "TGCA"]);
  expect(await column(w, "mock__score")).toEqual([4, 3, 9, 1, 0, null]);
});

test("overlay W11: describe gives each column its own numbers, in any order and with deleted rows too", async () => {
  await using w = await demo();
  await done(w, ["namespace", "register", "zeta", "--columns", "zeta__n:int64"]);
  await attach(w, `id,score,tag\n${A},1.5,x\n${T},-2,\n`);
  await attach(w, `id,n\n${G},9007199254740993\n`, { namespace: "zeta" });
  await done(w, ["delete", "demo", "--id", a]);
  for (const extra of [[], ["--include-deleted"]]) {
    const { rows } = await done(w, ["scan", "demo", ...extra]);
    const names = Object.keys(rows[0] ?? {});
    for (const columns of [names, names.toReversed(), ["zeta__n", "mock__score", "id"]]) {
      const { data } = await done(w, ["describe", "demo", "--columns", columns.join(","), ...extra]);
      const counted = columns.map((name) => {
        const values = rows.map((row) => row[name] ?? null).filter((value) => value !== null);
        const distinct = new Set(values).size;
        return {
          column: name,
          non_null: values.length,
          nulls: rows.length - values.length,
          distinct,
          example: values[0] ?? null,
        };
      });
      expect(data).toMatchObject(counted);
    }
  }
  const { data } = await done(w, ["describe", "demo", "--columns", "zeta__n,mock__score"]);
  expect(data).toMatchObject([
    { min: "9007199254740993", max: "9007199254740993" },
    { min: -2, max: 1.5, mean: -0.25 },
  ]);
});

test("overlay W12: keys are normalised before they are compared, in a part, between parts and with the base", async () => {
  await using w = await demo();
  const keyed = { key: "sequence" };
  const twice = "sequence,score\nGGGG,1\n\u0085GGGG ,2\n";
  expect((await refused(w, attachArgs(keyed), "DUPLICATE_KEY", { input: twice })).message).toMatch(/GGGG|2/);
  await attach(w, "sequence,score\nGGGG,1\n", keyed);
  await attach(w, "sequence,score\n\u0085GGGG\u001c,2\n", { ...keyed, ...OVER });
  expect(await column(w, "mock__score")).toEqual([null, null, 2, null, null]);
  expect((await done(w, ["overlay", "list", "demo"])).data).toMatchObject([{ rows: 2, distinct_keys: 1 }]);
});

test("overlay W13: a frozen registry is what its name says: a torn copy is told, and mended by the next commit", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1\n`);
  const frozen = (await paths(w, /_registry\//))[0]!;
  const whole = (await w.bytes()).get(frozen);
  await writeFile(at(w, frozen), "namespaces:\n  mo");
  expect(await errorsFound(w)).toMatchObject([{ where: expect.stringContaining("_registry") }]);
  await refused(w, ["head", "demo", "--registry-mode", "frozen", "--columns", "id,mock__score"], "REGISTRY_INVALID");
  await done(w, ["delete", "demo", "--id", A]);
  expect((await w.bytes()).get(frozen)).toBe(whole);
  expect(await errorsFound(w)).toEqual([]);
});

test("overlay W14: other namespaces and other words invalidate nothing, and what names an old registry can be told of the new", async () => {
  await using w = await threeParts();
  const values = await merged(w);
  for (const [i, id] of IDS.entries()) {
    await done(w, ["namespace", "register", `late${i}`, "--columns", `late${i}__n:int8`]);
    await done(w, ["namespace", "register", "mock", "--description", `words ${i}`]);
    await done(w, ["state", "set", "demo", "--id", id, "--masked"]);
    await done(w, ["state", "clear", "demo", "--id", id]);
    expect(await errorsFound(w)).toEqual([]);
  }
  expect(await errorsFound(w, "--registry-mode", "current")).not.toEqual([]);
  await done(w, ["maintenance", "overlay-refresh-metadata", "demo"]);
  expect(await errorsFound(w, "--registry-mode", "current")).toEqual([]);
  expect(await merged(w)).toEqual(values);
});

describe("overlay W15: what is broken breaks the reads that need it, and no others", () => {
  const base = ["head", "demo", "--columns", "id,sequence"];

  test("a registry that cannot be read", async () => {
    await using w = await threeParts();
    await writeFile(
      at(w, "registry.yaml"),
      "namespaces:\n  mock:\n    columns: [{name: mock__score, type: flaot}]\n  : {",
    );
    await refused(w, ["head", "demo"], "REGISTRY_INVALID");
    expect((await done(w, base)).rows).toHaveLength(5);
    expect((await done(w, ["head", "demo", "--no-overlays"])).rows).toHaveLength(5);
    expect((await done(w, ["get", "demo", A, "--columns", "sequence"])).rows).toEqual([{ sequence: "ACGT" }]);
    expect(
      (await done(w, ["head", "demo", "--registry-mode", "frozen", "--columns", "mock__score"])).rows,
    ).toHaveLength(5);
  });

  test("a second bio type beside an overlay keyed by sequence, and a broken part", async () => {
    await using w = await demo();
    await attach(w, "sequence,score\nACGT,1\n", { key: "sequence" });
    await done(w, ["namespace", "register", "other", "--columns", "other__n:int8"]);
    await attach(w, `id,n\n${A},1\n`, { namespace: "other" });
    const rna = ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "rna", "--alphabet", "rna_4"];
    await refused(w, rna, "MULTIPLE_BIO_TYPES", { input: "sequence\nACGU\n" });
    // Another program may have written both all the same.
    const mock = at(w, "demo/_derived/mock");
    await rename(mock, join(w.dir, "mock"));
    await done(w, rna, "sequence\nACGU\n");
    await rename(join(w.dir, "mock"), mock);
    await refused(w, ["head", "demo"], "MULTIPLE_BIO_TYPES");
    expect((await done(w, base)).rows).toHaveLength(6);
    expect(await column(w, "other__n")).toEqual([1, null, null, null, null, null]);
    await writeFile(at(w, (await paths(w, /_derived\/other\//))[0]!), "PAR1");
    await refused(w, ["head", "demo", "--columns", "other__n"], "CORRUPT");
    expect((await done(w, base)).rows).toHaveLength(6);
  });
});

test("overlay W16: ordinary mistakes are answered, and nothing to show is no mistake", async () => {
  await using w = await demo();
  await refused(w, ["head", "demo", "--columns", "mock__scroe"], "UNKNOWN_COLUMN", { exit: 4 });
  await refused(w, ["get", "demo", A, "0".repeat(40)], "UNKNOWN_ID", { exit: 4 });
  await refused(w, attachArgs(), "CORRUPT", { input: "" });
  await done(w, ["init", "nothing"]);
  for (const format of ["parquet", "arrow", "csv", "jsonl", "fasta"]) {
    const out = join(w.dir, `empty.${format}`);
    expect((await done(w, ["export", "nothing", "--out", out])).data).toMatchObject({ rows: 0 });
  }
});

test("overlay W17: every command has a form for programs, also for nothing; text for programs is never cut", async () => {
  await using w = await openWorkspace();
  expect((await done(w, ["ls"])).data).toEqual([]);
  await done(w, ["namespace", "register", "mock", "--columns", "mock__tag:string"]);
  await done(w, ["init", "demo"]);
  for (const args of [
    ["head", "demo"],
    ["scan", "demo"],
  ])
    expect((await done(w, args)).stdout).toBe("");
  for (const args of [
    ["overlay", "list", "demo"],
    ["snapshot", "list", "demo"],
  ])
    expect((await done(w, args)).data).toEqual([]);
  const long = "ACGT".repeat(200);
  await done(w, importArgs(), `sequence\n${long}\n`);
  expect((await w.usr(["head", "demo"], { json: false })).stdout).toContain(long);
});

test("overlay W18: every type can be registered from the command line, in one spelling", async () => {
  await using w = await openWorkspace();
  const types = [
    "struct<a:int64,b:list<string>>",
    "timestamp[us, UTC]",
    "struct<at:timestamp[us, Europe/Berlin],n:int8>",
    "list<struct<a:int64,b:string>>",
    "fixed_size_list<float32>[3]",
  ];
  await done(w, [
    "namespace",
    "register",
    "mock",
    "--columns",
    types.map((type, i) => `mock__c${i}:${type}`).join(","),
  ]);
  const shows = async (namespace: string): Promise<unknown> =>
    Object((await done(w, ["namespace", "show", namespace])).data).columns.map((entry: unknown) => Object(entry).type);
  expect(await shows("mock")).toEqual(types);
  await done(w, [
    "namespace",
    "register",
    "other",
    "--columns",
    "other__a: timestamp[us,UTC],other__b:struct< a : int64, b:string >",
  ]);
  expect(await shows("other")).toEqual(["timestamp[us, UTC]", "struct<a:int64,b:string>"]);
  for (const [namespace, code] of [
    ["Mock", "NAMESPACE_INVALID"],
    ["mock__x", "NAMESPACE_INVALID"],
    ["usr", "NAMESPACE_RESERVED"],
    ["usr_state", "NAMESPACE_RESERVED"],
    ["1a", "NAMESPACE_INVALID"],
  ] as const)
    await refused(w, ["namespace", "register", namespace, "--columns", `${namespace}__n:int8`], code);
});

test("overlay W19: a value becomes the registered type, where it is a value of that type", async () => {
  await using w = await openWorkspace();
  const types = {
    score: "float64",
    n: "int64",
    small: "int16",
    flag: "bool",
    vec: "fixed_size_list<float32>[2]",
    tags: "list<string>",
  };
  await done(w, [
    "namespace",
    "register",
    "mock",
    "--columns",
    Object.entries(types)
      .map(([name, type]) => `mock__${name}:${type}`)
      .join(),
  ]);
  await done(w, ["init", "demo"]);
  await done(w, importArgs(), "sequence\nACGT\nTTTT\n");
  await attach(w, `id,score,n,small,flag,vec,tags\n${A},3,,-7,TRUE,"[1,2]",[]\n${T},,5,,false,,\n`);
  const rows = (
    await done(w, [
      "scan",
      "demo",
      "--columns",
      Object.keys(types)
        .map((name) => `mock__${name}`)
        .join(),
    ])
  ).rows;
  expect(rows.map((row) => Object.values(row))).toEqual([
    [3, null, -7, true, [1, 2], []],
    [null, 5, null, false, null, null],
  ]);
  for (const [name, cell] of [
    ["small", "32768"],
    ["vec", "[1]"],
    ["tags", "[1]"],
    ["flag", "1"],
  ])
    await refused(w, attachArgs(OVER), "TYPE_MISMATCH", { input: `id,${name}\n${A},"${cell}"\n` });
});

describe("overlay W20: parts of one namespace share a key, and an empty folder stops nobody", () => {
  test("parts may differ in columns, never in their key", async () => {
    await using w = await demo();
    await mkdir(at(w, "demo/_derived/mock"), { recursive: true });
    await attach(w, `id,score\n${A},1\n`);
    const parts = await paths(w, /part-/);
    for (const key of ["sequence", "sequence_norm"])
      await refused(w, [...attachArgs({ key }), "--key-column", "k"], "KEY_MISMATCH", { input: "k,tag\nACGT,x\n" });
    await attach(w, `id,tag\n${T},x\n`);
    expect(await paths(w, /part-/)).toHaveLength(parts.length + 1);
    expect([await column(w, "mock__score"), await column(w, "mock__tag")]).toEqual([
      [1, null, null, null, null],
      [null, "x", null, null, null],
    ]);
  });

  // The Python program takes a folder for an overlay, whether it holds a part or not.
  test.each([
    "overlay remove demo --namespace mock --archive",
    "overlay remove demo --namespace mock --delete",
    "maintenance overlay-compact demo --namespace mock --form file",
    "materialize demo",
    "materialize demo --drop",
  ])("and none is left by %s", async (command) => {
    for (const parts of [1, 2]) {
      await using w = await demo();
      for (let i = 0; i < parts; i++) await attach(w, `id,score\n${IDS[i]},1\n`, OVER);
      await done(w, [...command.split(" "), "--yes"]);
      expect([parts, await readdir(w.root, { recursive: true })]).not.toEqual([
        parts,
        expect.arrayContaining([join("demo", "_derived", "mock")]),
      ]);
    }
  });
});

test("overlay W21: orders and counts are those that were asked for", async () => {
  await using w = await threeParts();
  const names = ["mock__tag", "sequence", "id"];
  for (const args of [
    ["head", "demo"],
    ["scan", "demo"],
    ["get", "demo", A],
  ])
    for (const row of (await done(w, [...args, "--columns", names.join()])).rows)
      expect(Object.keys(row)).toEqual(names);
  await done(w, ["delete", "demo", "--id", G]);
  expect((await done(w, ["info", "demo"])).data).toMatchObject({ rows: 4, rows_deleted: 1, rows_base: 5 });
  expect((await done(w, ["cols", "demo"])).data).toEqual(
    expect.arrayContaining([expect.objectContaining({ column: "mock__score", origin: "mock" })]),
  );
  expect((await done(w, ["cell", "demo", A, "mock__tag"])).data).toBe("new");
  const { data } = await attach(w, `id,score\n${A},1\n`, OVER);
  expect(data).toMatchObject({ rows_incoming: 1, rows_matched: 1, rows_missing: 0 });
  expect((await lastEvent(w))?.["metrics"]).toEqual({ rows_incoming: 1, rows_matched: 1, rows_missing: 0 });
});

test("overlay W22: a read writes nothing, also into the log, and needs no permission to", async () => {
  await using w = await threeParts();
  const log = await readFile(at(w, "demo/.events.log"));
  await rm(at(w, "demo/.usr.lock"));
  await rm(at(w, "demo/.events.lock"));
  const before = (await readdir(w.root, { recursive: true })).sort();
  const reads = [
    ["ls"],
    ["info", "demo"],
    ["schema", "demo"],
    ["cols", "demo"],
    ["head", "demo"],
    ["scan", "demo"],
    ["get", "demo", A],
  ];
  reads.push(
    ["cell", "demo", A, "mock__score"],
    ["state", "get", "demo", "--id", A],
    ["events", "tail", "demo"],
    ["snapshot", "list", "demo"],
  );
  reads.push(
    ["overlay", "list", "demo"],
    ["namespace", "list"],
    ["namespace", "show", "mock"],
    ["doctor", "demo"],
    ["validate", "demo"],
  );
  for (const args of reads) await w.usr(args);
  expect((await readdir(w.root, { recursive: true })).sort()).toEqual(before);
  expect(await readFile(at(w, "demo/.events.log"))).toEqual(log);
  expect(COMMANDS.length).toBeGreaterThan(reads.length);
});

test("overlay W23: a new registry makes no snapshot and pushes none out", async () => {
  await using w = await threeParts();
  await done(w, ["snapshot", "create", "demo"]);
  await done(w, ["materialize", "demo", "--keep", "--yes"]);
  const snapshots = await paths(w, /_snapshots/);
  for (let i = 0; i < 6; i++) {
    await done(w, ["namespace", "register", `late${i}`, "--columns", `late${i}__n:int8`]);
    await done(w, ["maintenance", "registry-freeze", "demo"]);
  }
  expect(await paths(w, /_snapshots/)).toEqual(snapshots);
});

test("overlay W24: an attach writes the rows it brings and touches no other part", async () => {
  await using w = await demo();
  const many = Array.from(
    { length: 3000 },
    (_, i) => `A${i.toString(4).replace(/./g, (digit) => "ACGT"[Number(digit)]!)}C`,
  );
  await done(w, importArgs(), `sequence\n${many.join("\n")}\n`);
  const tags = many.map((sequence, i) => `${sequence},${((i * 7919) % 1e6).toString(36)}`);
  await attach(w, `sequence,tag\n${tags.join("\n")}\n`, { key: "sequence" });
  const before = await w.bytes();
  await attach(w, `sequence,tag\n${many[0]},new\n`, { key: "sequence", ...OVER });
  const after = await w.bytes();
  const added = [...after.keys()].filter((path) => !before.has(path));
  expect(added).toEqual([expect.stringMatching(/_derived\/mock\/part-/)]);
  expect(after.get(added[0]!)!.length).toBeLessThan(6000);
  for (const [path, bytes] of before)
    if (!path.endsWith(".events.log")) expect([path, after.get(path) === bytes]).toEqual([path, true]);
});

test("overlay W26: a registry is read when it is needed, never from a memory of it", async () => {
  await using w = await threeParts();
  const rows = await scan(w);
  await rename(at(w, "registry.yaml"), at(w, "away.yaml"));
  await refused(w, ["head", "demo"], "NO_REGISTRY", { exit: 4 });
  const text = await readFile(at(w, "away.yaml"), "utf8");
  await writeFile(
    at(w, "registry.yaml"),
    text.replace("mock__score\n      type: float64", "mock__score\n      type: float32"),
  );
  await refused(w, ["head", "demo"], "TYPE_MISMATCH");
  await writeFile(at(w, "registry.yaml"), text);
  expect(await scan(w)).toBe(rows);
});
