/// <reference types="node" />
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPart } from "@usr/overlay";
import { readBatches } from "@usr/parquet";
import { contractHash, parseRegistry } from "@usr/registry";
import { type Batch, formatType } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { readAll } from "@usr/storage";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { validate } from "../src/index.ts";
import * as records from "../src/records/index.ts";
import {
  clearState,
  deleteRows,
  type QcStatus,
  readState,
  restoreRows,
  type SetStateOptions,
  type Split,
  setState,
} from "../src/records/index.ts";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { idsOf, partBytes } from "./make.ts";
import { freshRoot, linesOf } from "./support.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const SEQUENCES = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
const IDS = idsOf(SEQUENCES);
const [A, C, G, T] = IDS as readonly [string, string, string, string];
const UNKNOWN = "0".repeat(40);
const USR = "demo/_derived/usr.parquet";
const STATE = "demo/_derived/usr_state.parquet";

const TYPES: Readonly<Record<string, readonly string[]>> = {
  [USR]: ["string", "bool", "timestamp[us, UTC]", "string"],
  [STATE]: ["string", "bool", "string", "string", "string", "list<string>"],
};

/** Rows of a file as arrays of cells. */
const cellsAt = async (root: WritableRoot, path: string): Promise<readonly (readonly unknown[])[]> => {
  const rows: (readonly unknown[])[] = [];
  for await (const batch of readBatches(await parquetAt(root.storage, path)))
    for (let row = 0; row < batch.numRows; row++) rows.push(batch.columns.map((column) => valueAt(column, row)));
  return rows;
};

const rowsOfBatch = (batch: Batch): readonly Record<string, unknown>[] =>
  Array.from({ length: batch.numRows }, (_, row) =>
    Object.fromEntries(batch.schema.fields.map(({ name }, c) => [name, valueAt(batch.columns[c]!, row)])),
  );

const stateOf = async (
  root: WritableRoot,
  ids: readonly string[],
  o: { readonly id?: string; readonly allowMissing?: boolean } = {},
): Promise<readonly (readonly unknown[])[]> => {
  const rows: (readonly unknown[])[] = [];
  for await (const batch of readState(root, o.id ?? "demo", { ids, allowMissing: o.allowMissing }))
    for (const row of rowsOfBatch(batch)) rows.push(Object.values(row));
  return rows;
};

const typesAt = async (root: WritableRoot, path: string): Promise<readonly string[]> =>
  (await parquetAt(root.storage, path)).schema.fields.map(({ type }) => formatType(type));

const sequences = async (root: WritableRoot): Promise<readonly unknown[]> =>
  (await rowsOf(root, "demo", { columns: ["sequence"] })).map((row) => row["sequence"]);

/** Runs `act`, which must change nothing, not a byte. */
const unchanged = async <R>(root: WritableRoot, act: () => Promise<R>): Promise<R> => {
  const before = await bytesUnder(root.storage);
  const result = await act();
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  return result;
};

/** `WritableRoot` over a copy of a golden root, with a clock after its files. */
const goldenRoot = async (name: string): Promise<WritableRoot> => ({
  ...writableRoot((await freshRoot(name)).storage),
  clock: (
    (now) => () =>
      (now += 1000n)
  )(1_800_000_000_000_000n),
});

test("the public names", () => {
  expect(Object.keys(records).sort()).toEqual(["clearState", "deleteRows", "readState", "restoreRows", "setState"]);
});

