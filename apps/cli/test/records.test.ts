import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { demoWorkspace, type Ran, type Workspace } from "./support.ts";

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const UNKNOWN = "0".repeat(40);

let w: Workspace;
/** Ids of the five rows, in base order. */
let ids: readonly string[] = [];

beforeAll(async () => {
  w = await demoWorkspace();
  ids = (await w.usr(["scan", "demo"])).rows.map((row) => String(row["id"]));
});
afterAll(() => w[Symbol.asyncDispose]());

const must = async (args: readonly string[], input?: string): Promise<Ran> => {
  const ran = await w.usr(args, input === undefined ? {} : { input });
  expect([ran.code, ran.stderr], args.join(" ")).toEqual([0, ""]);
  return ran;
};

/** Rows that a mutation says it changed; holds the envelope and the order of its keys. */
const changed = async (args: readonly string[], input?: string): Promise<number> => {
  const { stdout, data } = await must(args, input);
  const command = args.slice(0, args[0] === "state" ? 2 : 1).join(" ");
  const rows = typeof data === "object" && data !== null && "rows" in data ? Number(data.rows) : Number.NaN;
  expect(stdout).toBe(`{"usr_output_version":1,"command":"${command}","data":{"dataset":"demo","rows":${rows}}}\n`);
  return rows;
};

const refused = async (args: readonly string[], code: string, exit: number, input?: string): Promise<Ran> => {
  const before = await w.bytes();
  const ran = await w.usr(args, input === undefined ? {} : { input });
  expect([ran.error?.code, ran.code, ran.stdout], args.join(" ")).toEqual([code, exit, ""]);
  expect(await w.bytes()).toEqual(before);
  return ran;
};

const shown = async (): Promise<readonly unknown[]> => (await must(["scan", "demo"])).rows.map((row) => row["id"]);

const lastEvent = async (): Promise<unknown> => (await must(["events", "tail", "demo", "-n", "1"])).rows[0];

describe("delete and restore", () => {
  it("take ids from repeated options, commas, a file and stdin", async () => {
    const file = await w.file("ids.txt", `\uFEFF${ids[0]}\r\n\r\n  ${ids[1]}  \n${ids[0]}\n`);
    expect(await changed(["delete", "demo", "--id", `${ids[2]},${ids[3]}`, "--id", ids[2]!, "--id-file", file])).toBe(
      4,
    );
    expect(await shown()).toEqual([ids[4]]);
    expect(await changed(["restore", "demo", "--id-file", "-"], ids.join("\n"))).toBe(4);
    expect(await shown()).toEqual(ids);
  });

  it("keep the reason, show it with --include-deleted, and count apart", async () => {
    expect(await changed(["delete", "demo", "--id", ACGT, "--reason", "wrong plate, again"])).toBe(1);
    expect(await lastEvent()).toMatchObject({
      action: "tombstone",
      args: { rows: 1, reason: "wrong plate, again", allow_missing: false },
      metrics: { rows: 1 },
      artifacts: { overlay: { namespace: "usr" } },
    });
    const [row] = (await must(["get", "demo", ACGT, "--include-deleted"])).rows;
    expect(row).toMatchObject({
      usr__deleted: true,
      usr__deleted_at: expect.stringMatching(/^2026-.*\.\d{6}Z$/),
      usr__deleted_reason: "wrong plate, again",
    });
    expect((await must(["info", "demo"])).data).toMatchObject({ rows: 4, rows_deleted: 1, rows_base: 5 });
    expect((await w.usr(["get", "demo", ACGT])).code).toBe(4);

    const csv = ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"];
    const hint = (await refused(csv, "DELETED_ID", 3, "sequence\nACGT\n")).error?.hint ?? "";
    expect(hint).toContain("usr restore");
    expect(await changed(["restore", "demo", "--id", ACGT])).toBe(1);
    expect(await shown()).toEqual(ids);
    expect((await must(["get", "demo", ACGT, "--include-deleted"])).rows[0]).toMatchObject({
      usr__deleted: false,
      usr__deleted_at: null,
      usr__deleted_reason: null,
    });
  });

  it("change nothing where nothing changes, and with --dry-run", async () => {
    await changed(["delete", "demo", "--id", ids[1]!]);
    const before = await w.bytes();
    expect(await changed(["delete", "demo", "--id", ids[1]!, "--reason", "later"])).toBe(0);
    expect(await changed(["restore", "demo", "--id", ids[0]!])).toBe(0);
    expect(await changed(["delete", "demo", "--id", ids.join(), "--dry-run"])).toBe(4);
    expect(await changed(["restore", "demo", "--id", ids.join(), "--dry-run"])).toBe(1);
    expect(await changed(["state", "set", "demo", "--id", ids.join(), "--masked", "--dry-run"])).toBe(5);
    expect(await changed(["state", "clear", "demo", "--id", ids.join(), "--dry-run"])).toBe(0);
    expect(await w.bytes()).toEqual(before);
    await changed(["restore", "demo", "--id", ids[1]!]);
  });

  it("talk to people", async () => {
    const say = async (...args: readonly string[]): Promise<string> => (await w.usr(args, { json: false })).stdout;
    expect(await say("delete", "demo", "--id", ACGT, "--dry-run")).toBe("Would delete 1 row of demo\n");
    expect(await say("delete", "demo", "--id", ids.join())).toBe("Deleted 5 rows of demo\n");
    expect(await say("restore", "demo", "--id", ids.join())).toBe("Restored 5 rows of demo\n");
    const left = await w.usr(["delete", "demo", "--id", UNKNOWN, "--allow-missing"], { json: false });
    expect([left.stdout, left.stderr]).toEqual(["Deleted 0 rows of demo\n", "note: 1 id left out: no row has it\n"]);
  });
});

