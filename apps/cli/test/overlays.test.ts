import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoWorkspace, type Workspace } from "./support.ts";

describe("maintenance overlay-project", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await demoWorkspace();
    await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "sequence"], {
      input: "sequence,score,tag\nACGT,1,a\nTTTT,2,\n",
    });
    await w.usr(["init", "second"]);
    const importing = ["import", "second", "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"];
    await w.usr(importing, { input: "sequence\nCCCC\nTTTT\n" });
  });
  afterAll(() => w[Symbol.asyncDispose]());

  const project = ["maintenance", "overlay-project", "--src", "demo", "--dest", "second", "--namespace", "mock"];

  it("carries the values, says what it did, and leaves one event", async () => {
    const args = [...project, "--columns", "score", "--src-join", "sequence", "--dest-join", "sequence"];
    const refused = await w.usr(args);
    expect([refused.code, refused.error?.code]).toEqual([3, "UNKNOWN_KEY"]);
    const before = await w.bytes();
    const plan = await w.usr([...args, "--allow-missing", "--dry-run"]);
    expect(await w.bytes()).toEqual(before);
    const done = await w.usr([...args, "--allow-missing"]);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(plan.data).toEqual({ ...Object(done.data), part: null });
    expect(done.data).toEqual({
      src: "demo",
      dest: "second",
      namespace: "mock",
      src_join: "sequence",
      dest_join: "sequence",
      key: "id",
      columns: ["mock__score"],
      rows_dest: 2,
      rows_matched: 1,
      rows_missing: 1,
      part: expect.stringMatching(/^_derived\/mock\/part-.*\.parquet$/),
    });
    const { rows } = await w.usr(["scan", "second", "--columns", "sequence,mock__score"]);
    expect(rows).toEqual([
      { sequence: "CCCC", mock__score: null },
      { sequence: "TTTT", mock__score: 2 },
    ]);
    expect((await w.usr(["events", "tail", "second", "-n", "1"])).rows).toMatchObject([
      { action: "overlay_project", metrics: { rows_dest: 2, rows_matched: 1, rows_missing: 1 } },
    ]);
    const text = await w.usr([...args, "--allow-missing", "--overwrite", "--dry-run"], { json: false });
    expect(text.stdout).toBe("Would project mock__score of demo to 1 row of second; 1 row without a counterpart\n");
  });

  it("refuses with the right exit codes", async () => {
    const code = async (...args: readonly string[]): Promise<readonly [number, string | undefined]> => {
      const before = await w.bytes();
      const ran = await w.usr(args);
      expect(await w.bytes()).toEqual(before);
      return [ran.code, ran.error?.code];
    };
    const [group = "", verb = ""] = project;
    expect(await code(group, verb, "--src", "demo", "--namespace", "mock")).toEqual([2, "USAGE"]);
    expect(await code(...project, "--src-join", "length")).toEqual([3, "TYPE_MISMATCH"]);
    expect(await code(...project, "--src-join", "lenght")).toEqual([4, "UNKNOWN_COLUMN"]);
    const other = (from: string, to: string): readonly string[] => project.map((word) => (word === from ? to : word));
    expect(await code(...other("demo", "nope"))).toEqual([4, "DATASET_NOT_FOUND"]);
    expect(await code(...other("mock", "usr"))).toEqual([3, "NAMESPACE_RESERVED"]);
    expect(await code(...project, "--columns", "")).toEqual([2, "USAGE"]);
  });
});

describe("maintenance overlay-refresh-metadata", () => {
  it("replaces what names an older registry, once", async () => {
    await using w = await demoWorkspace();
    await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "sequence"], {
      input: "sequence,score\nACGT,1\n",
    });
    await w.usr(["namespace", "register", "late", "--columns", "late__n:int64"]);
    const args = ["maintenance", "overlay-refresh-metadata", "demo"];
    const rows = (await w.usr(["scan", "demo"])).stdout;
    const before = await w.bytes();
    const plan = await w.usr([...args, "--dry-run"]);
    expect(await w.bytes()).toEqual(before);
    const done = await w.usr(args);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(done.data).toEqual(plan.data);
    expect(Object.keys(Object(done.data))).toEqual(["dataset", "registry_hash", "namespaces"]);
    expect(done.data).toMatchObject({ namespaces: [{ namespace: "mock", parts: 1, parts_refreshed: 1 }] });
    expect((await w.usr(["scan", "demo"])).stdout).toBe(rows);
    expect((await w.usr(["doctor", "demo"])).data).toEqual({ ok: true, findings: [] });
    const after = await w.bytes();
    const again = await w.usr([...args, "--namespace", "mock"], { json: false });
    expect([again.code, again.stdout]).toEqual([0, "mock: 0 of 1 file refreshed\n"]);
    expect(await w.bytes()).toEqual(after);
    const refused = await w.usr([...args, "--namespace", "mokc"]);
    expect([refused.code, refused.error?.code]).toEqual([4, "NAMESPACE_NOT_FOUND"]);
  });
});