describe("delete and restore", () => {
  it("hides rows and brings them back; rows are those that changed", async () => {
    const root = await demoRoot();
    expect(await deleteRows(root, "demo", { ids: [T, A, T, ` ${A}\n`], reason: "wrong plate" })).toEqual({
      dataset: "demo",
      rows: 2,
      ids_missing: 0,
    });
    expect(await sequences(root)).toEqual(["CCCC", "GGGG", "ACGT", "TGCA"]);
    // New rows follow in base order, whatever the order asked.
    const first = await cellsAt(root, USR);
    expect(first.map(([id, deleted, , reason]) => [id, deleted, reason])).toEqual([
      [A, true, "wrong plate"],
      [T, true, "wrong plate"],
    ]);
    expect(await deleteRows(root, "demo", { ids: [C, T] })).toMatchObject({ rows: 1 });
    const second = await cellsAt(root, USR);
    expect(second.slice(0, 2)).toEqual(first);
    expect(second[2]).toEqual([C, true, expect.any(BigInt), null]);
    expect(await restoreRows(root, "demo", { ids: IDS })).toMatchObject({ rows: 3 });
    expect(await cellsAt(root, USR)).toEqual([A, T, C].map((id) => [id, false, null, null]));
    expect(await sequences(root)).toEqual(SEQUENCES);
    expect((await validate(root, "demo", { strict: true })).problems).toEqual([]);
  });

  it("changes no byte where nothing changes", async () => {
    const root = await demoRoot();
    await unchanged(root, async () => expect((await restoreRows(root, "demo", { ids: [A] })).rows).toBe(0));
    await deleteRows(root, "demo", { ids: [A], reason: "first" });
    await unchanged(root, async () =>
      expect((await deleteRows(root, "demo", { ids: [A, A], reason: "second" })).rows).toBe(0),
    );
  });

  it("plans the same counts without a change", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    const o = { ids: [A, C, UNKNOWN], allowMissing: true, dryRun: true };
    expect(await unchanged(root, () => deleteRows(root, "demo", o))).toEqual({
      dataset: "demo",
      rows: 1,
      ids_missing: 1,
    });
    expect((await unchanged(root, () => restoreRows(root, "demo", o))).rows).toBe(1);
    expect((await unchanged(root, () => setState(root, "demo", { ...o, masked: true }))).rows).toBe(2);
    expect((await unchanged(root, () => clearState(root, "demo", o))).rows).toBe(0);
    await refusal(root, () => deleteRows(root, "demo", { ids: [UNKNOWN], dryRun: true }));
  });

  it("stamps the file and logs one event", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A], reason: "why" });
    await deleteRows(root, "demo", { ids: [C, UNKNOWN], allowMissing: true });
    await restoreRows(root, "demo", { ids: [A] });
    const log = (await eventsOf(root, "demo")).slice(-3);
    expect(
      log.map(({ action, args, metrics, artifacts, fingerprint }) => [
        action,
        args,
        metrics,
        artifacts,
        fingerprint["rows"],
      ]),
    ).toEqual([
      [
        "tombstone",
        { rows: 1, reason: "why", allow_missing: false },
        { rows: 1 },
        { overlay: { namespace: "usr" } },
        1,
      ],
      ["tombstone", { rows: 1, reason: "", allow_missing: true }, { rows: 1 }, { overlay: { namespace: "usr" } }, 2],
      ["restore", { rows: 1, allow_missing: false }, { rows: 1 }, { overlay: { namespace: "usr" } }, 2],
    ]);
    const file = await parquetAt(root.storage, USR);
    expect(Object.fromEntries(file.schema.metadata)).toEqual({
      "usr:overlay_namespace": "usr",
      "usr:overlay_key": "id",
      "usr:overlay_created_at": expect.stringMatching(/\.\d{6}Z$/),
      "usr:registry_hash": log[2]?.registry_hash,
      "usr:event_id": log[2]?.event_id,
    });
    expect(log[2]?.fingerprint).toMatchObject({ cols: 4, size_bytes: (await root.storage.open(USR))?.meta.size });
  });

  it("never steps back in time, and refuses a file from the future", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    const createdAt = async (): Promise<bigint> => (await openPart((await root.storage.open(USR))!)).createdAt;
    const before = await createdAt();
    await deleteRows({ ...root, clock: () => 1_779_999_999_000_000n }, "demo", { ids: [C] });
    expect(await createdAt()).toBe(before + 1000n);
    const late = { ...root, clock: () => 1_770_000_000_000_000n };
    expect((await refusal(root, () => restoreRows(late, "demo", { ids: [A] }))).code).toBe("CLOCK_SKEW");
  });

  it("names unknown ids, or leaves them out", async () => {
    const root = await demoRoot();
    const refused = await refusal(root, () => deleteRows(root, "demo", { ids: [A, UNKNOWN] }));
    expect(refused).toMatchObject({ code: "UNKNOWN_ID", details: { dataset: "demo", count: 1, ids: [UNKNOWN] } });
    expect((await refusal(root, () => restoreRows(root, "demo", { ids: [UNKNOWN, "x"] }))).message).toContain(
      "2 of the ids",
    );
    expect((await refusal(root, () => deleteRows(root, "demo", { ids: [" ", ""] }))).code).toBe("USAGE");
    await unchanged(root, async () =>
      expect(await deleteRows(root, "demo", { ids: [UNKNOWN], allowMissing: true })).toMatchObject({
        rows: 0,
        ids_missing: 1,
      }),
    );
    expect((await refusal(root, () => deleteRows(root, "none", { ids: [A] }))).code).toBe("DATASET_NOT_FOUND");
  });

  it("makes a sequence visible again that an import refused as deleted", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    const refused = await refusal(root, () => importCsv(root, "demo", "sequence\nAAAA\n"));
    expect(refused).toMatchObject({ code: "DELETED_ID", hint: expect.stringContaining("usr restore") });
    await restoreRows(root, "demo", { ids: [A] });
    expect((await importCsv(root, "demo", "sequence\nAAAA\n", { onConflict: "ignore" })).rows_skipped).toBe(1);
    expect(await sequences(root)).toEqual(SEQUENCES);
  });

  it("refuses what lies where the single file belongs", async () => {
    const root = await demoRoot();
    const part = await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", [A]],
      usr__deleted: ["bool", [true]],
    });
    await root.storage.put("demo/_derived/usr/part-1.parquet", part);
    expect(await refusal(root, () => deleteRows(root, "demo", { ids: [A] }))).toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("_derived/usr/"),
    });
    await root.storage.delete("demo/_derived/usr/part-1.parquet");
    await putTombstones(root, "demo", { AAAA: true });
    const twice = await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", [A, ` ${A}`]],
      usr__deleted: ["bool", [true, false]],
    });
    await root.storage.put(USR, twice);
    expect((await refusal(root, () => restoreRows(root, "demo", { ids: [A] }))).code).toBe("DUPLICATE_KEY");
  });

  it("keeps rows without id and without sequence", async () => {
    const root = await demoRoot();
    await root.storage.put(
      USR,
      await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
        id: ["string", [null, UNKNOWN, A]],
        usr__deleted: ["bool", [true, true, null]],
      }),
    );
    await deleteRows(root, "demo", { ids: [A], reason: "r" });
    expect(await cellsAt(root, USR)).toEqual([
      [null, true, null, null],
      [UNKNOWN, true, null, null],
      [A, true, expect.any(BigInt), "r"],
    ]);
  });
});

