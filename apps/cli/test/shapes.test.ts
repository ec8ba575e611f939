import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { demoWorkspace, MOCK_COLUMNS, openWorkspace, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/);

let w: Workspace;
beforeAll(async () => {
  w = await demoWorkspace();
});
afterAll(() => w[Symbol.asyncDispose]());

/** Runs a command that must succeed, and holds the envelope and the order of its keys. */
const documentOf = async (command: string, args: readonly string[], input?: string): Promise<unknown> => {
  const ran = await w.usr(args, input === undefined ? {} : { input });
  expect([ran.code, ran.stderr]).toEqual([0, ""]);
  expect(ran.stdout.endsWith("}\n")).toBe(true);
  expect(ran.stdout.trimEnd()).not.toContain("\n");
  const document: Record<string, unknown> = JSON.parse(ran.stdout);
  expect(Object.keys(document)).toEqual(["usr_output_version", "command", "data"]);
  expect([document["usr_output_version"], document["command"]]).toEqual([1, command]);
  return document["data"];
};

const keysOf = (value: unknown): readonly string[] =>
  typeof value === "object" && value !== null ? Object.keys(value) : [];

const keysOfFirst = (value: unknown): readonly string[] => (Array.isArray(value) ? keysOf(value[0]) : []);

const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];

