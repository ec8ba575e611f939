import { openPart } from "@usr/overlay";
import { readAll } from "@usr/storage";
import { describe, expect, it, test } from "vitest";
import { validate } from "../src/index.ts";
import * as records from "../src/records/index.ts";
import { clearState, deleteRows, restoreRows, setState } from "../src/records/index.ts";
import { materialize } from "../src/write/index.ts";
import { partBytes } from "./make.ts";
import { A, C, cellsAt, IDS, SEQUENCES, sequences, T, UNKNOWN, USR, unchanged } from "./records-support.ts";
import { demoRoot, eventsOf, importCsv, parquetAt, putTombstones, refusal } from "./write-support.ts";

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