describe("W-07: tombstones that outlive their rows", () => {
  it("an id that only the tombstones know can be restored, and imported again", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [A] });
    const kept = await readAll((await root.storage.open(USR))!);
    await materialize(root, "demo", { dropDeleted: true });
    expect((await parquetAt(root.storage, USR)).numRows).toBe(0);
    // As another program leaves it.
    await root.storage.put(USR, kept);
    expect((await refusal(root, () => importCsv(root, "demo", "sequence\nAAAA\n"))).code).toBe("DELETED_ID");
    expect((await refusal(root, () => deleteRows(root, "demo", { ids: [A] }))).code).toBe("UNKNOWN_ID");
    expect(await restoreRows(root, "demo", { ids: [A] })).toMatchObject({ rows: 1 });
    await importCsv(root, "demo", "sequence\nAAAA\n");
    expect(await sequences(root)).toEqual([...SEQUENCES.slice(1), "AAAA"]);
  });
});

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

type Step =
  | { readonly verb: "delete"; readonly ids: readonly string[]; readonly reason: string | undefined }
  | { readonly verb: "restore"; readonly ids: readonly string[] }
  | { readonly verb: "clear"; readonly ids: readonly string[] }
  | ({ readonly verb: "set"; readonly ids: readonly string[] } & Pick<
      SetStateOptions,
      "masked" | "qcStatus" | "split" | "supersedes" | "lineage"
    >);

