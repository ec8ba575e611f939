import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoWorkspace, type Ran, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const TTTT = "b5bd5288bb58e4bb3439318d87c4e0b8506c6cfd";

/** demo with two parts of mock. */
const twoParts = async (): Promise<Workspace> => {
  const w = await demoWorkspace();
  const args = ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", "--overwrite"];
  for (const input of [`id,score,tag\n${ACGT},1,a\n${TTTT},2,\n`, `id,score,tag\n${TTTT},,b\n${ACGT},3,\n`])
    expect((await w.usr(args, { input })).stderr).toBe("");
  return w;
};

/** A command that must succeed: `data`, its keys in order. */
const done = (ran: Ran, keys?: readonly string[]): unknown => {
  expect([ran.code, ran.stderr]).toEqual([0, ""]);
  if (keys !== undefined) expect(Object.keys(Object(ran.data))).toEqual(keys);
  return ran.data;
};

/** A command that must fail and change no byte. */
const refused = async (w: Workspace, args: readonly string[]): Promise<readonly [number, string | undefined]> => {
  const before = await w.bytes();
  const { code, error, stdout } = await w.usr(args);
  expect(stdout).toBe("");
  expect(await w.bytes()).toEqual(before);
  return [code, error?.code];
};

describe("maintenance overlay-compact", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await twoParts();
  });
  afterAll(() => w[Symbol.asyncDispose]());

  it("gives one part, the same rows, one event; again it changes nothing", async () => {
    const args = ["maintenance", "overlay-compact", "demo", "--namespace", "mock"];
    const rows = (await w.usr(["scan", "demo"])).stdout;
    const before = await w.bytes();
    expect(done(await w.usr([...args, "--dry-run"]))).toEqual({ parts_in: 2, rows: 2, part: null });
    expect(await w.bytes()).toEqual(before);
    const data = done(await w.usr(args), ["parts_in", "rows", "part"]);
    expect(data).toEqual({ parts_in: 2, rows: 2, part: expect.stringMatching(/^_derived\/mock\/part-.*\.parquet$/) });
    expect((await w.usr(["scan", "demo"])).stdout).toBe(rows);
    expect((await w.usr(["events", "tail", "demo", "-n", "1"])).rows).toMatchObject([
      { action: "compact_overlay", metrics: { parts_in: 2, parts_out: 1, rows: 2 } },
    ]);
    const after = await w.bytes();
    expect(done(await w.usr(args))).toEqual({ ...Object(data), parts_in: 1 });
    expect(await w.bytes()).toEqual(after);
    const file = { parts_in: 1, rows: 2, part: "_derived/mock.parquet" };
    expect(done(await w.usr([...args, "--form", "file"]))).toEqual(file);
    expect((await w.usr(["scan", "demo"])).stdout).toBe(rows);
    expect(done(await w.usr(["validate", "demo"]))).toMatchObject({ ok: true });
  });

  it("refuses with the right exit codes", async () => {
    const compact = (...args: readonly string[]): ReturnType<typeof refused> =>
      refused(w, ["maintenance", "overlay-compact", ...args]);
    expect(await compact("demo")).toEqual([2, "USAGE"]);
    expect(await compact("demo", "--namespace", "mock", "--form", "pile")).toEqual([2, "USAGE"]);
    expect(await compact("nope", "--namespace", "mock")).toEqual([4, "DATASET_NOT_FOUND"]);
    expect(await compact("demo", "--namespace", "nope")).toEqual([4, "NAMESPACE_NOT_REGISTERED"]);
    expect(await compact("demo", "--namespace", "usr_state")).toEqual([3, "NAMESPACE_RESERVED"]);
    expect(await compact("demo", "--namespace", "../records")).toEqual([3, "NAMESPACE_INVALID"]);
  });
});

