import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoWorkspace, type Workspace } from "./support.ts";

describe("maintenance dedupe", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await demoWorkspace();
    const input = "sequence\nGGCC\nTGGCCA\nCAGT\n";
    const args = ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"];
    expect((await w.usr(args, { input })).code).toBe(0);
  });
  afterAll(() => w[Symbol.asyncDispose]());
  const dedupe = ["maintenance", "dedupe", "demo"];

  it("plans, asks, drops, reports", async () => {
    const args = [...dedupe, "--key", "sequence_ci"];
    const before = await w.bytes();
    const dry = await w.usr([...args, "--dry-run"]);
    expect(Object.keys(Object(dry.data))).toEqual(["rows_total", "rows_dropped", "groups", "dropped", "orphans"]);
    expect(dry.data).toMatchObject({ rows_dropped: 1, groups: 1, dropped: [{ reason: "same sequence_ci" }] });
    const unasked = await w.usr(args);
    expect([unasked.code, unasked.error?.code]).toEqual([2, "CONFIRMATION_REQUIRED"]);
    expect(await w.bytes()).toEqual(before);
    const report = join(w.dir, "dropped.csv");
    const ran = await w.usr([...args, "--keep", "keep-last", "--report", report, "--yes"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    const [head, line] = (await readFile(report, "utf8")).split(/\r?\n/);
    expect(head).toBe("id,kept,reason,row,kept_row");
    const { id, kept } = Object(ran.data).dropped[0];
    expect(line).toMatch(new RegExp(`^${id},${kept},same sequence_ci,\\d+,\\d+$`));
    const rows = (await w.usr(["scan", "demo", "--columns", "sequence"])).rows.map(({ sequence }) => sequence);
    expect(rows).toContain("acgt");
    expect(rows).not.toContain("ACGT");
    const after = await w.bytes();
    const again = await w.usr([...args, "--report", report]);
    expect([again.code, again.data]).toEqual([
      0,
      { rows_total: rows.length, rows_dropped: 0, groups: 0, dropped: [], orphans: [] },
    ]);
    expect(await readFile(report, "utf8")).toMatch(/^id,kept,reason,row,kept_row\r?\n$/);
    expect(await w.bytes()).toEqual(after);
    expect((await w.usr(["validate", "demo"])).code).toBe(0);
  });

  it("refuses, and changes no byte", async () => {
    const text = join(w.dir, "there.csv");
    await writeFile(text, "kept");
    const before = await w.bytes();
    for (const [args, code, exit] of [
      [[], "USAGE", 2],
      [["--key", "Sequence"], "USAGE", 2],
      [["--key", "id", "--keep", "best"], "USAGE", 2],
      [["--key", "id", "--report", "x.parquet"], "USAGE", 2],
      [["--key", "id", "--report", "-"], "USAGE", 2],
      [["--key", "id", "--report", join(w.root, "demo", "x.csv")], "USAGE", 2],
      [["--key", "sequence_canonical", "--report", join(w.dir, "no", "x.csv"), "--yes"], "NOT_FOUND", 4],
    ] as const) {
      const ran = await w.usr([...dedupe, ...args]);
      expect([args, ran.code, ran.error?.code]).toEqual([args, exit, code]);
    }
    expect((await w.usr(["maintenance", "dedupe", "nope", "--key", "id"])).code).toBe(4);
    expect((await w.usr(["materialize", "demo", "--prune-overlays"])).code).toBe(2);
    expect(await w.bytes()).toEqual(before);
    expect(await readFile(text, "utf8")).toBe("kept");
  });

  it("carries away what deleted rows leave", async () => {
    const [row] = (await w.usr(["scan", "demo", "--limit", "1"])).rows;
    const id = String(row?.["id"]);
    await w.usr(["state", "set", "demo", "--id", id, "--masked"]);
    await w.usr(["delete", "demo", "--id", id]);
    const args = ["materialize", "demo", "--keep", "--drop-deleted", "--prune-overlays", "--yes"];
    const ran = await w.usr(args);
    expect([ran.code, ran.data]).toMatchObject([0, { rows_dropped: 1 }]);
    expect(Object(ran.data).orphans).toContainEqual({ namespace: "usr_state", rows: 1 });
    expect((await w.usr(["validate", "demo"])).data).toMatchObject({ ok: true, problems: [] });
  });
});

