/// <reference types="node" />
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { partBytes, registryText } from "./make.ts";
import { column, metadataOf, partsOf } from "./write-attach-support.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  parquetAt,
  refusal,
  register,
  rowsOf,
} from "./write-support.ts";

describe("namespaces", () => {
  it("reserved, malformed and unregistered ones are refused", async () => {
    const root = await demoRoot();
    for (const [namespace, code] of [
      ["usr", "NAMESPACE_RESERVED"],
      ["usr_state", "NAMESPACE_RESERVED"],
      ["../records", "NAMESPACE_INVALID"],
      ["Mock", "NAMESPACE_INVALID"],
      ["", "NAMESPACE_INVALID"],
      ["mock__x", "NAMESPACE_INVALID"],
      ["nobody", "NAMESPACE_NOT_REGISTERED"],
    ] as const) {
      for (const dryRun of [false, true]) {
        const refused = await refusal(root, () =>
          attachCsv(root, "demo", "sequence,score\nAAAA,1\n", { namespace, dryRun }),
        );
        expect(refused.code, namespace).toBe(code);
      }
    }
  });

  it("a registry written elsewhere: what registration would refuse is not written to", async () => {
    const root = await demoRoot();
    const before = registryText({
      mock: { mock__score: "float64" },
      mock_: { mock___b: "int8" },
      sick: { sick__a: "decimal", sick__b: "int8" },
    });
    await root.storage.put("registry.yaml", new TextEncoder().encode(before));
    expect(await attachCsv(root, "demo", "sequence,score\nAAAA,1\n")).toMatchObject({ rows_matched: 1 });
    const bad = await refusal(root, () => attachCsv(root, "demo", "sequence,a\nAAAA,1\n", { namespace: "sick" }));
    expect(bad.code).toBe("BAD_TYPE");
    const unclear = await refusal(root, () => attachCsv(root, "demo", "sequence,_b\nAAAA,1\n", { namespace: "mock_" }));
    expect(unclear).toMatchObject({ code: "NAMESPACE_INVALID", details: { owner: "mock" } });
    expect(await attachCsv(root, "demo", "sequence,b\nAAAA,1\n", { namespace: "sick" })).toMatchObject({
      rows_matched: 1,
    });
    expect((await rowsOf(root, "demo", { columns: ["sick__b"] }))[0]).toEqual({ sick__b: 1 });
  });
});

describe("what an attach leaves behind", () => {
  it("one part and one event; the base and older parts keep their bytes", async () => {
    const root = await demoRoot();
    const one = await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const before = await bytesUnder(root.storage);
    const two = await attachCsv(root, "demo", "sequence,score\nCCCC,1\nA,2\n", {
      overwrite: true,
      allowMissing: true,
      note: "again",
    });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual(["demo/.events.log", `demo/${two.part}`]);
    expect(await partsOf(root)).toEqual([one.part, two.part].sort());
    const log = await eventsOf(root, "demo");
    const event = log.at(-1)!;
    const file = await parquetAt(root.storage, `demo/${two.part}`);
    expect(event).toMatchObject({
      action: "attach",
      args: { namespace: "mock", key: "sequence", rows_incoming: 2, rows_matched: 1, rows_missing: 1, note: "again" },
      metrics: { rows_incoming: 2, rows_matched: 1, rows_missing: 1 },
      artifacts: { overlay: { namespace: "mock", key: "sequence", path: two.part } },
      fingerprint: { rows: 1, cols: 2, size_bytes: file.source.meta.size },
    });
    expect(await metadataOf(root, two.part!)).toMatchObject({
      "usr:overlay_namespace": "mock",
      "usr:overlay_key": "sequence",
      "usr:registry_hash": event.registry_hash,
      "usr:event_id": event.event_id,
    });
    expect(log.map(({ action }) => action)).toEqual(["registry_freeze", "init", "import_rows", "attach", "attach"]);
  });

  it("the library's part writer logs rows_written", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n", { action: "write_overlay_part" });
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
      action: "write_overlay_part",
      metrics: { rows_incoming: 1, rows_written: 1, rows_missing: 0 },
    });
  });

  it("sha256 of the part, where it is asked for", async () => {
    const root: WritableRoot = { ...(await demoRoot()), eventSha256: true };
    const { part } = await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const bytes = Buffer.from((await bytesUnder(root.storage)).get(`demo/${part}`)!, "base64");
    expect((await eventsOf(root, "demo")).at(-1)?.["fingerprint"]).toMatchObject({
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  });

  it("a dry run counts and refuses as the run does, and changes nothing", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    const text = "sequence,score\nAAAA,1\nA,2\n";
    const dry = await attachCsv(root, "demo", text, { allowMissing: true, dryRun: true });
    expect(dry.part).toBeNull();
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    const real = await attachCsv(root, "demo", text, { allowMissing: true });
    expect({ ...real, part: null }).toEqual(dry);
    expect((await refusal(root, () => attachCsv(root, "demo", text, { dryRun: true }))).code).toBe("UNKNOWN_KEY");
  });

  it("a new registry is stamped into the base by copying its bytes", async () => {
    const root = await demoRoot();
    const old = await parquetAt(root.storage, "demo/records.parquet");
    await register(root, "late", "late__n:int64");
    const before = await bytesUnder(root.storage);
    const { part } = await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const { "usr:registry_hash": hash } = await metadataOf(root, part!);
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([
      "demo/.events.log",
      `demo/${part}`,
      `demo/_registry/registry.${hash}.yaml`,
      "demo/records.parquet",
    ]);
    const stamped = await parquetAt(root.storage, "demo/records.parquet");
    expect(stamped.schema.metadata.get("usr:registry_hash")).toBe(hash);
    expect(stamped.schema.fields).toEqual(old.schema.fields);
    expect((await eventsOf(root, "demo")).slice(-2)).toMatchObject([
      { action: "registry_freeze", args: { auto: true, registry_hash: hash }, metrics: { updated: 1 } },
      { action: "attach" },
    ]);
    expect(await partsOf(root, "demo", "late")).toEqual([]);
  });
});