describe("snapshot", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await twoParts();
  });
  afterAll(() => w[Symbol.asyncDispose]());
  const KEYS = ["name", "path", "created_at", "rows", "size_bytes", "pinned", "automatic"];

  it("create, list, restore, pin", async () => {
    expect(done(await w.usr(["snapshot", "list", "demo"]))).toEqual([]);
    const original = (await w.bytes()).get("demo/records.parquet");
    const before = await w.bytes();
    done(await w.usr(["snapshot", "create", "demo", "--dry-run"]), KEYS);
    expect(await w.bytes()).toEqual(before);
    const made = done(await w.usr(["snapshot", "create", "demo", "--name", "early"]), KEYS);
    expect(made).toMatchObject({ rows: 5, pinned: false, automatic: false });
    const { name } = Object(made);
    expect(name).toMatch(/^records-\d{8}T\d{12}-early\.parquet$/);
    expect(done(await w.usr(["snapshot", "list", "demo"]))).toEqual([made]);

    done(await w.usr(["materialize", "demo", "--yes"]));
    const restore = ["snapshot", "restore", "demo", "--name", name];
    expect(await refused(w, restore)).toEqual([2, "CONFIRMATION_REQUIRED"]);
    const folded = await w.bytes();
    expect(done(await w.usr([...restore, "--dry-run"]), KEYS)).toEqual(made);
    expect(await w.bytes()).toEqual(folded);
    expect(done(await w.usr([...restore, "--yes"]), KEYS)).toEqual(made);
    expect((await w.bytes()).get("demo/records.parquet")).toBe(original);
    expect((await w.usr(["events", "tail", "demo", "-n", "1"])).rows).toMatchObject([{ action: "snapshot_restore" }]);

    const pin = ["snapshot", "pin", "demo", "--name", name];
    expect(done(await w.usr(pin), KEYS)).toEqual({ ...Object(made), pinned: true });
    const list = done(await w.usr(["snapshot", "list", "demo"]));
    expect(list).toMatchObject([{ pinned: true }, { automatic: true }, { automatic: true }]);
    const text = (await w.usr(["snapshot", "list", "demo"], { json: false })).stdout;
    expect(text).toContain("pinned");
    expect(done(await w.usr(["validate", "demo"]))).toMatchObject({ ok: true });
  });

  it("refuses with the right exit codes", async () => {
    const nowhere = ["--name", "../records.parquet"];
    expect(await refused(w, ["snapshot", "restore", "demo", ...nowhere, "-y"])).toEqual([4, "SNAPSHOT_NOT_FOUND"]);
    expect(await refused(w, ["snapshot", "pin", "demo", ...nowhere])).toEqual([4, "SNAPSHOT_NOT_FOUND"]);
    expect(await refused(w, ["snapshot", "restore", "demo", "-y"])).toEqual([2, "USAGE"]);
    expect(await refused(w, ["snapshot", "create", "demo", "--name", "a/b"])).toEqual([2, "USAGE"]);
    expect(await refused(w, ["snapshot", "list", "nope"])).toEqual([4, "DATASET_NOT_FOUND"]);
    expect(await refused(w, ["snapshot", "create", "nope"])).toEqual([4, "DATASET_NOT_FOUND"]);
  });
});

