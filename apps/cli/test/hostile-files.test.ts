import { mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acting, refused } from "./hostile-support.ts";
import { demoWorkspace, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
/** `&a [..]` nested: 9^9 values when it is spelled out. */
const aliasBomb = `a: &a ["x","x","x","x","x","x","x","x","x"]\n${"bcdefghi"
  .split("")
  .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(",")}]`)
  .join("\n")}\n`;

describe("a hostile registry.yaml", () => {
  it.each([
    ["an alias bomb", aliasBomb],
    ["no YAML", "{[}\u0000\u0001"],
    ["a text", "hello"],
    ["nothing", ""],
    ["a list", "- a\n- b\n"],
    ["two documents", "namespaces: {}\n---\nnamespaces: {}\n"],
    ["a lone quote", "namespaces: {a: 'b}\n"],
    ["NUL", "namespaces: {}\u0000\n"],
    ["a namespace that is written twice", "namespaces:\n  a: {columns: []}\n  a: {columns: []}\n"],
    ["__proto__ for a mapping", "namespaces: {__proto__: [1]}\n"],
    ["a tag", "namespaces: !!js/function 'function(){}'\n"],
    ["a deep nest", `${"[".repeat(100_000)}`],
    ["another shape", "namespaces: [1, 2]\n"],
    ["garbage bytes", new Uint8Array([0xff, 0xfe, 0x00, 0x80])],
  ])("%s", async (_, content) => {
    await using w = await demoWorkspace();
    await writeFile(join(w.root, "registry.yaml"), content);
    const before = await w.bytes();
    const csv = await w.file("k.csv", `id,score\n${ACGT},1\n`);
    for (const args of [
      ["namespace", "list"],
      ["namespace", "show", "mock"],
      ["namespace", "register", "x", "--columns", "x__a:int8"],
      ["init", "other"],
      ["import", "demo", "--path", csv],
      ["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "id"],
      ["maintenance", "registry-freeze", "demo"],
    ]) {
      refused(await w.usr(args), "REGISTRY_INVALID", 3);
    }
    // Base columns need no registry.
    expect((await w.usr(["head", "demo"])).code).toBe(0);
    expect(await w.bytes()).toEqual(before);
  });

  it("one line of 8 GiB", async () => {
    await using w = await demoWorkspace();
    await truncate(join(w.root, "registry.yaml"), 2 ** 33);
    for (const args of [
      ["namespace", "list"],
      ["namespace", "register", "x", "--columns", "x__a:int8"],
      ["import", "demo", "--path", await w.file("k.csv", "sequence\nAC\n")],
    ])
      refused(await w.usr(args), "REGISTRY_INVALID", 3);
    expect((await w.usr(["head", "demo"])).code).toBe(0);
    expect((await w.usr(["validate", "demo"])).stdout).toContain("REGISTRY_INVALID");
    expect((await w.usr(["doctor", "demo"])).stdout).toContain("REGISTRY_INVALID");
  });

  it("a folder in its place", async () => {
    await using w = await demoWorkspace();
    await rm(join(w.root, "registry.yaml"));
    await mkdir(join(w.root, "registry.yaml"));
    refused(await w.usr(["namespace", "list"]), "NO_REGISTRY", 4);
    const ran = await w.usr(["namespace", "register", "x", "--columns", "x__a:int8"]);
    refused(ran, ["PATH_INVALID", "IO"], ran.error?.code === "IO" ? 8 : 3);
  });
});

describe("a hostile records.parquet", () => {
  const READS = [
    ["info", "demo"],
    ["schema", "demo"],
    ["head", "demo"],
    ["scan", "demo"],
    ["get", "demo", ACGT],
    ["cell", "demo", ACGT, "id"],
    ["cols", "demo"],
    ["materialize", "demo", "--drop-deleted", "--yes"],
    ["maintenance", "registry-freeze", "demo"],
  ];
  it.each([
    ["cut off", (bytes: Buffer): Uint8Array => bytes.subarray(0, bytes.length - 20)],
    ["cut in half", (bytes: Buffer): Uint8Array => bytes.subarray(0, bytes.length / 2)],
    ["garbage", (): Uint8Array => Buffer.from("not a parquet file at all, whatever its name says")],
    ["empty", (): Uint8Array => new Uint8Array(0)],
    ["only the magic", (): Uint8Array => Buffer.from("PAR1PAR1")],
    ["a huge footer length", (): Uint8Array => Buffer.from("PAR1\xff\xff\xff\x7fPAR1", "latin1")],
  ])("%s", async (_, damage) => {
    await using w = await demoWorkspace();
    const path = join(w.root, "demo/records.parquet");
    await writeFile(path, damage(await readFile(path)));
    const before = await w.bytes();
    const out = join(w.dir, "out.csv");
    const csv = await w.file("k.csv", `sequence,score\nAACC,1\n`);
    for (const args of [
      ...READS,
      ["export", "demo", "--out", out],
      ["import", "demo", "--path", csv, "--bio-type", "dna", "--alphabet", "dna_4"],
      ["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "sequence"],
    ]) {
      refused(await w.usr(args), ["CORRUPT", "TOO_LARGE"], 3);
    }
    const listed = await w.usr(["ls"]);
    expect([listed.code, listed.stdout.startsWith('{"usr_output_version":1,"command":"ls"')]).toEqual([0, true]);
    expect(listed.stderr).toContain("warning: demo: ");
    expect(JSON.stringify(listed.data)).toContain('"problem"');
    expect((await w.usr(["ls"], { json: false })).stdout).toMatch(/^demo +broken /m);
    const validated = await w.usr(["validate", "demo"]);
    expect(validated.code).toBe(3);
    expect(validated.stdout + validated.stderr).toContain("CORRUPT");
    expect(await w.bytes()).toEqual(before);
    await expect(readFile(out)).rejects.toThrow();
  });

  it("a folder in its place", async () => {
    await using w = await demoWorkspace();
    const path = join(w.root, "demo/records.parquet");
    await rm(path);
    await mkdir(path);
    for (const args of READS) refused(await w.usr(args), "DATASET_NOT_FOUND", 4);
    expect((await w.usr(["ls"])).data).toEqual([]);
  });

  it("a link that leaves the root", async () => {
    await using w = await demoWorkspace();
    const path = join(w.root, "demo/records.parquet");
    await writeFile(join(w.dir, "outside.parquet"), await readFile(path));
    await rm(path);
    await symlink(join(w.dir, "outside.parquet"), path);
    for (const args of READS) refused(await w.usr(args), "PATH_INVALID", 3);
    expect((await w.usr(["ls"])).code).toBe(0);
  });
});

describe("hostile overlays and logs", () => {
  const attached = async (): Promise<Workspace> => {
    const w = await demoWorkspace();
    const input = `id,score\n${ACGT},1\n`;
    await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"], { input });
    return w;
  };

  it("a part of garbage breaks the reads that need it and no others", async () => {
    await using w = await attached();
    await writeFile(join(w.root, "demo/_derived/mock/part-20300101T000000000000Z-0.parquet"), "garbage");
    refused(await w.usr(["head", "demo"]), "CORRUPT", 3);
    refused(await w.usr(["info", "demo"]), "CORRUPT", 3);
    expect((await w.usr(["head", "demo", "--columns", "id,sequence"])).rows).toHaveLength(5);
    expect((await w.usr(["head", "demo", "--no-overlays"])).rows).toHaveLength(5);
    expect((await w.usr(["validate", "demo"])).code).toBe(3);
  });

  it("an overlay folder under a hostile name", async () => {
    await using w = await attached();
    for (const name of ["__proto__", "\u001b[31mred", "é", "usr"]) {
      await mkdir(join(w.root, "demo/_derived", name));
      await writeFile(join(w.root, "demo/_derived", name, "part-x.parquet"), "garbage");
    }
    const ran = await w.usr(["validate", "demo"], { json: false });
    expect(ran.code).toBe(3);
    expect(ran.stdout).not.toContain("\u001b");
    for (const args of [["ls"], ["info", "demo"], ["head", "demo"], ["schema", "demo"]]) {
      const shown = await w.usr(args, { json: false });
      expect(shown.code, shown.stderr).not.toBe(1);
      expect(shown.stdout + shown.stderr).not.toContain("\u001b");
    }
  });

  it("an event log of garbage is told line by line, a folder in its place refused", async () => {
    await using w = await attached();
    const log = join(w.root, "demo/.events.log");
    const whole = await readFile(log, "utf8");
    await writeFile(log, `${whole}\u001b[2J not json\n{"action":"x\u009b31m"}\n[1]\n\n{"torn`);
    const ran = await w.usr(["events", "tail", "demo"]);
    expect(ran.code).toBe(0);
    expect(ran.stdout.startsWith(whole)).toBe(true);
    expect(ran.stderr).toContain("warning: ");
    expect(acting(ran.stdout + ran.stderr, true)).toEqual([]);
    await rm(log);
    await mkdir(log);
    expect((await w.usr(["events", "tail", "demo"])).code).not.toBe(1);
    const csv = await w.file("k.csv", `sequence\nAACC\n`);
    const imported = await w.usr(["import", "demo", "--path", csv, "--bio-type", "dna", "--alphabet", "dna_4"]);
    expect(imported.code, imported.stderr).toBeGreaterThan(1);
    expect(["PATH_INVALID", "IO"]).toContain(imported.error?.code);
  });

  it("metadata folders that are files", async () => {
    await using w = await demoWorkspace();
    await writeFile(join(w.root, "demo/_derived"), "");
    const input = `id,score\n${ACGT},1\n`;
    const ran = await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"], {
      input,
    });
    refused(ran, ["PATH_INVALID", "IO"], ran.error?.code === "IO" ? 8 : 3);
    expect((await w.usr(["scan", "demo"])).rows).toHaveLength(5);
  });
});