describe("created_at", () => {
  it("rises by at least a microsecond when the clock steps back", async () => {
    const root = await demoRoot();
    let now = 1_790_000_000_000_000n;
    const clocked: WritableRoot = { ...root, clock: () => now };
    const stamps: string[] = [];
    for (const step of [0n, -1n, -200_000_000n, 5n, 0n]) {
      now += step;
      const { part } = await attachCsv(clocked, "demo", `sequence,score\nAAAA,${stamps.length}\n`, { overwrite: true });
      const stamp = (await metadataOf(root, part!))["usr:overlay_created_at"]!;
      expect(part).toContain(`part-${stamp.replace(/[-:.]/g, "")}-`);
      stamps.push(stamp);
    }
    expect(stamps).toEqual([0, 1, 2, 3, 4].map((i) => `2026-09-21T14:13:20.00000${i}Z`));
    expect((await column(root, "mock__score"))[0]).toBe(4);
  });

  it("a part from the future is refused with what to do, dry or not", async () => {
    const root = await demoRoot();
    const { part } = await attachCsv(
      { ...root, clock: () => 1_790_000_400_000_001n },
      "demo",
      "sequence,score\nAAAA,1\n",
    );
    expect(part).not.toBeNull();
    const late: WritableRoot = { ...root, clock: () => 1_790_000_000_000_000n };
    for (const dryRun of [true, false]) {
      const refused = await refusal(root, () => attachCsv(late, "demo", "sequence,tag\nAAAA,x\n", { dryRun }));
      expect(refused.code).toBe("CLOCK_SKEW");
    }
    // Other namespaces have their own times.
    await register(root, "other", "other__n:int8");
    expect(await attachCsv(late, "demo", "sequence,n\nAAAA,1\n", { namespace: "other" })).toMatchObject({
      rows_matched: 1,
    });
  });
});