const someIds = fc.array(fc.constantFrom(...IDS), { minLength: 1, maxLength: 4 });
const text = fc.string({ minLength: 1, maxLength: 6 }).filter((value) => value.trim() !== "");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ verb: fc.constant("delete" as const), ids: someIds, reason: fc.option(fc.string(), { nil: undefined }) }),
  fc.record({ verb: fc.constant("restore" as const), ids: someIds }),
  fc.record({ verb: fc.constant("clear" as const), ids: someIds }),
  fc
    .record({
      verb: fc.constant("set" as const),
      ids: someIds,
      masked: fc.option(fc.boolean(), { nil: undefined }),
      qcStatus: fc.option(fc.constantFrom<QcStatus>("pass", "fail", "warn", "unknown"), { nil: undefined }),
      split: fc.option(fc.constantFrom<Split>("train", "val", "test", "holdout"), { nil: undefined }),
      supersedes: fc.option(text, { nil: undefined }),
      lineage: fc.option(fc.array(text, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    })
    .filter(({ verb: _, ids: __, ...values }) => Object.values(values).some((value) => value !== undefined)),
);

interface Model {
  readonly deleted: Map<string, string | null>;
  readonly state: Map<string, readonly unknown[]>;
}

/** Applies a step to the model; the number of rows that it changes. */
const applied = (model: Model, made: Step): number => {
  let changed = 0;
  for (const id of new Set(made.ids)) {
    const state = model.state.get(id);
    if (made.verb === "delete") {
      if (model.deleted.has(id)) continue;
      model.deleted.set(id, made.reason ?? null);
    } else if (made.verb === "restore") {
      if (!model.deleted.delete(id)) continue;
    } else if (made.verb === "clear") {
      if (state === undefined || JSON.stringify(state.map((cell) => cell || null)) === "[null,null,null,null,null]")
        continue;
      model.state.set(id, [false, null, null, null, null]);
    } else {
      const said = [
        made.masked,
        made.qcStatus,
        made.split,
        made.supersedes?.trim(),
        made.lineage?.map((item) => item.trim()),
      ];
      const next = said.map((value, c) => value ?? state?.[c] ?? null);
      if (JSON.stringify(next) === JSON.stringify(state)) continue;
      model.state.set(id, next);
    }
    changed++;
  }
  return changed;
};

const run = (root: WritableRoot, made: Step): Promise<records.RecordResult> => {
  switch (made.verb) {
    case "delete":
      return deleteRows(root, "demo", made);
    case "restore":
      return restoreRows(root, "demo", made);
    case "clear":
      return clearState(root, "demo", made);
    case "set":
      return setState(root, "demo", made);
  }
};

describe("laws", () => {
  it("any history gives what a map gives, with one event for each change and none else", async () => {
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (history) => {
        const root = await demoRoot();
        const model: Model = { deleted: new Map(), state: new Map() };
        let events = (await eventsOf(root, "demo")).length;
        const base = await readAll((await root.storage.open("demo/records.parquet"))!);
        for (const made of history) {
          const rows = applied(model, made);
          expect((await run(root, made)).rows).toBe(rows);
          if (rows > 0) events++;
          if (rows > 0) changes++;
        }
        expect(await eventsOf(root, "demo")).toHaveLength(events);
        expect(await readAll((await root.storage.open("demo/records.parquet"))!)).toEqual(base);
        expect(await sequences(root)).toEqual(SEQUENCES.filter((_, i) => !model.deleted.has(IDS[i]!)));
        if ((await root.storage.open(USR)) !== undefined) {
          expect(await typesAt(root, USR)).toEqual(TYPES[USR]);
          const dead = (await cellsAt(root, USR)).filter(([, deleted]) => deleted === true);
          expect(new Map(dead.map(([id, , , reason]) => [id, reason]))).toEqual(model.deleted);
        }
        expect(await stateOf(root, IDS)).toEqual(
          IDS.map((id) => {
            const [masked, ...others] = model.state.get(id) ?? [null, null, null, null, null];
            return [id, masked === true, ...others];
          }),
        );
        if ((await root.storage.open(STATE)) !== undefined)
          expect(new Map((await cellsAt(root, STATE)).map(([id, ...cells]) => [id, cells]))).toEqual(model.state);
      }),
      { numRuns: testRuns(60) },
    );
    expect(changes).toBeGreaterThan(50);
  });

  it("delete then restore is the identity of the merged view", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,2,\n');
    await setState(root, "demo", { ids: [A, T], qcStatus: "pass" });
    const before = await linesOf(root, "demo");
    await fc.assert(
      fc.asyncProperty(someIds, async (ids) => {
        const { rows } = await deleteRows(root, "demo", { ids });
        expect(await linesOf(root, "demo")).toEqual(before.filter((line) => !ids.some((id) => line.includes(id))));
        expect((await restoreRows(root, "demo", { ids })).rows).toBe(rows);
        expect(await linesOf(root, "demo")).toEqual(before);
      }),
      { numRuns: testRuns(25) },
    );
  });

  it("a new registry is frozen with the change, and logged before it", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int8");
    await deleteRows(root, "demo", { ids: [A] });
    expect((await eventsOf(root, "demo")).slice(-2).map(({ action }) => action)).toEqual([
      "registry_freeze",
      "tombstone",
    ]);
    expect((await validate(root, "demo", { strict: true, mode: "current" })).problems).toEqual([]);
  });
});

