import { describe, expect, test } from "vitest";
import { type OverlayKey, openPart, type Part } from "../src/index.ts";
import { bytesSource, makePart, type PartSpec, partBytes } from "./support.ts";

const MOMENT = "2026-03-01T00:00:00.000000Z";
const spec = (more: Partial<PartSpec> = {}): PartSpec => ({
  path: "_derived/mock/part-1.parquet",
  key: "id",
  createdAt: MOMENT,
  columns: { mock__a: ["float64", [1]], id: ["string", ["k"]], sequence: ["string", ["A"]], mock__b: ["bool", [true]] },
  ...more,
});
/** What a part says of itself; its file, which knows its own source, apart. */
const told = ({ file, ...part }: Part): unknown => ({ ...part, schema: file.schema, columnNames: file.columnNames });

describe("a part opened like another one", () => {
  const first = spec();
  test.each<readonly [name: string, other: PartSpec, shared: boolean]>([
    ["the same columns", spec({ path: "_derived/mock/part-2.parquet", createdAt: "2026-03-02T00:00:00Z" }), true],
    ["the same columns under another key", spec({ key: "sequence" }), false],
    ["a column more", spec({ columns: { ...first.columns, mock__c: ["bool", [true]] } }), false],
    ["other columns", spec({ columns: { id: ["string", ["k"]], mock__z: ["float64", [1]] } }), false],
    ["a column of another type", spec({ columns: { ...first.columns, mock__a: ["int64", [1n]] } }), false],
  ])("says what it says opened alone, and shares what is the same: %s", async (_, other, shared) => {
    const like = await makePart(first);
    const source = bytesSource(await partBytes(other), other.path);
    const part = await openPart(source, { like });
    expect(told(part)).toEqual(told(await openPart(source)));
    expect(part.columns === like.columns).toBe(shared);
  });

  test("its columns are those beside its own key, in the order of the file", async () => {
    const keys: readonly OverlayKey[] = ["id", "sequence"];
    const columns = await Promise.all(keys.map(async (key) => (await makePart(spec({ key }))).columns));
    expect(columns).toEqual([
      ["mock__a", "sequence", "mock__b"],
      ["mock__a", "id", "mock__b"],
    ]);
  });
});

describe("metadata", () => {
  test("what is empty is not there", async () => {
    const names = ["usr:registry_hash", "usr:namespace_contract_hash", "usr:event_id"];
    const hashes = (value: string) =>
      makePart(spec({ metadata: Object.fromEntries(names.map((name) => [name, value])) }));
    const nothing = { registryHash: undefined, contractHash: undefined, eventId: undefined, compactedFrom: undefined };
    expect(await hashes("")).toMatchObject(nothing);
    expect(await makePart(spec())).toMatchObject(nothing);
    expect(await hashes("x")).toMatchObject({ registryHash: "x", contractHash: "x", eventId: "x" });
  });

  test("sources of a compaction that cannot be read are told by file and place", async () => {
    const source = { name: "part-x.parquet", created_at: MOMENT, sha256: "ab".repeat(32) };
    const details = { file: "_derived/mock/part-1.parquet", metadata: "usr:compacted_from" };
    const open = (list: unknown) =>
      makePart(spec({ metadata: { "usr:compacted_from": typeof list === "string" ? list : JSON.stringify(list) } }));
    await expect(open("[")).rejects.toMatchObject({ code: "CORRUPT", details, cause: expect.any(SyntaxError) });
    await expect(open({})).rejects.toMatchObject({ code: "CORRUPT", details });
    await expect(open([source, source, {}])).rejects.toMatchObject({
      code: "CORRUPT",
      details,
      message: expect.stringContaining("entry 3"),
    });
    const bad: readonly unknown[] = [
      1,
      "part-x.parquet",
      null,
      [],
      ...Object.keys(source).map((name) => ({ ...source, [name]: undefined })),
      ...Object.keys(source).map((name) => ({ ...source, [name]: 1 })),
      ...Object.keys(source).map((name) => ({ ...source, [name]: ["x"] })),
      { ...source, name: "" },
      { ...source, created_at: "2026-03-01T00:00:00" },
      { ...source, created_at: "yesterday" },
      ...[`0${source.sha256}`, `${source.sha256}\n`, source.sha256.slice(1), source.sha256.toUpperCase()].map(
        (sha256) => ({
          ...source,
          sha256,
        }),
      ),
    ];
    for (const item of bad) await expect(open([source, item])).rejects.toMatchObject({ code: "CORRUPT", details });
    expect((await open([])).compactedFrom).toEqual([]);
    expect((await open([source, { ...source, more: 1 }])).compactedFrom).toEqual(
      [source, source].map(({ name, created_at, sha256 }) => ({ name, createdAt: created_at, sha256 })),
    );
  });

  test.each(["id", "sequence", "sequence_norm", "sequence_ci"] as const)("%s is a key", async (key) => {
    expect(await makePart(spec({ key }))).toMatchObject({
      key,
      createdAt: 1_772_323_200_000_000_000n,
      createdAtText: MOMENT,
    });
  });
});