/** `data` of every command that prints one document: exact keys in the documented order, and what stands in them. */
describe("documents", () => {
  it("namespace register", async () => {
    const args = ["namespace", "register", "extra", "--columns", "extra__a:int8, extra__t:timestamp[us,UTC]"];
    const data = await documentOf("namespace register", [...args, "--owner", "me", "--description", "what"]);
    expect(keysOf(data)).toEqual(["namespace", "columns", "registry_hash", "created", "changed"]);
    expect(data).toEqual({
      namespace: "extra",
      columns: [
        { name: "extra__a", type: "int8" },
        { name: "extra__t", type: "timestamp[us, UTC]" },
      ],
      registry_hash: HASH,
      created: true,
      changed: [],
    });
    expect(await documentOf("namespace register", args)).toMatchObject({ created: false, changed: [] });
    const dry = [...args, "--description", "other", "--dry-run"];
    expect(await documentOf("namespace register", dry)).toMatchObject({ created: false, changed: ["description"] });
  });

  it("namespace list, namespace show", async () => {
    const data = await documentOf("namespace list", ["namespace", "list"]);
    expect(keysOfFirst(data)).toEqual(["namespace", "owner", "description", "columns"]);
    expect(data).toMatchObject([
      { namespace: "extra", owner: "me", description: "what" },
      { namespace: "mock" },
      { namespace: "usr_state" },
    ]);
    const shown = await documentOf("namespace show", ["namespace", "show", "extra"]);
    expect(keysOf(shown)).toEqual(["namespace", "owner", "description", "columns", "contract_hash"]);
    expect(shown).toMatchObject({ namespace: "extra", owner: "me", contract_hash: HASH });
  });

  it("init", async () => {
    const data = await documentOf("init", ["init", "folder/other", "--source", "s", "--notes", "n"]);
    expect(keysOf(data)).toEqual(["dataset", "path"]);
    expect(data).toMatchObject({ dataset: "folder/other" });
  });

  it("import", async () => {
    const args = ["import", "folder/other", "--path", "-", "--from", "csv", ...BIO];
    const data = await documentOf("import", args, "sequence\nAACC\nAAGG\n");
    expect(keysOf(data)).toEqual(["dataset", "rows_read", "rows_added", "rows_skipped", "registry_hash"]);
    expect(data).toEqual({
      dataset: "folder/other",
      rows_read: 2,
      rows_added: 2,
      rows_skipped: 0,
      registry_hash: HASH,
    });
    const again = await documentOf("import", [...args, "--on-conflict", "ignore"], "sequence\nAACC\nTTTT\n");
    expect(again).toMatchObject({ rows_read: 2, rows_added: 1, rows_skipped: 1 });
    expect(await documentOf("import", [...args, "--dry-run"], "sequence\nGGGG\n")).toMatchObject({ rows_added: 1 });
    expect((await w.usr(["scan", "folder/other"])).rows).toHaveLength(3);
  });

  it("attach", async () => {
    const args = ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"];
    const input = `id,score,vec\n${ACGT},0.5,"[1,2,3,4,5]"\nnobody,1,\n`;
    const keys = "dataset namespace key columns rows_incoming rows_matched rows_missing part".split(" ");
    const dry = await documentOf("attach", [...args, "--allow-missing", "--dry-run"], input);
    expect(keysOf(dry)).toEqual(keys);
    expect(dry).toMatchObject({ rows_matched: 1, part: null });
    const data = await documentOf("attach", [...args, "--allow-missing", "--note", "--json"], input);
    expect(keysOf(data)).toEqual(keys);
    expect(data).toEqual({
      dataset: "demo",
      namespace: "mock",
      key: "id",
      columns: ["mock__score", "mock__vec"],
      rows_incoming: 2,
      rows_matched: 1,
      rows_missing: 1,
      part: expect.stringMatching(/^_derived\/mock\/part-[^/]+\.parquet$/),
    });
    const old = [...args, "--columns", "score", "--allow-overwrite"];
    expect(await documentOf("attach", old, `id,score\n${ACGT},0.25\n`)).toMatchObject({ rows_matched: 1 });
  });

  it("ls", async () => {
    const data = await documentOf("ls", ["ls"]);
    const keys = "dataset rows rows_deleted rows_base namespaces size_bytes updated_at".split(" ");
    expect(keysOfFirst(data)).toEqual(keys);
    expect(data).toEqual([
      { dataset: "demo", rows: 5, rows_deleted: 0, rows_base: 5, namespaces: ["mock"], size_bytes: expect.any(Number), updated_at: TIME }, // biome-ignore format: a row
      { dataset: "folder/other", rows: 3, rows_deleted: 0, rows_base: 3, namespaces: [], size_bytes: expect.any(Number), updated_at: TIME }, // biome-ignore format: a row
    ]);
  });

  it("info", async () => {
    const data = await documentOf("info", ["info", "demo"]);
    expect(keysOf(data)).toEqual(
      "dataset path rows rows_deleted rows_base columns namespaces snapshots registry_hash events".split(" "),
    );
    expect(data).toMatchObject({
      dataset: "demo",
      rows: 5,
      rows_deleted: 0,
      rows_base: 5,
      columns: ["id", "bio_type", "sequence", "alphabet", "length", "source", "created_at", "mock__score", "mock__vec"],
      snapshots: 0,
      registry_hash: HASH,
      events: expect.any(Number),
    });
    const namespaces: unknown =
      typeof data === "object" && data !== null && "namespaces" in data ? data.namespaces : [];
    expect(keysOfFirst(namespaces)).toEqual(
      "namespace key parts rows distinct_keys columns size_bytes newest_created_at overlap read_amplification compact".split(
        " ",
      ),
    );
    expect(namespaces).toEqual([
      {
        namespace: "mock",
        key: "id",
        parts: 2,
        rows: 2,
        distinct_keys: 1,
        columns: ["mock__score", "mock__vec"],
        size_bytes: expect.any(Number),
        newest_created_at: TIME,
        overlap: 1,
        read_amplification: 2,
        compact: "usr maintenance overlay-compact demo --namespace mock",
      },
    ]);
  });

  it("schema, cols", async () => {
    const data = await documentOf("schema", ["schema", "demo", "--tree"]);
    expect(keysOf(data)).toEqual(["fields"]);
    const fields: unknown = typeof data === "object" && data !== null && "fields" in data ? data.fields : [];
    expect(keysOfFirst(fields)).toEqual(["name", "type", "nullable", "origin"]);
    expect(fields).toContainEqual({ name: "mock__vec", type: "list<float64>", nullable: true, origin: "mock" });
    expect(fields).toContainEqual({ name: "created_at", type: "timestamp[us, UTC]", nullable: true, origin: "base" });
    const cols = await documentOf("cols", ["cols", "demo"]);
    expect(keysOfFirst(cols).slice(0, 3)).toEqual(["column", "type", "origin"]);
    const chosen = await documentOf("cols", ["cols", "demo", "--columns", "mock__score,id"]);
    expect(chosen).toMatchObject([
      { column: "mock__score", type: "float64", origin: "mock" },
      { column: "id", type: "string", origin: "base" },
    ]);
  });

  it("cell", async () => {
    expect(await documentOf("cell", ["cell", "demo", ACGT, "mock__vec"])).toEqual([1, 2, 3, 4, 5]);
    expect(await documentOf("cell", ["cell", "demo", ACGT, "length"])).toBe(4);
    const tttt = "b5bd5288bb58e4bb3439318d87c4e0b8506c6cfd";
    expect(await documentOf("cell", ["cell", "demo", tttt, "mock__vec"])).toBeNull();
  });

  it("export", async () => {
    const path = join(w.dir, "demo.csv");
    const data = await documentOf("export", ["export", "demo", "--out", path]);
    expect(keysOf(data)).toEqual(["rows", "path", "size_bytes", "sha256"]);
    expect(data).toEqual({ rows: 5, path, size_bytes: (await readFile(path)).length, sha256: HASH });
  });

  it("validate", async () => {
    const data = await documentOf("validate", ["validate", "demo", "--strict"]);
    expect(keysOf(data)).toEqual(["ok", "problems", "checked"]);
    expect(data).toMatchObject({ ok: true, problems: [], checked: { rows: 5, parts: 2 } });
  });

  it("maintenance registry-freeze", async () => {
    const data = await documentOf("maintenance registry-freeze", ["maintenance", "registry-freeze", "demo"]);
    expect(keysOf(data)).toEqual(["registry_hash", "path", "updated"]);
    expect(data).toMatchObject({ registry_hash: HASH });
  });

  it("materialize", async () => {
    const keys = "dataset namespaces columns rows rows_dropped overlays".split(" ");
    const dry = await documentOf("materialize", ["materialize", "demo", "--dry-run"]);
    expect(keysOf(dry)).toEqual(keys);
    const data = await documentOf("materialize", ["materialize", "demo", "--namespace", "mock", "-y"]);
    expect(data).toEqual({ ...Object(dry), dataset: "demo", namespaces: ["mock"], columns: ["mock__score", "mock__vec"], rows: 5, rows_dropped: 0, overlays: "archived" }); // biome-ignore format: a row
    const nothing = await documentOf("materialize", ["materialize", "demo"]);
    expect(nothing).toMatchObject({ namespaces: [], columns: [] });
  });

  it("id", async () => {
    const data = await documentOf("id", ["id", "ACGT", "--bio-type", "dna"]);
    expect(keysOfFirst(data)).toEqual(["sequence", "id", "length"]);
    expect(data).toEqual([{ sequence: "ACGT", id: ACGT, length: 4 }]);
    const many = await documentOf("id", ["id", "--bio-type", "dna", "--from", "-", "--digest", "refget", "--digest", "md5"], " ACGT \r\n\nTTTT"); // biome-ignore format: a row
    expect(keysOfFirst(many)).toEqual(["sequence", "id", "length", "digests"]);
    expect(many).toMatchObject([{ sequence: "ACGT", digests: { refget: "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2", md5: expect.any(String) } }, { sequence: "TTTT" }]); // biome-ignore format: a row
  });
});

