import { contractHash, parseRegistry } from "@usr/registry";
import { readAll } from "@usr/storage";
import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import {
  clearState,
  deleteRows,
  type QcStatus,
  restoreRows,
  type SetStateOptions,
  setState,
} from "../src/records/index.ts";
import { partBytes } from "./make.ts";
import {
  A,
  C,
  cellsAt,
  G,
  goldenRoot,
  SEQUENCES,
  STATE,
  sequences,
  stateOf,
  T,
  TYPES,
  typesAt,
  UNKNOWN,
  USR,
  unchanged,
} from "./records-support.ts";
import { linesOf } from "./support.ts";
import { demoRoot, eventsOf, parquetAt, refusal, rowsOf } from "./write-support.ts";

describe("state", () => {
  it("upserts by id and column", async () => {
    const root = await demoRoot();
    const lineage = ["p1", "p,2", "p1"];
    expect(await setState(root, "demo", { ids: [T, A], masked: true, qcStatus: "fail", lineage })).toMatchObject({
      rows: 2,
    });
    expect(await setState(root, "demo", { ids: [C, A], split: "train", supersedes: " old 7 " })).toMatchObject({
      rows: 2,
    });
    expect(await cellsAt(root, STATE)).toEqual([
      [A, true, "fail", "train", "old 7", lineage],
      [T, true, "fail", null, null, lineage],
      [C, null, null, "train", "old 7", null],
    ]);
    await unchanged(root, async () =>
      expect((await setState(root, "demo", { ids: [A, C], split: "train" })).rows).toBe(0),
    );
    await unchanged(root, async () => expect((await setState(root, "demo", { ids: [A, T], lineage })).rows).toBe(0));
    expect((await setState(root, "demo", { ids: [A, T], lineage: ["p2"] })).rows).toBe(2);
    expect(await stateOf(root, [C, G, A])).toEqual([
      [C, false, null, "train", "old 7", null],
      [G, false, null, null, null, null],
      [A, true, "fail", "train", "old 7", ["p2"]],
    ]);
    expect(await clearState(root, "demo", { ids: [A, G] })).toMatchObject({ rows: 1 });
    await unchanged(root, async () => expect((await clearState(root, "demo", { ids: [A, G] })).rows).toBe(0));
    expect((await cellsAt(root, STATE))[0]).toEqual([A, false, null, null, null, null]);
    expect((await validate(root, "demo", { strict: true })).problems).toEqual([]);
  });

  it("stamps the file and logs one event", async () => {
    const root = await demoRoot();
    await setState(root, "demo", { ids: [A, C], masked: false, split: "val", lineage: ["a", "b"] });
    await setState(root, "demo", { ids: [A, UNKNOWN], qcStatus: "warn", supersedes: "x", allowMissing: true });
    await clearState(root, "demo", { ids: [A] });
    const log = (await eventsOf(root, "demo")).slice(-3);
    const none = { masked: null, qc_status: "", split: "", supersedes: "", lineage_count: 0 };
    expect(log.map(({ action, args, metrics, artifacts }) => [action, args, metrics, artifacts])).toEqual([
      [
        "state_set",
        { rows: 2, ...none, masked: false, split: "val", lineage_count: 2, allow_missing: false },
        { rows: 2 },
        { overlay: { namespace: "usr_state" } },
      ],
      [
        "state_set",
        { rows: 1, ...none, qc_status: "warn", supersedes: "x", allow_missing: true },
        { rows: 1 },
        { overlay: { namespace: "usr_state" } },
      ],
      ["state_clear", { rows: 1, allow_missing: false }, { rows: 1 }, { overlay: { namespace: "usr_state" } }],
    ]);
    const registry = await parseRegistry(
      new TextDecoder().decode(await readAll((await root.storage.open("registry.yaml"))!)),
    );
    const { metadata } = (await parquetAt(root.storage, STATE)).schema;
    expect(metadata.get("usr:namespace_contract_hash")).toBe(await contractHash(registry.namespaces.get("usr_state")!));
    expect([
      metadata.get("usr:overlay_namespace"),
      metadata.get("usr:overlay_key"),
      metadata.get("usr:event_id"),
    ]).toEqual(["usr_state", "id", log[2]?.event_id]);
  });

  it("refuses what no state can be", async () => {
    const root = await demoRoot();
    const bad: readonly Partial<SetStateOptions>[] = [
      {},
      { supersedes: " " },
      { lineage: ["a", " "] },
      { lineage: [] },
    ];
    for (const o of bad)
      expect((await refusal(root, () => setState(root, "demo", { ids: [A], ...o }))).code).toBe("USAGE");
    const typed: { readonly qcStatus: QcStatus } = JSON.parse('{"qcStatus":"PASS"}');
    expect(await refusal(root, () => setState(root, "demo", { ids: [A], ...typed }))).toMatchObject({
      code: "USAGE",
      hint: "Allowed: pass, fail, warn, unknown.",
    });
    expect((await refusal(root, () => setState(root, "demo", { ids: [UNKNOWN], masked: true }))).code).toBe(
      "UNKNOWN_ID",
    );
    expect((await refusal(root, () => clearState(root, "demo", { ids: [UNKNOWN] }))).code).toBe("UNKNOWN_ID");
    expect((await refusal(root, () => stateOf(root, [UNKNOWN]))).code).toBe("UNKNOWN_ID");
    expect(await stateOf(root, [UNKNOWN, A], { allowMissing: true })).toEqual([
      [UNKNOWN, false, null, null, null, null],
      [A, false, null, null, null, null],
    ]);
  });

  it("reads parts, the newest value first, and refuses to write beside them", async () => {
    const root = await demoRoot();
    const put = async (n: number, columns: Parameters<typeof partBytes>[3]): Promise<unknown> =>
      root.storage.put(
        `demo/_derived/usr_state/part-${n}.parquet`,
        await partBytes("usr_state", "id", `2026-01-0${n}T00:00:00.000000Z`, columns),
      );
    await put(1, {
      id: ["string", [A, C]],
      usr_state__masked: ["bool", [true, true]],
      usr_state__split: ["string", ["val", "val"]],
    });
    await put(2, { id: ["string", [C]], usr_state__split: ["string", ["test"]] });
    expect(await stateOf(root, [C, A])).toEqual([
      [C, true, null, "test", null, null],
      [A, true, null, "val", null, null],
    ]);
    for (const act of [setState(root, "demo", { ids: [A], masked: true }), clearState(root, "demo", { ids: [A] })])
      await expect(act).rejects.toMatchObject({
        code: "NOT_SUPPORTED",
        message: expect.stringContaining("_derived/usr_state/"),
      });
    await refusal(root, () => setState(root, "demo", { ids: [A], masked: true, dryRun: true }));
  });

  it("never writes over a file that says it is another namespace's", async () => {
    const root = await demoRoot();
    const foreign = await partBytes("mock", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", [A]],
      mock__tag: ["string", ["t"]],
    });
    await root.storage.put(STATE, foreign);
    expect((await refusal(root, () => setState(root, "demo", { ids: [A], masked: true }))).code).toBe("CORRUPT");
  });

  it("is kept for deleted rows", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    expect((await setState(root, "demo", { ids: [A], masked: true })).rows).toBe(1);
    expect(await stateOf(root, [A])).toEqual([[A, true, null, null, null, null]]);
  });
});