const READ = `
import pyarrow.parquet as pq
def main(path):
    t = pq.read_table(path)
    return {"types": [str(f.type) for f in t.schema], "names": t.schema.names, "meta": sorted(k.decode() for k in t.schema.metadata), "rows": [[str(v) if hasattr(v, "isoformat") else v for v in r.values()] for r in t.to_pylist()]}
`;

describe.skipIf(oracle() === undefined)("pyarrow", () => {
  it("reads the files with the intended types", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [T, A], reason: "schlecht ü" });
    await restoreRows(root, "demo", { ids: [T] });
    await setState(root, "demo", { ids: [C, A], masked: true, lineage: ["p1", "p2"] });
    await setState(root, "demo", { ids: [C], split: "val" });
    const dir = await mkdtemp(join(tmpdir(), "usr-records-"));
    try {
      await using python = oracle()!.worker(READ);
      const seen = [];
      for (const path of [USR, STATE]) {
        const file = join(dir, "file.parquet");
        await writeFile(file, await readAll((await root.storage.open(path))!));
        seen.push(await python.ask(file));
      }
      expect(seen).toMatchObject([
        {
          types: ["string", "bool", "timestamp[us, tz=UTC]", "string"],
          names: ["id", "usr__deleted", "usr__deleted_at", "usr__deleted_reason"],
          rows: [
            [A, true, expect.stringMatching(/^2026-05-2\d .*\+00:00$/), "schlecht ü"],
            [T, false, null, null],
          ],
        },
        {
          types: ["string", "bool", "string", "string", "string", expect.stringMatching(/^list<\w+: string>$/)],
          rows: [
            [A, true, null, null, null, ["p1", "p2"]],
            [C, true, null, "val", null, ["p1", "p2"]],
          ],
        },
      ]);
      countComparisons("records", 2);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