describe("a single-file overlay", () => {
  const single = async (createdAt: string): Promise<WritableRoot> => {
    const root = await demoRoot();
    await root.storage.put(
      "demo/_derived/mock.parquet",
      await partBytes("mock", "sequence", createdAt, {
        sequence: ["string", ["CCCC", "AAAA"]],
        mock__score: ["float64", [2, 1]],
      }),
    );
    return root;
  };

  it("becomes the oldest part, its bytes and creation time kept", async () => {
    const root = await single("2026-01-02T03:04:05.678901+01:00");
    const before = await bytesUnder(root.storage);
    const { part } = await attachCsv(root, "demo", "sequence,score\nAAAA,9\n", { overwrite: true });
    const after = await bytesUnder(root.storage);
    expect(after.has("demo/_derived/mock.parquet")).toBe(false);
    const [promoted, newest] = await partsOf(root);
    expect(newest).toBe(part);
    expect(promoted).toMatch(/^_derived\/mock\/part-20260102T020405678901Z-[0-9a-f]{32}\.parquet$/);
    expect(after.get(`demo/${promoted}`)).toBe(before.get("demo/_derived/mock.parquet"));
    expect(await column(root, "mock__score")).toEqual([9, 2, null, null, null, null]);
  });

  it("stays what it is when nothing is written", async () => {
    const root = await single("2026-01-02T03:04:05.678901Z");
    expect((await refusal(root, () => attachCsv(root, "demo", "sequence,score\nAAAA,9\n"))).code).toBe("COLUMN_EXISTS");
    const before = await bytesUnder(root.storage);
    await attachCsv(root, "demo", "sequence,tag\nA,9\n", { allowMissing: true });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  });

  it("beside a directory is refused, by attach and by materialize", async () => {
    const root = await single("2026-01-02T03:04:05.678901Z");
    const { part } = await attachCsv(root, "demo", "sequence,tag\nAAAA,x\n");
    const bytes = Buffer.from((await bytesUnder(root.storage)).get(`demo/${part}`)!, "base64");
    await root.storage.put("demo/_derived/mock.parquet", bytes);
    for (const act of [
      () => attachCsv(root, "demo", "sequence,score\nGGGG,1\n", { overwrite: true }),
      () => materialize(root, "demo"),
    ])
      expect((await refusal(root, act)).code).toBe("OVERLAY_BOTH_FORMS");
  });
});

describe("a folder named unlike its namespace", () => {
  const NAME = "part-20260101T000000000000Z-00000000000000000000000000000000.parquet";
  const foreign = (namespace: string, name: string): Promise<Uint8Array> =>
    partBytes(namespace, "sequence", "2026-01-01T00:00:00Z", {
      sequence: ["string", ["AAAA"]],
      [name]: ["float64", [1]],
    });

  it("keeps its parts together", async () => {
    const root = await demoRoot();
    await root.storage.put(`demo/_derived/foo/${NAME}`, await foreign("mock", "mock__score"));
    const { part } = await attachCsv(root, "demo", "sequence,tag\nAAAA,x\n");
    expect(part).toMatch(/^_derived\/foo\/part-/);
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 1, mock__tag: "x" });
  });

  it("takes no parts of the namespace it is named after", async () => {
    const root = await demoRoot();
    await register(root, "foo", "foo__x:float64");
    await root.storage.put(`demo/_derived/mock/${NAME}`, await foreign("foo", "foo__x"));
    for (const dryRun of [true, false]) {
      const refused = await refusal(root, () => attachCsv(root, "demo", "sequence,tag\nAAAA,x\n", { dryRun }));
      expect(refused).toMatchObject({ code: "CONFLICT", details: { folder: "_derived/mock/" } });
    }
    const { part } = await attachCsv(root, "demo", "sequence,x\nCCCC,2\n", { namespace: "foo", overwrite: true });
    expect(part).toMatch(/^_derived\/mock\/part-/);
    expect(await column(root, "foo__x")).toEqual([1, 2, null, null, null, null]);
  });

  it("is no less part of the namespace beside a folder that bears its name", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score,tag\nAAAA,2,x\n");
    await root.storage.put(`demo/_derived/foo/${NAME}`, await foreign("mock", "mock__score"));
    for (const act of [
      () => rowsOf(root, "demo"),
      () => rowsOf(root, "demo", { columns: ["mock__score"] }),
      () => rowsOf(root, "demo", { columns: ["id", "mock__tag"] }),
      () => attachCsv(root, "demo", "sequence,tag\nCCCC,y\n", { overwrite: true }),
    ])
      expect((await refusal(root, act)).code).toBe("OVERLAY_BOTH_FORMS");
    expect(await rowsOf(root, "demo", { columns: ["sequence"] })).toHaveLength(6);
  });

  it("a single file moves into the folder of its namespace", async () => {
    const root = await demoRoot();
    await root.storage.put("demo/_derived/foo.parquet", await foreign("mock", "mock__score"));
    await attachCsv(root, "demo", "sequence,tag\nAAAA,x\n");
    expect(await partsOf(root)).toHaveLength(2);
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 1, mock__tag: "x" });
  });
});