describe("overlay", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await twoParts();
  });
  afterAll(() => w[Symbol.asyncDispose]());
  const remove = ["overlay", "remove", "demo", "--namespace", "mock"];

  it("list is what info says", async () => {
    const { namespaces } = Object((await w.usr(["info", "demo"])).data);
    expect(namespaces).toHaveLength(1);
    expect(done(await w.usr(["overlay", "list", "demo"]))).toEqual(namespaces);
    expect(done(await w.usr(["overlay", "list", "demo", "--namespace", "mock"]))).toEqual(namespaces);
    expect((await w.usr(["overlay", "list", "demo"], { json: false })).stdout).toContain("mock__score");
    expect(await refused(w, ["overlay", "list", "demo", "--namespace", "x"])).toEqual([4, "NAMESPACE_NOT_FOUND"]);
    expect(await refused(w, ["overlay", "list", "nope"])).toEqual([4, "DATASET_NOT_FOUND"]);
  });

  it("remove refuses with the right exit codes", async () => {
    expect(await refused(w, remove)).toEqual([2, "USAGE"]);
    expect(await refused(w, [...remove, "--archive", "--delete", "-y"])).toEqual([2, "USAGE"]);
    expect(await refused(w, [...remove, "--delete"])).toEqual([2, "CONFIRMATION_REQUIRED"]);
    const other = (namespace: string): ReturnType<typeof refused> =>
      refused(w, ["overlay", "remove", "demo", "--delete", "-y", "--namespace", namespace]);
    expect(await other("../records")).toEqual([3, "NAMESPACE_INVALID"]);
    expect(await other("usr")).toEqual([3, "NAMESPACE_RESERVED"]);
    expect(await other("usr_state")).toEqual([3, "NAMESPACE_RESERVED"]);
    expect(await other("nobody")).toEqual([4, "NAMESPACE_NOT_FOUND"]);
  });

  it("remove --archive, remove --delete", async () => {
    const before = await w.bytes();
    const plan = done(await w.usr([...remove, "--archive", "--dry-run"]), ["namespace", "action", "path"]);
    expect(await w.bytes()).toEqual(before);
    const data = done(await w.usr([...remove, "--archive", "--yes"]), ["namespace", "action", "path"]);
    expect(data).toEqual({
      namespace: "mock",
      action: "archived",
      path: expect.stringMatching(/^_derived\/_archived\//),
    });
    expect(plan).toMatchObject({ namespace: "mock", action: "archived" });
    expect(done(await w.usr(["overlay", "list", "demo"]))).toEqual([]);
    const args = ["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"];
    done(await w.usr(args, { input: `id,score\n${ACGT},1\n` }));
    const gone = done(await w.usr([...remove, "--delete", "--yes"]));
    expect(gone).toEqual({ namespace: "mock", action: "deleted", path: null });
    expect((await w.usr(["events", "tail", "demo", "-n", "1"])).rows).toMatchObject([{ action: "remove_overlay" }]);
    expect(done(await w.usr(["overlay", "list", "demo"]))).toEqual([]);
    expect(done(await w.usr(["validate", "demo"]))).toMatchObject({ ok: true });
  });
});

describe("doctor", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await twoParts();
  });
  afterAll(() => w[Symbol.asyncDispose]());

  it("finds nothing in a healthy dataset, and asks nothing", async () => {
    const before = await w.bytes();
    expect(done(await w.usr(["doctor", "demo"]), ["ok", "findings"])).toEqual({ ok: true, findings: [] });
    expect(done(await w.usr(["doctor", "demo", "--repair"]))).toEqual({ ok: true, findings: [] });
    expect(await w.bytes()).toEqual(before);
    expect(await refused(w, ["doctor", "nope"])).toEqual([4, "DATASET_NOT_FOUND"]);
  });

  it("looks where the registry is missing, too, and repairs nothing there", async () => {
    const path = join(w.root, "registry.yaml");
    await rename(path, `${path}.away`);
    try {
      const { code, data } = await w.usr(["doctor", "demo"]);
      expect([code, data]).toMatchObject([3, { ok: false, findings: [{ code: "NO_REGISTRY", repairable: false }] }]);
      const { findings } = Object(data);
      expect((await w.usr(["doctor", "demo", "--repair"])).data).toEqual({ ok: false, findings });
    } finally {
      await rename(`${path}.away`, path);
    }
  });

  it("reports, then repairs when confirmed", async () => {
    const rows = (await w.usr(["scan", "demo"])).stdout;
    await mkdir(join(w.root, "demo/.staging"), { recursive: true });
    await writeFile(join(w.root, "demo/.staging/left-0"), "left");
    await writeFile(join(w.root, "demo/_derived/mock/.part-x.parquet.0a.tmp"), "half");
    await appendFile(join(w.root, "demo/.events.log"), '{"event_ver');
    const before = await w.bytes();
    const report = done(await w.usr(["doctor", "demo"]));
    expect(report).toMatchObject({ ok: true });
    const { findings } = Object(report);
    expect(Object.keys(findings[0])).toEqual([
      "severity",
      "code",
      "message",
      "where",
      "hint",
      "repairable",
      "repaired",
    ]);
    expect(new Set(findings.map(({ code }: { code: string }) => code))).toEqual(new Set(["DEBRIS", "EVENT_TORN"]));
    expect(done(await w.usr(["doctor", "demo", "--repair", "--dry-run"]))).toEqual(report);
    expect(await w.bytes()).toEqual(before);
    expect(await refused(w, ["doctor", "demo", "--repair"])).toEqual([2, "CONFIRMATION_REQUIRED"]);
    const mended = Object(done(await w.usr(["doctor", "demo", "--repair", "--yes"])));
    expect(mended.ok).toBe(true);
    expect(mended.findings.every(({ repaired }: { repaired: boolean }) => repaired)).toBe(true);
    expect((await w.usr(["scan", "demo"])).stdout).toBe(rows);
    expect((await w.usr(["events", "tail", "demo", "-n", "1"])).rows).toMatchObject([{ action: "repair" }]);
    expect([...(await w.bytes()).keys()].filter((path) => /staging|\.tmp$/.test(path))).toEqual([]);
  });

  it("ends with 3 while an error is left", async () => {
    const log = join(w.root, "demo/.events.log");
    await writeFile(log, "");
    const ran = await w.usr(["doctor", "demo"]);
    expect([ran.code, ran.stderr]).toEqual([3, ""]);
    expect(ran.data).toMatchObject({ ok: false, findings: [{ code: "MISSING_EVENT" }, { code: "MISSING_EVENT" }] });
    const text = await w.usr(["doctor", "demo"], { json: false });
    expect([text.code, text.stdout.includes("[MISSING_EVENT]")]).toEqual([3, true]);
    expect(done(await w.usr(["doctor", "demo", "--repair", "-y"]))).toMatchObject({ ok: true });
    expect(done(await w.usr(["doctor", "demo"]))).toEqual({ ok: true, findings: [] });
  });
});