describe("state", () => {
  const NONE = {
    usr_state__masked: false,
    usr_state__qc_status: null,
    usr_state__split: null,
    usr_state__supersedes: null,
    usr_state__lineage: null,
  };
  const get = async (...asked: readonly string[]): Promise<readonly unknown[]> =>
    (await must(["state", "get", "demo", "--id", asked.join()])).rows;

  it("W-16: get prints one whole row for each id, in the order asked, lineage as a list", async () => {
    expect(await get(ids[1]!, ids[0]!)).toEqual([
      { id: ids[1], ...NONE },
      { id: ids[0], ...NONE },
    ]);
    const args = ["--masked", "--qc-status", "fail", "--split", "test", "--supersedes", "old, 7"];
    const lineage = ["--lineage", "a,b", "--lineage", "c"];
    expect(await changed(["state", "set", "demo", "--id", ids[0]!, ...args, ...lineage])).toBe(1);
    expect(await lastEvent()).toMatchObject({
      action: "state_set",
      args: {
        rows: 1,
        masked: true,
        qc_status: "fail",
        split: "test",
        supersedes: "old, 7",
        lineage_count: 2,
        allow_missing: false,
      },
    });
    const { stdout } = await must(["state", "get", "demo", "--id-file", "-"], `${ids[1]}\n${ids[0]}\n${ids[1]}\n`);
    expect(stdout).toBe(
      `{"id":"${ids[1]}","usr_state__masked":false,"usr_state__qc_status":null,"usr_state__split":null,"usr_state__supersedes":null,"usr_state__lineage":null}\n` +
        `{"id":"${ids[0]}","usr_state__masked":true,"usr_state__qc_status":"fail","usr_state__split":"test","usr_state__supersedes":"old, 7","usr_state__lineage":["a,b","c"]}\n`,
    );
  });

  it("W-01: set changes what is named and nothing else; clear takes everything back", async () => {
    expect(await changed(["state", "set", "demo", "--id", `${ids[0]},${ids[2]}`, "--split", "val"])).toBe(2);
    expect(await changed(["state", "set", "demo", "--id", `${ids[0]},${ids[2]}`, "--split", "val"])).toBe(0);
    expect(await changed(["state", "set", "demo", "--id", ids[0]!, "--unmasked"])).toBe(1);
    expect(await get(ids[0]!, ids[2]!)).toEqual([
      {
        id: ids[0],
        ...NONE,
        usr_state__qc_status: "fail",
        usr_state__split: "val",
        usr_state__supersedes: "old, 7",
        usr_state__lineage: ["a,b", "c"],
      },
      { id: ids[2], ...NONE, usr_state__split: "val" },
    ]);
    expect(await changed(["state", "clear", "demo", "--id", ids.join()])).toBe(2);
    expect(await lastEvent()).toMatchObject({ action: "state_clear", args: { rows: 2 }, metrics: { rows: 2 } });
    expect(await changed(["state", "clear", "demo", "--id", ids.join()])).toBe(0);
    expect(await get(...ids)).toEqual(ids.map((id) => ({ id, ...NONE })));
    expect((await must(["validate", "demo", "--strict"])).data).toMatchObject({ ok: true });
  });

  it("get answers for unknown ids only with --allow-missing", async () => {
    await refused(["state", "get", "demo", "--id", UNKNOWN], "UNKNOWN_ID", 4);
    const { rows } = await must(["state", "get", "demo", "--id", UNKNOWN, "--allow-missing"]);
    expect(rows).toEqual([{ id: UNKNOWN, ...NONE }]);
  });
});