describe("rows are NDJSON without an envelope", () => {
  const base = ["id", "bio_type", "sequence", "alphabet", "length", "source", "created_at"];

  it("head, scan, get: keys in column order, --columns chooses and orders", async () => {
    const all = [...base, "mock__score", "mock__vec"];
    expect((await w.usr(["head", "demo", "-n", "2"])).rows.map((row) => Object.keys(row))).toEqual([all, all]);
    expect((await w.usr(["head", "demo", "-n2"])).rows).toHaveLength(2);
    expect((await w.usr(["head", "demo", "--rows=2"])).rows).toHaveLength(2);
    expect((await w.usr(["head", "demo", "-n", "0"])).stdout).toBe("");
    expect((await w.usr(["scan", "demo", "--limit", "3", "--columns", "length,id"])).rows.map((row) => Object.keys(row))).toEqual([["length", "id"], ["length", "id"], ["length", "id"]]); // biome-ignore format: a row
    expect((await w.usr(["scan", "demo", "--columns", "length", "--columns", "id"])).stdout).toContain(
      '{"length":4,"id":"',
    );
    expect((await w.usr(["scan", "demo", "--no-overlays"])).rows).toHaveLength(5);
    const got = await w.usr(["get", "demo", "b5bd5288bb58e4bb3439318d87c4e0b8506c6cfd", ACGT, "--columns=sequence"]);
    expect(got.stdout).toBe('{"sequence":"TTTT"}\n{"sequence":"ACGT"}\n');
    expect((await w.usr(["get", "demo", ACGT, "nobody"])).stdout).toBe("");
  });

  it("events tail", async () => {
    const ran = await w.usr(["events", "tail", "demo", "-n", "2"]);
    expect(ran.rows.map(({ action }) => action)).toEqual(["attach", "materialize"]);
    expect(ran.rows[0]).toMatchObject({ event_version: 1, dataset: { name: "demo" } });
    expect((await w.usr(["events", "tail", "demo", "-n1"])).rows).toHaveLength(1);
    expect((await w.usr(["events", "tail", "demo"])).rows.length).toBeGreaterThan(3);
    const note = (await w.usr(["events", "tail", "demo"])).rows.find(({ args }) => Object(args).note !== undefined && Object(args).note !== ""); // biome-ignore format: a row
    expect(note, "the value of --note was --json").toMatchObject({ args: { note: "--json" } });
  });
});