describe("W-01: updates lose nothing and never crash", () => {
  it("a second delete of an id that is new to the file", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    expect(await deleteRows(root, "demo", { ids: [C] })).toMatchObject({ rows: 1 });
    expect(await restoreRows(root, "demo", { ids: [G] })).toMatchObject({ rows: 0 });
    expect(await sequences(root)).toEqual(SEQUENCES.slice(2));
  });

  it("a restore says why in its event, and the row says nothing more", async () => {
    const root = await demoRoot();
    for (const reason of ["wrong plate", undefined]) {
      await deleteRows(root, "demo", { ids: [A] });
      await restoreRows(root, "demo", { ids: [A], reason });
      const { action, args } = (await eventsOf(root, "demo")).at(-1)!;
      expect([action, Reflect.get(Object(args), "reason")]).toEqual(["restore", reason]);
      expect(await cellsAt(root, USR)).toEqual([[A, false, null, null]]);
    }
  });

  it("set --masked --qc-status, then set --split of other rows: nothing is erased, order stays", async () => {
    const root = await demoRoot();
    await setState(root, "demo", { ids: [T, G], masked: true, qcStatus: "pass" });
    await setState(root, "demo", { ids: [A], split: "train" });
    expect(await cellsAt(root, STATE)).toEqual([
      [G, true, "pass", null, null, null],
      [T, true, "pass", null, null, null],
      [A, null, null, "train", null, null],
    ]);
  });
});