describe("maintenance event-log-garden", () => {
  it("is a plan without --write, and says what it needs", async () => {
    await using w = await twoParts();
    const args = ["maintenance", "event-log-garden", "demo", "--retain-last", "2"];
    const before = await w.bytes();
    const plan = done(await w.usr(args), [
      ...["dataset", "total_lines", "retained_lines", "archived_lines", "archive", "size_before", "size_after"],
    ]);
    expect(plan).toMatchObject({ retained_lines: 2, archive: null });
    expect(await w.bytes()).toEqual(before);
    expect(await refused(w, [...args, "--write"])).toEqual([2, "USAGE"]);
    const ready = [...args, "--write", "--acknowledge-notify-cursor-reset", "--reason", "tidy"];
    expect(await refused(w, ready)).toEqual([2, "CONFIRMATION_REQUIRED"]);
    expect(await refused(w, [...args.slice(0, 3), "--retain-last", "0"])).toEqual([2, "USAGE"]);
    const data = done(await w.usr([...ready, "--yes"]));
    expect(data).toMatchObject({
      retained_lines: 2,
      archive: expect.stringMatching(/^\.events\.archive\/events-.*\.jsonl$/),
    });
    expect((await w.usr(["events", "tail", "demo"])).rows.map((row) => row["action"])).toEqual([
      ...["attach", "attach", "event_log_garden"],
    ]);
    const after = await w.bytes();
    const short = await w.usr([...ready.with(4, "9"), "--yes"], { json: false });
    expect([short.code, short.stdout]).toEqual([0, "The log is short enough: 3 lines\n"]);
    expect(await w.bytes()).toEqual(after);
    expect(done(await w.usr(["doctor", "demo"]))).toEqual({ ok: true, findings: [] });
  });
});

it("no verb takes an id that leaves its place", async () => {
  await using w = await demoWorkspace();
  for (const id of ["../demo", "/demo", "_demo", "archived/demo", "a/b/c", "demo/", ""]) {
    for (const args of [
      ["maintenance", "overlay-compact", "--namespace", "mock"],
      ["snapshot", "create"],
      ["snapshot", "list"],
      ["snapshot", "restore", "--name", "x", "--yes"],
      ["snapshot", "pin", "--name", "x"],
      ["overlay", "list"],
      ["overlay", "remove", "--namespace", "mock", "--delete", "--yes"],
      ["doctor", "--repair", "--yes"],
    ])
      expect(await refused(w, [...args, "--", id]), `${args.join(" ")} ${id}`).toEqual([3, "DATASET_ID_INVALID"]);
  }
});