describe("errors", () => {
  const shape = async (args: readonly string[]): Promise<Record<string, unknown>> => {
    const ran = await w.usr(args);
    expect(ran.stdout).toBe("");
    const document: Record<string, unknown> = JSON.parse(ran.stderr);
    expect(Object.keys(document)).toEqual(["usr_output_version", "error"]);
    expect(keysOf(document["error"])).toEqual(["code", "message", "hint", "details"]);
    return Object(document["error"]);
  };

  it("are one document on stderr, usage errors too", async () => {
    expect(await shape(["info", "nope"])).toMatchObject({ code: "DATASET_NOT_FOUND", details: { dataset: "nope" } });
    expect(await shape(["head", "demo", "--colums", "id"])).toMatchObject({
      code: "USAGE",
      hint: "Did you mean --columns?",
    });
    expect(await shape(["hed", "demo"])).toMatchObject({ code: "USAGE", hint: "Did you mean head?" });
    expect(await shape([])).toMatchObject({ code: "USAGE" });
    expect(await shape(["namespace"])).toMatchObject({ code: "USAGE" });
    expect(await shape(["namespace", "lst"])).toMatchObject({ code: "USAGE", hint: "Did you mean list?" });
    expect(await shape(["import", "demo", "--path"])).toMatchObject({ code: "USAGE" });
    expect(await shape(["attach", "demo", "--path", "x.csv"])).toMatchObject({ code: "USAGE" });
    expect(await shape(["ls", "--jsno"])).toMatchObject({ code: "USAGE", hint: "Did you mean --json?" });
  });

  it("for people: one message, the way out, a trace with --debug alone", async () => {
    const plain = await w.usr(["info", "dmo"], { json: false });
    expect(plain.stderr).toBe(
      "error: There is no dataset dmo. [DATASET_NOT_FOUND]\nhint: Did you mean demo? Ids are exact.\n",
    );
    const usage = await w.usr(["head", "demo", "--colums", "id"], { json: false });
    expect(usage.stderr).toBe("error: unknown option '--colums' [USAGE]\nhint: Did you mean --columns?\n");
    for (const args of [
      ["info", "dmo", "--debug"],
      ["--debug", "info", "dmo"],
    ])
      expect((await w.usr(args, { json: false })).stderr).toMatch(/\n +at /);
  });
});

test("globals stand before and after the command, and between a group and its verb; the last one wins", async () => {
  await using own = await openWorkspace();
  const nowhere = join(own.dir, "nowhere");
  for (const args of [
    ["namespace", "register", "mock", "--columns", MOCK_COLUMNS, "--root", own.root],
    ["namespace", "--root", own.root, "list"],
    ["--root", nowhere, "namespace", "list", "--root", own.root],
    ["--root", nowhere, "namespace", "--root", own.root, "list"],
    ["--no-color", "--quiet", "--debug", "-y", "--no-input", "--lock-timeout", "1.5", "--memory", "64M", "ls"],
    ["ls", "--no-color", "--quiet", "--debug", "-y", "--no-input", "--lock-timeout=1.5", "--memory=64MiB"],
  ]) {
    const ran = await own.usr(args);
    expect([ran.code, ran.stderr], args.join(" ")).toEqual([0, ""]);
  }
  const ran = await own.usr(["ls", "--json"], { json: false });
  expect(ran.data).toEqual([]);
});