describe("golden roots of both programs", () => {
  const tombstones = [
    ["tombstones-f", "cli"],
    ["tombstones-f", "lib"],
    ["tombstones-h", "demo"],
    ["tombstones-h", "lab/all-deleted"],
  ] as const;
  it.each(tombstones)("W-09: %s %s is rewritten in the right types, the view unchanged", async (name, id) => {
    const root = await goldenRoot(name);
    const all = await rowsOf(root, id, {
      includeDeleted: true,
      columns: ["id", "usr__deleted", "usr__deleted_at", "usr__deleted_reason"],
    });
    const before = await linesOf(root, id);
    const path = `${id}/_derived/usr.parquet`;
    const order = (await cellsAt(root, path)).map(([row]) => row);
    const live = all.find((row) => row["usr__deleted"] !== true);
    const dead = all.find((row) => row["usr__deleted"] === true);
    const chosen = String((live ?? dead)?.["id"]);
    if (live === undefined) await restoreRows(root, id, { ids: [chosen] });
    else await deleteRows(root, id, { ids: [chosen], reason: "golden" });
    expect(await typesAt(root, path)).toEqual(TYPES[USR]);
    const others = (rows: readonly Record<string, unknown>[]): unknown => rows.filter((row) => row["id"] !== chosen);
    const now = await rowsOf(root, id, { includeDeleted: true, columns: Object.keys(all[0]!) });
    expect(others(now)).toEqual(others(all));
    expect((await cellsAt(root, path)).map(([row]) => row).slice(0, order.length)).toEqual(order);
    expect((await linesOf(root, id)).length).toBe(before.length + (live === undefined ? 1 : -1));
    if (live === undefined) await deleteRows(root, id, { ids: [chosen] });
    else await restoreRows(root, id, { ids: [chosen] });
    expect(await linesOf(root, id)).toEqual(before);
    expect((await validate(root, id)).problems.filter(({ where }) => where.includes("usr.parquet"))).toEqual([]);
  });

  it.each([
    ["state-f", "demo"],
    ["state-h", "lab/demo"],
    ["tombstones-h", "demo"],
  ] as const)("%s %s keeps every state but the one named", async (name, id) => {
    const root = await goldenRoot(name);
    const path = `${id}/_derived/usr_state.parquet`;
    const all = (await rowsOf(root, id, { includeDeleted: true, columns: ["id"] })).map((row) => String(row["id"]));
    const before = await stateOf(root, all, { id });
    const stored = (await cellsAt(root, path)).map(([row]) => row);
    const chosen = String(stored.at(-1));
    const fresh = all.find((row) => !stored.includes(row));
    const ids = fresh === undefined ? [chosen] : [fresh, chosen];
    expect((await setState(root, id, { ids, supersedes: "golden" })).rows).toBe(ids.length);
    expect(await typesAt(root, path)).toEqual(TYPES[STATE]);
    expect(await stateOf(root, all, { id })).toEqual(
      before.map((row) => (ids.includes(String(row[0])) ? [...row.slice(0, 4), "golden", row[5]] : row)),
    );
    expect((await cellsAt(root, path)).map(([row]) => row)).toEqual([
      ...stored,
      ...(fresh === undefined ? [] : [fresh]),
    ]);
  });
});
