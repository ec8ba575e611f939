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
