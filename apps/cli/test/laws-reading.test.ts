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
  IDS,
  importArgs,
  lastEvent,
  paths,
  refused,
  registerBeyondPython,
  scan,
  threeParts,
} from "./laws-support.ts";
import { openWorkspace } from "./support.ts";

// What the Python program gets wrong about what attaches accept, what reads show and what commands say of it, each as the law it breaks,
// under its number in the published list of weaknesses.

const [A, T, G] = IDS;
const OVER = { extra: ["--overwrite"] } as const;

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
  await registerBeyondPython(w, types.map((type, i) => `mock__c${i}:${type}`).join(","), "mock__c2");
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