describe("wrong input changes nothing", () => {
  const VERBS = ["delete", "restore", "state set", "state clear", "state get"];
  const more = (verb: readonly string[]): readonly string[] => (verb[1] === "set" ? ["--masked"] : []);

  it.each(VERBS)("%s", async (name) => {
    const verb = name.split(" ");
    const usr = (...args: readonly string[]): readonly string[] => [...verb, "demo", ...more(verb), ...args];
    await refused(usr(), "USAGE", 2);
    await refused(usr("--id", " , "), "USAGE", 2);
    await refused(usr("--id-file", "-"), "USAGE", 2, "\n\n");
    await refused(usr("--id", `${ACGT},${UNKNOWN}`), "UNKNOWN_ID", 4);
    await refused(usr("--id", ACGT.toUpperCase()), "UNKNOWN_ID", 4);
    await refused(usr("--id-file", join(w.dir, "nowhere.txt")), "NOT_FOUND", 4);
    await refused(usr("--id-file", w.dir), "USAGE", 2);
    const latin = await w.usr(usr("--id-file", await w.file("latin.txt", Uint8Array.of(0xff, 0x0a))));
    expect([latin.error?.code, latin.code]).toEqual(["CORRUPT", 3]);
    await refused(usr("--id", ACGT, "--reazon", "x"), "USAGE", 2);
    await refused([...verb, "nope", ...more(verb), "--id", ACGT], "DATASET_NOT_FOUND", 4);
  });

  test("values that no state can have", async () => {
    const set = (...args: readonly string[]): readonly string[] => ["state", "set", "demo", "--id", ACGT, ...args];
    await refused(set(), "USAGE", 2);
    await refused(set("--masked", "--unmasked"), "USAGE", 2);
    await refused(set("--qc-status", "PASS"), "USAGE", 2);
    await refused(set("--split", "training"), "USAGE", 2);
    await refused(set("--supersedes", " "), "USAGE", 2);
    await refused(set("--lineage", "p1", "--lineage", ""), "USAGE", 2);
  });

  test("parts where the single file belongs", async () => {
    await changed(["state", "set", "demo", "--id", ACGT, "--masked"]);
    const { mkdir, rename } = await import("node:fs/promises");
    const derived = join(w.root, "demo", "_derived");
    await mkdir(join(derived, "usr_state"));
    await rename(join(derived, "usr_state.parquet"), join(derived, "usr_state", "part-1.parquet"));
    await refused(["state", "set", "demo", "--id", ACGT, "--unmasked"], "NOT_SUPPORTED", 3);
    await refused(["state", "clear", "demo", "--id", ACGT], "NOT_SUPPORTED", 3);
    const { rows } = await must(["state", "get", "demo", "--id", ACGT]);
    expect(rows).toMatchObject([{ usr_state__masked: true }]);
  });
});