test("what follows an option is its value, and what follows -- is an argument", async () => {
  await using own = await demoWorkspace();
  for (const note of ["--quiet", "-y", "--", "-1", "--root", ""]) {
    const args = [
      "attach",
      "demo",
      "--path",
      "-",
      "--from",
      "csv",
      "--namespace",
      "mock",
      "--key",
      "id",
      "--overwrite",
    ];
    const ran = await own.usr([...args, "--note", note], { input: `id,score\n${ACGT},-1\n` });
    expect([ran.code, ran.stderr], note).toEqual([0, ""]);
    const [event] = (await own.usr(["events", "tail", "demo", "-n", "1"])).rows;
    expect(event).toMatchObject({ args: { note } });
  }
  const ran = await own.usr(["id", "--bio-type", "protein", "--", "--json"]);
  expect([ran.code, ran.error?.code]).toEqual([3, "BAD_SYMBOL"]);
  expect((await own.usr(["info", "--", "--help"])).error?.code).toBe("DATASET_ID_INVALID");
});

test("--quiet leaves nothing on stderr but errors", async () => {
  await using own = await demoWorkspace();
  const args = ["import", "demo", "--path", "-", "--from", "csv", ...BIO];
  expect((await own.usr(args, { input: "sequence,x\nAATT,1\n" })).stderr).toContain("note: ");
  expect((await own.usr([...args, "--quiet"], { input: "sequence,x\nAAAT,1\n" })).stderr).toBe("");
  expect((await own.usr(["info", "nope", "--quiet"])).error?.code).toBe("DATASET_NOT_FOUND");
});

test("the variable USR_ROOT stands in for --root, and without both there is no default", async () => {
  await using own = await demoWorkspace();
  const ran = await own.usr(["ls"], { variables: { USR_ROOT: own.root }, root: false });
  expect(ran.data).toMatchObject([{ dataset: "demo" }]);
  const none = await own.usr(["ls"], { root: false });
  expect([none.code, none.error?.code]).toEqual([2, "USAGE"]);
  expect(none.error?.hint).toContain("USR_ROOT");
  // What touches no dataset needs none.
  expect((await own.usr(["id", "ACGT", "--bio-type", "dna"], { root: false })).code).toBe(0);
  const script = await own.usr(["complete", "bash"], { root: false, json: false });
  expect([script.code, script.stdout.startsWith("_usr()")]).toEqual([0, true]);
  expect((await own.usr(["complete", "bash"], { root: false })).data).toBe(script.stdout);
});

test("the way out is a command that can be typed: it names the dataset", async () => {
  await using own = await demoWorkspace();
  const [row] = (await own.usr(["head", "demo", "-n", "1", "--columns", "id,sequence"])).rows;
  const { id, sequence } = row as { id: string; sequence: string };
  await own.usr(["delete", "demo", "--id", id]);
  const again = await own.file("again.csv", `sequence\n${sequence}\n`);
  const typed = ["import", "demo", "--path", again, "--bio-type", "dna", "--alphabet", "dna_4"];
  expect((await own.usr(typed)).error?.hint).toContain(`usr restore demo --id ${id}`);
  await mkdir(join(own.root, "demo", ".staging"), { recursive: true });
  await writeFile(join(own.root, "demo", ".staging", "pending.json"), "{}");
  expect((await own.usr(["validate", "demo"])).stdout).toContain("usr doctor demo --repair");
  expect((await own.usr(["doctor", "demo"])).stdout).not.toContain("DATASET");
  // An overlay in both forms is an error that names its repair.
  await rm(join(own.root, "demo", ".staging", "pending.json"));
  const scores = await own.file("scores.csv", "sequence,score\nTTTT,1\n");
  const attach = ["attach", "demo", "--path", scores, "--namespace", "mock", "--key", "sequence"];
  expect((await own.usr(attach)).code).toBe(0);
  const derived = join(own.root, "demo", "_derived");
  const [part = ""] = await readdir(join(derived, "mock"));
  await copyFile(join(derived, "mock", part), join(derived, "mock.parquet"));
  const { code, error } = await own.usr(["scan", "demo"]);
  expect([code, error?.code, error?.hint?.split(": ")[1]]).toEqual([
    3,
    "OVERLAY_BOTH_FORMS",
    "usr doctor demo --repair",
  ]);
  expect((await own.usr(["doctor", "demo", "--repair", "--yes"])).code).toBe(0);
  expect((await own.usr(["scan", "demo", "--columns", "mock__score"])).code).toBe(0);
});

test("a folder of a remote is written down whole, wherever it was named from", async () => {
  await using own = await demoWorkspace();
  const remotes = join(own.dir, "remotes.yaml");
  const add = ["remotes", "add", "near", "--type", "file", "--base-dir", "copies", "--remotes", remotes];
  expect((await own.usr(add)).data).toMatchObject({ where: resolve("copies") });
});
