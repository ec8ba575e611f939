/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { formatType } from "@usr/schema";
import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import { type MaterializeOptions, materialize } from "../src/write/index.ts";
import { partBytes } from "./make.ts";
import { layered, MODES, paths, view } from "./write-materialize-support.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  cloneStorage,
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

describe.each(MODES)("overlays: %s", (overlays) => {
  it("leaves the merged view as it was and the overlays where they belong", async () => {
    const root = await layered();
    const before = await view(root);
    const files = await bytesUnder(root.storage);
    const mock = await paths(root, "_derived/mock/");
    const found = await materialize(root, "demo", { overlays });
    expect(found).toEqual({
      dataset: "demo",
      namespaces: ["mock", "zz"],
      columns: ["mock__score", "mock__tag", "mock__vec", "zz__n"],
      rows: 6,
      rows_dropped: 0,
      overlays: { archive: "archived", drop: "dropped", keep: "kept" }[overlays],
    });
    expect(await view(root)).toEqual(before);
    const left = await paths(root, "_derived/");
    if (overlays === "keep") expect(left).toEqual([...mock, "_derived/zz.parquet"]);
    if (overlays === "drop") expect(left).toEqual([]);
    if (overlays === "archive") {
      expect(left).toHaveLength(3);
      for (const [i, path] of mock.entries()) {
        expect(left[i]).toMatch(
          new RegExp(`^_derived/_archived/mock-\\d{8}T\\d{12}Z/${path.slice(path.lastIndexOf("/") + 1)}$`),
        );
        expect((await bytesUnder(root.storage)).get(`demo/${left[i]}`)).toBe(files.get(`demo/${path}`));
      }
      expect(left[2]).toMatch(/^_derived\/_archived\/zz-\d{8}T\d{12}Z\.parquet$/);
    }
    const stored = await parquetAt(root.storage, "demo/records.parquet");
    expect(stored.schema.fields.map(({ name, type }) => [name, formatType(type)]).slice(7)).toEqual([
      ["mock__score", "float64"],
      ["mock__tag", "string"],
      ["mock__vec", "list<float64>"],
      ["zz__n", "int64"],
    ]);
    expect((await validate(root, "demo")).problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  it("one own event with the numbers of the call", async () => {
    const root = await layered();
    const before = (await eventsOf(root, "demo")).length;
    const folded = await paths(root, "_derived/");
    const sizes = await Promise.all(
      folded.map(async (path) => (await parquetAt(root.storage, `demo/${path}`)).source.meta.size),
    );
    await materialize(root, "demo", { overlays });
    const log = (await eventsOf(root, "demo")).slice(before);
    expect(log.map(({ action }) => action)).toEqual(["materialize"]);
    const entries = [
      { namespace: "mock", key: "sequence", fingerprint: { rows: 5, cols: 4, size_bytes: sizes[0]! + sizes[1]! } },
      { namespace: "zz", key: "id", fingerprint: { rows: 2, cols: 2, size_bytes: sizes[2] } },
    ];
    expect(log[0]).toMatchObject({
      args: {
        namespaces: null,
        drop_overlays: overlays !== "keep",
        archive_overlays: overlays === "archive",
        drop_deleted: false,
        overlays: entries,
        tombstone: null,
        maintenance_reason: "materialize",
      },
      metrics: { overlays: 2, rows: 6, rows_dropped: 0 },
      maintenance: { reason: "materialize" },
      fingerprint: { rows: 6, cols: 11 },
    });
  });

  it("of one namespace leaves the others alone", async () => {
    const root = await layered();
    const before = await view(root);
    const mock = await paths(root, "_derived/mock/");
    expect(await materialize(root, "demo", { overlays, namespaces: ["zz"] })).toMatchObject({ namespaces: ["zz"] });
    expect(await paths(root, "_derived/mock/")).toEqual(mock);
    expect(await view(root)).toEqual(before);
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({ args: { namespaces: ["zz"] } });
  });

  it("again and again: the base takes up newer values and never loses older ones", async () => {
    const root = await layered();
    await materialize(root, "demo", { overlays });
    await attachCsv(root, "demo", "sequence,score\nAAAA,7\nCCCC,\nGGGG,8\n", { overwrite: true });
    await importCsv(root, "demo", "sequence\nACAC\n");
    await attachCsv(root, "demo", "sequence,tag\nACAC,new\n", { overwrite: true });
    const before = await view(root);
    await materialize(root, "demo", { overlays });
    expect(await view(root)).toEqual(before);
    expect((await rowsOf(root, "demo")).map((row) => [row["mock__score"], row["mock__tag"], row["zz__n"]])).toEqual([
      [7, "x", null],
      ["NaN", null, "9007199254740993"],
      [8, null, null],
      [null, null, null],
      [null, null, null],
      [3, null, null],
      [null, "new", null],
    ]);
  });
});

describe("--drop-deleted", () => {
  it.each(MODES)("leaves deleted rows out, and their tombstones (%s)", async (overlays) => {
    const root = await layered();
    await putTombstones(root, "demo", { AAAA: true, GGGG: false, TGCA: true, ACACAC: true });
    const visible = await rowsOf(root, "demo");
    const found = await materialize(root, "demo", { overlays, dropDeleted: true });
    expect(found).toMatchObject({ rows: 4, rows_dropped: 2 });
    expect(await rowsOf(root, "demo")).toEqual(visible);
    const all = await rowsOf(root, "demo", { includeDeleted: true });
    expect(all.map((row) => [row["sequence"], row["usr__deleted"], row["usr__deleted_reason"]])).toEqual([
      ["CCCC", null, null],
      ["GGGG", false, "why"],
      ["TTTT", null, null],
      ["ACGT", null, null],
    ]);
    // What is not stored was not dropped: its tombstone still keeps it out.
    const tombstones = await parquetAt(root.storage, "demo/_derived/usr.parquet");
    expect(tombstones.numRows).toBe(2);
    const event = (await eventsOf(root, "demo")).at(-1)!;
    expect(event).toMatchObject({
      args: { drop_deleted: true, tombstone: { rows: 4 } },
      metrics: { rows: 4, rows_dropped: 2 },
    });
    expect(tombstones.schema.metadata.get("usr:event_id")).toBe(event.event_id);
    expect(await importCsv(root, "demo", "sequence\nAAAA\n")).toMatchObject({ rows_added: 1 });
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).toContain("AAAA");
    expect((await refusal(root, () => importCsv(root, "demo", "sequence\nACACAC\n"))).code).toBe("DELETED_ID");
  });

  it("without overlays, and when every row is deleted", async () => {
    const root = await demoRoot();
    const all = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
    await putTombstones(root, "demo", Object.fromEntries(all.map((sequence) => [sequence, true])));
    const found = await materialize(root, "demo", { dropDeleted: true });
    expect(found).toEqual({
      dataset: "demo",
      namespaces: [],
      columns: [],
      rows: 0,
      rows_dropped: 6,
      overlays: "none",
      orphans: [],
    });
    // The file stays, so that readers find the same columns at every moment.
    expect((await parquetAt(root.storage, "demo/_derived/usr.parquet")).numRows).toBe(0);
    expect(await rowsOf(root, "demo", { includeDeleted: true })).toEqual([]);
    expect(await importCsv(root, "demo", "sequence\nAAAA\n")).toMatchObject({ rows_added: 1 });
  });

  it("nothing deleted is nothing to do", async () => {
    const root = await demoRoot();
    await putTombstones(root, "demo", { AAAA: false });
    const before = await bytesUnder(root.storage);
    expect(await materialize(root, "demo", { dropDeleted: true })).toMatchObject({ rows: 6, rows_dropped: 0 });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });

  it("without it deleted rows stay stored, values folded in, and stay hidden", async () => {
    const root = await layered();
    await putTombstones(root, "demo", { AAAA: true });
    const before = await view(root);
    await materialize(root, "demo");
    expect(await view(root)).toEqual(before);
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).not.toContain("AAAA");
  });
});

describe("what is refused or nothing", () => {
  it("nothing to fold: no byte, no event, although the registry has changed", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    for (const o of [
      {},
      { overlays: "drop" },
      { dropDeleted: true },
      { dryRun: true },
    ] satisfies MaterializeOptions[]) {
      expect(await materialize(root, "demo", o)).toEqual({
        dataset: "demo",
        namespaces: [],
        columns: [],
        rows: 6,
        rows_dropped: 0,
        overlays: "none",
      });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    }
  });

  it("usr, usr_state and namespaces without overlay", async () => {
    const root = await layered();
    for (const [namespace, code] of [
      ["usr", "NAMESPACE_RESERVED"],
      ["usr_state", "NAMESPACE_RESERVED"],
      ["late", "NAMESPACE_NOT_FOUND"],
      ["../records", "NAMESPACE_NOT_FOUND"],
    ] as const) {
      for (const dryRun of [true, false]) {
        const refused = await refusal(root, () => materialize(root, "demo", { namespaces: [namespace], dryRun }));
        expect(refused.code).toBe(code);
      }
    }
  });

  it("usr_state is never folded, not even with all the others", async () => {
    const root = await layered();
    const id = sequenceId("dna", "AAAA");
    await root.storage.put(
      "demo/_derived/usr_state.parquet",
      await partBytes("usr_state", "id", "2026-01-01T00:00:00Z", {
        id: ["string", [id]],
        usr_state__masked: ["bool", [true]],
      }),
    );
    const before = await view(root);
    expect(await materialize(root, "demo", { overlays: "drop" })).toMatchObject({ namespaces: ["mock", "zz"] });
    expect(await paths(root, "_derived/")).toEqual(["_derived/usr_state.parquet"]);
    expect(await view(root)).toEqual(before);
  });

  it("a namespace of another program whose name leaves no room for a stamp is refused before anything is done", async () => {
    const root = await layered();
    const long = "n".repeat(245);
    const file = (await root.storage.open("registry.yaml"))!;
    const registry = new TextDecoder().decode(await file.read(0, file.meta.size));
    const entry = `  ${long}:\n    columns:\n    - name: ${long}__n\n      type: int64\n`;
    await root.storage.put("registry.yaml", new TextEncoder().encode(registry.replace("  usr_state:\n", `${entry}$&`)));
    const columns: Parameters<typeof partBytes>[3] = {
      id: ["string", [sequenceId("dna", "AAAA")]],
      [`${long}__n`]: ["int64", [7n]],
    };
    await root.storage.put(
      `demo/_derived/${long}.parquet`,
      await partBytes(long, "id", "2026-01-01T00:00:00Z", columns),
    );
    expect(await refusal(root, () => materialize(root, "demo"))).toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await materialize(root, "demo", { overlays: "drop" })).toMatchObject({ namespaces: ["mock", long, "zz"] });
  });

  it("a dry run says what the run will say and changes nothing", async () => {
    for (const o of [
      {},
      { overlays: "keep" },
      { namespaces: ["zz"] },
      { dropDeleted: true },
    ] satisfies MaterializeOptions[]) {
      const root = await layered();
      await putTombstones(root, "demo", { AAAA: true });
      const before = await bytesUnder(root.storage);
      const dry = await materialize(root, "demo", { ...o, dryRun: true });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
      expect(await materialize(root, "demo", o)).toEqual(dry);
    }
  });

  it("a broken overlay is refused unless it is left out", async () => {
    const root = await layered();
    await root.storage.put("demo/_derived/zz.parquet", new TextEncoder().encode("no parquet"));
    expect((await refusal(root, () => materialize(root, "demo"))).code).toBe("CORRUPT");
    expect(await materialize(root, "demo", { namespaces: ["mock"] })).toMatchObject({ namespaces: ["mock"] });
  });

  it("copies made by cloneStorage agree with their origin", async () => {
    const root = await layered();
    const copy = writableRoot(await cloneStorage(root.storage), 5);
    await materialize(root, "demo");
    await materialize(copy, "demo");
    expect(await view(copy)).toEqual(await view(root));
  });
});