describe("maintenance merge", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await demoWorkspace();
    await w.usr(["init", "other"]);
    const typed = ["--bio-type", "dna", "--alphabet", "dna_4"];
    const args = ["import", "other", "--path", "-", "--from", "csv", ...typed];
    expect((await w.usr(args, { input: "sequence\nTTTT\nGATTACA\nccgg\n" })).code).toBe(0);
    const attach = ["attach", "other", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "sequence"];
    expect((await w.usr(attach, { input: "sequence,score\nGATTACA,7\nTTTT,8\n" })).code).toBe(0);
  });
  afterAll(() => w[Symbol.asyncDispose]());
  const merge = ["maintenance", "merge", "--dest", "demo", "--src", "other"];

  it("refuses, and changes no byte", async () => {
    const before = await w.bytes();
    for (const [args, code, exit] of [
      [["maintenance", "merge", "--src", "other", "--union-columns"], "USAGE", 2],
      [merge, "USAGE", 2],
      [[...merge, "--union-columns", "--require-same-columns"], "USAGE", 2],
      [[...merge, "--union-columns", "--if-duplicate", "Skip"], "USAGE", 2],
      [[...merge, "--union-columns"], "DUPLICATE_ID", 3],
      [[...merge, "--union-columns", "--if-duplicate", "skip", "--casefold", "error"], "DUPLICATE_KEY", 3],
      [[...merge, "--union-columns", "--if-duplicate", "skip"], "CONFIRMATION_REQUIRED", 2],
      [[...merge, "--union-columns", "--carry-namespace", "nope"], "NAMESPACE_NOT_REGISTERED", 4],
      [["maintenance", "merge", "--dest", "demo", "--src", "nope", "--union-columns"], "DATASET_NOT_FOUND", 4],
      [["maintenance", "merge", "--dest", "demo", "--src", "../x", "--union-columns"], "DATASET_ID_INVALID", 3],
    ] as const) {
      const ran = await w.usr(args);
      expect([args, ran.code, ran.error?.code]).toEqual([args, exit, code]);
    }
    const dry = await w.usr([...merge, "--union-columns", "--if-duplicate", "skip", "--dry-run"]);
    expect(dry.data).toMatchObject({ rows_added: 2, duplicates_skipped: 1, casefold_total: 1 });
    expect(await w.bytes()).toEqual(before);
  });

  it("merges, and again has nothing to merge", async () => {
    const args = [
      ...merge,
      "--union-columns",
      "--if-duplicate",
      "skip",
      "--casefold",
      "skip",
      "--carry-namespace",
      "mock",
    ];
    const ran = await w.usr([...args, "--yes"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.data).toMatchObject({
      rows_src: 3,
      rows_added: 1,
      casefold_skipped: 1,
      rows_after: 6,
      columns_added: ["mock__score"],
      carried: [{ namespace: "mock", rows: 1 }],
    });
    expect((await w.usr(["scan", "demo"])).rows.at(-1)).toMatchObject({ sequence: "GATTACA", mock__score: 7 });
    expect((await w.usr(["validate", "demo", "--strict"])).data).toMatchObject({ ok: true, problems: [] });
    const before = await w.bytes();
    expect((await w.usr(args)).data).toMatchObject({ rows_added: 0, duplicates_total: 2 });
    expect((await w.usr(["maintenance", "merge", "--dest", "demo", "--src", "demo", "--union-columns"])).code).toBe(0);
    expect(await w.bytes()).toEqual(before);
  });
});
