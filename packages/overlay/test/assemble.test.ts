import type { ByteSource } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { assembleOverlay, OverlayError, type OverlayKey, openPart, type Part } from "../src/index.ts";
import {
  bytesSource,
  type Cells,
  entryOf,
  idBase,
  makePart,
  mergedRows,
  overlayOf,
  type PartSpec,
  partBytes,
  registered,
} from "./support.ts";

const SHA = "ab".repeat(32);
const ids = (...values: (string | null)[]): Cells => ["string", values];

function spec(
  name: string,
  createdAt: string | undefined,
  columns: Readonly<Record<string, Cells>>,
  more: Partial<PartSpec> = {},
): PartSpec {
  return { path: `_derived/mock/part-${name}.parquet`, key: "id", createdAt, columns, ...more };
}
const one: Readonly<Record<string, Cells>> = { id: ids("k0"), mock__s: ["float64", [1]] };
const day = (n: number) => `2026-03-0${n}T00:00:00.000000Z`;
const code = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "read",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );

describe("metadata", () => {
  test("a part without a key, or with an unknown one, is refused", async () => {
    expect(await code(makePart(spec("a", day(1), one, { key: "none" })))).toBe("MISSING_METADATA");
    expect(await code(makePart(spec("a", day(1), one, { key: "none", metadata: { "usr:overlay_key": "name" } })))).toBe(
      "MISSING_METADATA",
    );
  });
  test("a part without created_at is refused", async () => {
    expect(await code(makePart(spec("a", undefined, one)))).toBe("MISSING_METADATA");
  });
  test("what is missing is named, with what was found in its place and what is wanted", async () => {
    const file = "_derived/mock/part-a.parquet";
    await expect(makePart(spec("a", day(1), one, { key: "none" }))).rejects.toMatchObject({
      message: expect.stringContaining("no usr:overlay_key"),
      details: { file, metadata: "usr:overlay_key", value: undefined },
    });
    const named = spec("a", day(1), one, { key: "none", metadata: { "usr:overlay_key": "name" } });
    await expect(makePart(named)).rejects.toMatchObject({
      message: expect.stringMatching(/"name".*sequence_ci/),
      details: { file, metadata: "usr:overlay_key", value: "name" },
    });
    await expect(makePart(spec("a", undefined, one))).rejects.toMatchObject({
      message: expect.stringContaining("no usr:overlay_created_at"),
      details: { file, metadata: "usr:overlay_created_at", value: undefined },
    });
  });
  test("limits and the signal of the caller reach the file", async () => {
    const bytes = bytesSource(await partBytes(spec("a", day(1), one)), "a.parquet");
    await expect(openPart(bytes, { limits: { footerBytes: 1 } })).rejects.toMatchObject({ code: "TOO_LARGE" });
    const reason = new Error("enough");
    const heeding: ByteSource = {
      meta: bytes.meta,
      read: async (at, length, o) => {
        o?.signal?.throwIfAborted();
        return bytes.read(at, length);
      },
    };
    await expect(openPart(heeding, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
  test("the namespace falls back to the place of the file", async () => {
    const blank = { namespace: "" };
    expect((await makePart(spec("a", day(1), one, blank))).namespace).toBe("mock");
    for (const [path, namespace] of [
      ["_derived/zeta.parquet", "zeta"],
      ["_derived/part-of.parquet", "part-of"],
      ["part-1.parquet", "part-1"],
      ["_derived/mock/other.parquet", "other"],
      ["zeta.parq", "zeta.parq"],
    ] as const)
      expect((await makePart(spec("a", day(1), one, { ...blank, path }))).namespace).toBe(namespace);
  });
  test("a part lies where the caller says, or else where its source says", async () => {
    const bytes = await partBytes(spec("a", day(1), one));
    const nowhere = { meta: { size: bytes.length }, read: bytesSource(bytes, "").read };
    expect(await openPart(bytesSource(bytes, "_derived/mock/part-1.parquet"))).toMatchObject({
      name: "part-1.parquet",
    });
    expect(await openPart(bytesSource(bytes, "elsewhere"), { path: "_derived/mock/part-2.parquet" })).toMatchObject({
      path: "_derived/mock/part-2.parquet",
      name: "part-2.parquet",
    });
    expect(await openPart(nowhere)).toMatchObject({ path: "", name: "" });
  });
  test("compacted_from must be what it is", async () => {
    const source = { name: "part-x.parquet", created_at: day(1), sha256: SHA };
    const bad = [
      "{",
      "{}",
      "[1]",
      "[null]",
      ...["name", "created_at", "sha256"].flatMap((field) =>
        ["", 1, undefined, `${day(1).slice(0, -1)} `, SHA.toUpperCase(), `${SHA}0`]
          .filter((value) => field !== "name" || typeof value !== "string" || value === "")
          .map((value) => JSON.stringify([source, { ...source, [field]: value }])),
      ),
    ];
    for (const text of bad) {
      expect(await code(makePart(spec("a", day(2), one, { metadata: { "usr:compacted_from": text } })))).toBe(
        "CORRUPT",
      );
    }
    const good = await makePart(
      spec("a", day(2), one, { metadata: { "usr:compacted_from": JSON.stringify([source]) } }),
    );
    expect(good.compactedFrom).toEqual([{ name: "part-x.parquet", createdAt: day(1), sha256: SHA }]);
  });
});

describe("the registry", () => {
  test("the namespace must be registered", async () => {
    const part = await makePart(spec("a", day(1), one));
    expect(() => assembleOverlay(entryOf([part]), [part], undefined)).toThrow(
      expect.objectContaining({ code: "NAMESPACE_NOT_REGISTERED", details: { namespace: "mock" } }),
    );
    expect(() => assembleOverlay(entryOf([part]), [part], registered("other", {}))).toThrow(
      expect.objectContaining({ code: "NAMESPACE_NOT_REGISTERED" }),
    );
  });
  test("fields are what parts hold, in registry order; types nobody stores may be anything", async () => {
    const overlay = await overlayOf(
      [
        spec("a", day(1), { mock__b: ["int64", [1n]], id: ids("k0") }),
        spec("b", day(2), { mock__s: ["float64", [1]], id: ids("k0"), mock__n: ["list<string>", [null]] }),
      ],
      { mock__s: "float64", mock__odd: "decimal(3)", mock__n: "list<string>", mock__b: "int64" },
    );
    expect(overlay.fields.map((field) => [field.name, field.type.kind])).toEqual([
      ["mock__s", "float64"],
      ["mock__n", "list"],
      ["mock__b", "int64"],
    ]);
    expect(await mergedRows(overlay, idBase(["k0"]), ["mock__n", "mock__b", "mock__s"])).toEqual([[null, 1n, 1]]);
  });
  test("a type in another spelling is the same type", async () => {
    const overlay = await overlayOf([spec("a", day(1), { id: ids("k0"), mock__t: ["timestamp[us, UTC]", [5n]] })], {
      mock__t: "timestamp[us,UTC]",
    });
    expect(overlay.fields[0]?.type).toEqual({ kind: "timestamp", unit: "us", timezone: "UTC" });
  });
  test("a key column of another type is refused unless it is empty", async () => {
    const types = { mock__s: "float64" };
    expect(await code(overlayOf([spec("a", day(1), { id: ["float64", [1]], mock__s: ["float64", [1]] })], types))).toBe(
      "TYPE_MISMATCH",
    );
    const empty = await overlayOf([spec("a", day(1), { id: ["float64", []], mock__s: ["float64", []] })], types);
    expect(await mergedRows(empty, idBase(["k0"]), ["mock__s"])).toEqual([[null]]);
  });
  test("a column that cannot be read is refused, key or not", async () => {
    const part = await makePart(spec("a", day(1), one));
    const unreadable = (name: string) => {
      const { schema } = part.file;
      const fields = schema.fields.filter((field) => field.name !== name);
      const file = { ...part.file, schema: { ...schema, fields }, unsupported: new Map([[name, "decimal128(9, 2)"]]) };
      return { ...part, file };
    };
    const types = registered("mock", { mock__s: "float64" });
    const refusal = (bad: Part) => expect(() => assembleOverlay(entryOf([bad]), [bad], types));
    refusal(unreadable("mock__s")).toThrow(
      expect.objectContaining({
        code: "TYPE_MISMATCH",
        details: expect.objectContaining({ column: "mock__s", registered: "float64", stored: "decimal128(9, 2)" }),
      }),
    );
    refusal(unreadable("id")).toThrow(
      expect.objectContaining({
        code: "TYPE_MISMATCH",
        details: expect.objectContaining({ column: "id", registered: "string", stored: "decimal128(9, 2)" }),
      }),
    );
    expect(() => assembleOverlay(entryOf([part]), [unreadable("mock__s")], registered("mock", {}))).toThrow(
      expect.objectContaining({ code: "COLUMN_NOT_REGISTERED", hint: expect.stringContaining("'…,mock__s'") }),
    );
  });
  test("every refusal tells its facts", async () => {
    const types = { mock__s: "float64" };
    const facts = async (run: Promise<unknown>) => {
      const error = await run.catch((thrown: unknown) => thrown);
      return error instanceof OverlayError ? [error.code, error.details, error.hint === undefined] : error;
    };
    const a = spec("a", day(1), one);
    const file = "_derived/mock/part-a.parquet";
    expect(await facts(overlayOf([a, { ...a, path: "_derived/mock.parquet" }], types))).toEqual([
      "OVERLAY_BOTH_FORMS",
      { namespace: "mock", places: ["_derived/mock.parquet", "_derived/mock/"] },
      false,
    ]);
    const bySequence = spec("b", day(2), { sequence: ids("A"), mock__s: ["float64", [1]] }, { key: "sequence" });
    expect(await facts(overlayOf([bySequence, a], types))).toEqual([
      "KEY_MISMATCH",
      { namespace: "mock", keys: ["id", "sequence"] },
      false,
    ]);
    expect(await facts(overlayOf([spec("a", day(1), one, { key: "sequence" })], { ...types, id: "string" }))).toEqual([
      "KEY_MISMATCH",
      { namespace: "mock", file, key: "sequence" },
      false,
    ]);
    expect(await facts(overlayOf([a], {}))).toEqual([
      "COLUMN_NOT_REGISTERED",
      { namespace: "mock", file, column: "mock__s" },
      false,
    ]);
    await expect(overlayOf([a], {})).rejects.toMatchObject({ hint: expect.stringContaining("'…,mock__s:float64'") });
    expect(await facts(overlayOf([a], { mock__s: "int64" }))).toEqual([
      "TYPE_MISMATCH",
      { namespace: "mock", file, column: "mock__s", registered: "int64", stored: "float64" },
      false,
    ]);
    const stone = (columns: Readonly<Record<string, Cells>>, more: Partial<PartSpec>) =>
      overlayOf([spec("a", day(1), columns, { namespace: "usr", path: "_derived/usr.parquet", ...more })], {});
    const deleted = { id: ids("k0"), usr__deleted: ["bool", [true]] } as const;
    expect(await facts(stone(deleted, { path: "_derived/usr/part-a.parquet" }))).toEqual([
      "NOT_SUPPORTED",
      { namespace: "usr" },
      false,
    ]);
    expect(await facts(stone({ sequence: ids("A") }, { key: "sequence" }))).toEqual([
      "KEY_MISMATCH",
      { namespace: "usr", key: "sequence" },
      true,
    ]);
  });
  test("the namespace is what the first part by name says, in whatever order they are given", async () => {
    const parts = [
      spec("b", day(2), one, { namespace: "other" }),
      spec("a", day(1), one),
      spec("c", day(3), one, { namespace: "third" }),
    ];
    for (const specs of [parts, parts.toReversed()]) {
      const opened = await Promise.all(specs.map(makePart));
      const overlay = assembleOverlay(entryOf(specs), opened, registered("mock", { mock__s: "float64" }));
      expect(overlay).toMatchObject({
        namespace: "mock",
        key: "id",
        fields: [{ name: "mock__s", type: { kind: "float64" }, nullable: true }],
        parts: [{ namespace: "third" }, { namespace: "other" }, { namespace: "mock" }],
      });
    }
  });
  test("columns of Arrow's null type hold nothing that could be of a wrong type", async () => {
    const part = await makePart(spec("a", day(1), one));
    const { schema } = part.file;
    const nulls = schema.fields.map((field) => ({ ...field, type: { kind: "null" } as const }));
    const bad = { ...part, file: { ...part.file, schema: { ...schema, fields: nulls } } };
    const overlay = assembleOverlay(entryOf([part]), [bad], registered("mock", { mock__s: "int64" }));
    expect(overlay.fields.map((field) => field.type.kind)).toEqual(["int64"]);
  });
  test("there is one entry and one part at least", async () => {
    const part = await makePart(spec("a", day(1), one));
    expect(() => assembleOverlay([], [part], undefined)).toThrow(RangeError);
    expect(() => assembleOverlay(entryOf([part]), [], undefined)).toThrow(RangeError);
  });
  test("parts of different keys, and a part without its key column, are refused", async () => {
    const by = (key: OverlayKey, n: number) =>
      spec(String(n), day(n), { [key]: ids("k0"), mock__s: ["float64", [1]] }, { key });
    expect(await code(overlayOf([by("id", 1), by("sequence", 2)], { mock__s: "float64" }))).toBe("KEY_MISMATCH");
    // `sequence` and `sequence_norm` are one rule, but two keys on disk.
    expect(await code(overlayOf([by("sequence_norm", 1), by("sequence", 2)], { mock__s: "float64" }))).toBe(
      "KEY_MISMATCH",
    );
    expect(
      await code(overlayOf([spec("a", day(1), one, { key: "sequence" })], { mock__s: "float64", id: "string" })),
    ).toBe("KEY_MISMATCH");
  });
});

describe("compactions", () => {
  const compaction = (...listed: string[]) =>
    spec("c", day(3), one, {
      metadata: {
        "usr:compacted_from": JSON.stringify(listed.map((name) => ({ name, created_at: day(1), sha256: SHA }))),
      },
    });
  const types = { mock__s: "float64" };
  test("a part older than a compaction that does not list it is late", async () => {
    const error = await overlayOf(
      [compaction("part-a.parquet"), spec("a", day(1), one), spec("b", day(2), one)],
      types,
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "LATE_PART",
      details: { file: "_derived/mock/part-b.parquet", compaction: "part-c.parquet" },
    });
  });
  test("listed parts and newer ones are merged as usual", async () => {
    const older = { id: ids("k0", "k1"), mock__s: ["float64", [5, 6]] as const };
    const overlay = await overlayOf(
      [
        compaction("part-a.parquet"),
        spec("a", day(1), older),
        spec("d", day(4), { id: ids("k2"), mock__s: ["float64", [7]] }),
      ],
      types,
    );
    expect(await mergedRows(overlay, idBase(["k0", "k1", "k2"]), ["mock__s"])).toEqual([[1], [6], [7]]);
  });
  test("a compaction of nothing makes every older part late", async () => {
    expect(await code(overlayOf([compaction(), spec("a", day(1), one)], types))).toBe("LATE_PART");
  });
});

describe("tombstones", () => {
  const stone = (columns: Readonly<Record<string, Cells>>, more: Partial<PartSpec> = {}): PartSpec => ({
    path: "_derived/usr.parquet",
    namespace: "usr",
    key: "id",
    createdAt: day(1),
    columns,
    ...more,
  });
  const open = async (spec: PartSpec) => {
    const part = await makePart(spec);
    return assembleOverlay(entryOf([spec]), [part], undefined);
  };
  test("need no registry, and nanoseconds are read as microseconds", async () => {
    const overlay = await open(
      stone({
        id: ids("k0", "k1", "k2"),
        usr__deleted: ["bool", [true, false, null]],
        usr__deleted_at: ["timestamp[ns, UTC]", [1_000_999n, -1n, null]],
        usr__deleted_reason: ["string", [null, "", null]],
      }),
    );
    expect(overlay.fields.map((field) => field.name)).toEqual([
      "usr__deleted",
      "usr__deleted_at",
      "usr__deleted_reason",
    ]);
    const rows: readonly (readonly Value[])[] = await mergedRows(
      overlay,
      idBase(["k2", "k1", "k0"]),
      overlay.fields.map((field) => field.name),
    );
    expect(rows).toEqual([
      [null, null, null],
      [false, -1n, ""],
      [true, 1000n, null],
    ]);
  });
  test("nanoseconds are rounded down, before 1970 too", async () => {
    const times = [0n, 1n, 999n, 1000n, 1001n, -1n, -999n, -1000n, -1001n];
    const keys = times.map((ns) => `k${ns}`);
    const overlay = await open(stone({ id: ids(...keys), usr__deleted_at: ["timestamp[ns, UTC]", times] }));
    expect(await mergedRows(overlay, idBase(keys), ["usr__deleted_at"])).toEqual(
      [0n, 0n, 0n, 1n, 1n, -1n, -1n, -1n, -2n].map((us) => [us]),
    );
  });
  test("are one file, keyed by id, with the three columns", async () => {
    const deleted = { id: ids("k0"), usr__deleted: ["bool", [true]] as const };
    expect(await code(open(stone(deleted, { path: "_derived/usr/part-1.parquet" })))).toBe("NOT_SUPPORTED");
    expect(await code(open(stone({ sequence: ids("A") }, { key: "sequence" })))).toBe("KEY_MISMATCH");
    expect(await code(open(stone({ ...deleted, usr__more: ["bool", [true]] })))).toBe("COLUMN_NOT_REGISTERED");
    expect(await code(open(stone({ ...deleted, usr__deleted_at: ["timestamp[ms, UTC]", [1n]] })))).toBe(
      "TYPE_MISMATCH",
    );
  });
});
