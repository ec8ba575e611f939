import { mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { datasetCommands } from "./dataset-commands.ts";
import { acting, refused } from "./hostile-support.ts";
import { demoWorkspace, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const MEGABYTE = "x".repeat(1_000_000);

describe("hostile names", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await demoWorkspace();
    const far = ["--type", "file", "--base-dir", join(w.dir, "far"), "--verify", "hash"];
    await mkdir(join(w.dir, "far"));
    expect((await w.usr(["remotes", "add", "far", "--remotes", join(w.dir, "remotes.yaml"), ...far])).code).toBe(0);
  });
  afterAll(() => w[Symbol.asyncDispose]());

  const IDS = [
    "..",
    "../demo",
    "demo/..",
    "a\0b",
    "a\nb",
    "-demo",
    "démo",
    "demo\u202e",
    "__proto__",
    "con:",
    "demo%2f..",
    MEGABYTE,
  ];

  it.each(IDS.map((id) => [id.slice(0, 20), id]))("dataset id %j", async (_, id) => {
    const before = await w.bytes();
    for (const [command, args] of await datasetCommands(w, id)) {
      const ran = await w.usr(args);
      expect([command, ran.error?.code], ran.stderr.slice(0, 500)).toEqual([command, "DATASET_ID_INVALID"]);
      refused(ran, "DATASET_ID_INVALID", 3);
    }
    expect(await w.bytes()).toEqual(before);
  });

  it("every command that takes a dataset is among those", async () => {
    const page = await readFile(new URL("../../../docs/commands.md", import.meta.url), "utf8");
    const usages = [...page.matchAll(/^usr ([a-z -]+?) (?:--dest <dataset>|--src <dataset>|DATASET|NAMES…)/gm)];
    expect([...(await datasetCommands(w, "demo")).keys()].sort()).toEqual(usages.map(([, name]) => name).sort());
    expect(page.match(/<dataset>|DATASET|NAMES…/g)?.length).toBeGreaterThan(80);
  });

  it("a dataset id in another case is another id", async () => {
    refused(await w.usr(["info", "Demo"]), "DATASET_NOT_FOUND", 4);
  });

  it.each(
    ["..", "../x", "a/b", "a\0b", "a\nb", "-x", "A", "é", "a\u0301", "__proto__", "mock__x", "", " mock", MEGABYTE].map(
      (n) => [n.slice(0, 20), n],
    ),
  )("namespace %j", async (_, name) => {
    const before = await w.bytes();
    const csv = await w.file("key.csv", `id,a\n${ACGT},1\n`);
    const register = ["namespace", "register", "--columns", `${name}__a:int8`, "--", name];
    refused(await w.usr(register), ["NAMESPACE_INVALID", "COLUMN_INVALID", "REGISTRY_INVALID"], 3);
    refused(await w.usr(["namespace", "show", "--", name]), "NAMESPACE_NOT_REGISTERED", 4);
    refused(
      await w.usr(["attach", "demo", "--path", csv, `--namespace=${name}`, "--key", "id"]),
      name === MEGABYTE ? "NAMESPACE_NOT_REGISTERED" : "NAMESPACE_INVALID",
      name === MEGABYTE ? 4 : 3,
    );
    refused(await w.usr(["materialize", "demo", `--namespace=${name}`, "--yes"]), name === "" ? "USAGE" : "NAMESPACE_NOT_FOUND", name === "" ? 2 : 4); // biome-ignore format: one line
    expect(await w.bytes()).toEqual(before);
  });

  it("a name twice in one list", async () => {
    const before = await w.bytes();
    const out = join(w.dir, "never.csv");
    for (const line of [
      ["head", "demo", "--columns", "id,sequence,id"],
      ["scan", "demo", "--columns", "id", "--columns", " id "],
      ["cols", "demo", "--columns", "id,id"],
      ["export", "demo", "--out", out, "--columns", "id,id"],
      ["materialize", "demo", "--yes", "--namespace", "mock,mock"],
    ])
      refused(await w.usr(line), "USAGE", 2);
    expect(await w.bytes()).toEqual(before);
  });

  it.each(
    ["../id", "a\0b", "-id", "__proto__", "constructor", "toString", "ID", "i\u0131d", "id\n", MEGABYTE].map((n) => [
      n.slice(0, 20),
      n,
    ]),
  )("column %j", async (_, name) => {
    for (const verb of [
      ["head", "demo", `--columns=${name}`],
      ["get", "demo", ACGT, `--columns=${name}`],
      ["cell", "--", "demo", ACGT, name],
      ["export", "demo", "--out", join(w.dir, "never.csv"), `--columns=${name}`],
    ]) {
      if (name === "id\n" && verb[0] !== "cell") continue; // blanks around a name of a list count for nothing
      refused(await w.usr(verb), "UNKNOWN_COLUMN", 4);
    }
    const csv = await w.file("key.csv", `id,score\n${ACGT},1\n`);
    refused(
      await w.usr(["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "id", `--key-column=${name}`]),
      "MISSING_COLUMN",
      3,
    );
    if (name !== "id\n")
      refused(
        await w.usr(["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "id", `--columns=${name}`]),
        ["MISSING_COLUMN", "COLUMN_NOT_REGISTERED"],
        3,
      );
  });

  it.each([
    ["a\0b.csv", "USAGE", 2],
    ["/nowhere/at/all.csv", "NOT_FOUND", 4],
    ["-.csv", "NOT_FOUND", 4],
    [`${MEGABYTE}.csv`, "USAGE", 2],
    ["/etc/passwd/x.csv", "USAGE", 2],
    ["/tmp/.csv", "NOT_FOUND", 4],
  ] as const)("input path %j", async (path, code, exit) => {
    refused(await w.usr(["import", "demo", `--path=${path}`]), code, exit);
    refused(await w.usr(["attach", "demo", `--path=${path}`, "--namespace", "mock", "--key", "id"]), code, exit);
    refused(await w.usr(["id", "--bio-type", "dna", `--from=${path}`]), code, exit);
  });

  it.each([
    ["a\0b.csv", "USAGE", 2],
    ["/nowhere/at/all.csv", "NOT_FOUND", 4],
    [`${MEGABYTE}.csv`, "USAGE", 2],
    ["/etc/passwd/x.csv", "USAGE", 2],
    ["/tmp/x.csv/", "USAGE", 2],
    ["/proc/version/../x.csv", "USAGE", 2],
  ] as const)("output path %j", async (path, code, exit) => {
    refused(await w.usr(["export", "demo", "--fmt", "csv", `--out=${path}`]), code, exit);
  });

  it("an output under a strange name is written under that name", async () => {
    const folder = join(w.dir, "strange");
    await mkdir(folder);
    const names = ["-x.csv", ".hidden.tmp.csv", "a\nb.csv", "é\u202e.csv", "back\\slash.csv"];
    for (const name of names) expect((await w.usr(["export", "demo", `--out=${join(folder, name)}`])).code).toBe(0);
    expect((await readdir(folder)).sort()).toEqual([...names].sort());
    expect((await w.usr(["export", "demo", "--out", join(folder, ".x.tmp"), "--fmt", "parquet"])).code).toBe(0);
    for (const name of [...names, ".x.tmp"]) {
      const from = name === ".x.tmp" ? ["--from", "parquet"] : [];
      const ran = await w.usr(["import", "demo", `--path=${join(folder, name)}`, "--on-conflict", "ignore", ...from]);
      expect([ran.code, ran.stderr]).toEqual([0, ""]);
    }
  });

  it("an input behind a link is read", async () => {
    await w.usr(["export", "demo", "--out", join(w.dir, "linked.parquet")]);
    await mkdir(join(w.dir, "links"));
    await symlink(join(w.dir, "linked.parquet"), join(w.dir, "links/l.parquet"));
    const ran = await w.usr(["import", "demo", "--path", join(w.dir, "links/l.parquet"), "--on-conflict", "ignore"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
  });

  it.each([
    ["\0", "USAGE", 2],
    ["/nowhere/root", "NOT_FOUND", 4],
    ["/etc/passwd", "USAGE", 2],
    [MEGABYTE, "USAGE", 2],
    ["", "USAGE", 2],
  ] as const)("root %j", async (root, code, exit) => {
    refused(await w.usr(["ls", `--root=${root}`]), code, exit);
    refused(await w.usr(["info", "demo", `--root=${root}`]), code, exit);
    refused(
      await w.usr(["import", "demo", "--path", await w.file("a.csv", "sequence\nA\n"), `--root=${root}`]),
      code === "NOT_FOUND" ? "NO_REGISTRY" : code,
      exit,
    );
  });

  it("ids that no row has", async () => {
    for (const id of ["", "..", "\0", "__proto__", ACGT.toUpperCase(), MEGABYTE]) {
      refused(await w.usr(["get", "demo", "--", id]), "UNKNOWN_ID", 4);
      refused(await w.usr(["cell", "--", "demo", id, "id"]), "UNKNOWN_ID", 4);
    }
  });
});

describe("names of JavaScript in data", () => {
  const register = async (w: Workspace): Promise<void> => {
    const specs =
      "p____proto__:int64,p__constructor:struct<__proto__:int64,toString:string>,p__x:list<struct<__proto__:bool>>";
    expect((await w.usr(["namespace", "register", "p", "--columns", specs])).code).toBe(0);
  };

  it.each([
    ["csv", `id,__proto__,constructor\n${ACGT},7,"{""__proto__"":8,""toString"":""s""}"\n`],
    ["jsonl", `{"id":"${ACGT}","__proto__":7,"constructor":{"__proto__":8,"toString":"s"}}\n`],
  ])("%s columns called __proto__ and constructor are columns", async (format, input) => {
    await using w = await demoWorkspace();
    await register(w);
    const ran = await w.usr(["attach", "demo", "--path", "-", "--from", format, "--namespace", "p", "--key", "id"], {
      input,
    });
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    const args = ["head", "demo", "-n", "1", "--columns", "p____proto__,p__constructor"];
    const text = '"p____proto__":7,"p__constructor":{"__proto__":8,"toString":"s"}';
    expect((await w.usr(args)).stdout).toBe(`{${text}}\n`);
    expect((await w.usr(args, { json: false })).stdout).toContain("7\t{__proto__: 8, toString: s}");
    expect((await w.usr(["cell", "demo", ACGT, "p____proto__"])).data).toBe(7);
    expect((await w.usr(["cell", "demo", ACGT, "p__constructor"])).stdout).toContain('{"__proto__":8,"toString":"s"}');
    expect(Object.keys({})).toEqual([]);
  });

  it("an import does not trip over them", async () => {
    await using w = await demoWorkspace();
    const input = '{"sequence":"AATT","__proto__":{"id":"x"},"constructor":1,"hasOwnProperty":null}\n';
    const args = ["import", "demo", "--path", "-", "--from", "jsonl", "--bio-type", "dna", "--alphabet", "dna_4"];
    const ran = await w.usr(args, { input });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.data).toMatchObject({ rows_added: 1 });
  });
});
describe("values that act on terminals", () => {
  it("never reach one, in any way of showing them", async () => {
    await using w = await demoWorkspace();
    const evil = "\u001b[2J\u001b]0;title\u0007\u009b31m\u202egnp.exe\u0000\r\n\t\u2028";
    const input = `${JSON.stringify({ id: ACGT, tag: evil, st: { a: 1, b: evil } })}\n`;
    const ran = await w.usr(
      ["attach", "demo", "--path", "-", "--from", "jsonl", "--namespace", "mock", "--key", "id"],
      { input },
    );
    expect(ran.code, ran.stderr).toBe(0);
    for (const terminal of [true, false]) {
      for (const json of [true, false]) {
        for (const args of [
          ["head", "demo", "--columns", "mock__tag,mock__st"],
          ["scan", "demo"],
          ["cell", "demo", ACGT, "mock__tag"],
          ...(json || !terminal
            ? []
            : [
                ["export", "demo", "--out", "-", "--fmt", "csv"],
                ["export", "demo", "--out", "-", "--fmt", "tsv"],
              ]),
        ]) {
          const { stdout, stderr } = await w.usr(args, { terminal, json, variables: { NO_COLOR: "1" } });
          expect(acting(stdout + stderr, json && !terminal), args.join(" ")).toEqual([]);
        }
      }
    }
    expect((await w.usr(["cell", "demo", ACGT, "mock__tag"])).data).toBe(evil);
    expect((await w.usr(["head", "demo", "--columns", evil], { json: false })).stderr).not.toContain("\u001b");
    expect((await w.usr([evil], { json: false })).stderr).not.toContain("\u001b");
  });
});
