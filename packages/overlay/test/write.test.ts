import { columnOf, valueAt } from "@usr/schema/columns";
import { describe, expect, test } from "vitest";
import { OverlayError } from "../src/index.ts";
import { nextCreatedAt, normalizeKeys, overlayMetadata, partName } from "../src/write/index.ts";
import { makePart } from "./support.ts";

const NOW = 1_772_323_200_000_000n; // 2026-03-01T00:00:00Z

test("a part is named by the moment and 32 hex digits", () => {
  const uuid = "0123456789abcdef0123456789abcdef";
  expect(partName(NOW + 760_394n, uuid)).toBe(`part-20260301T000000760394Z-${uuid}.parquet`);
  expect(() => partName(NOW, uuid.toUpperCase())).toThrow(RangeError);
  expect(() => partName(NOW, "../x")).toThrow(RangeError);
});

describe("nextCreatedAt", () => {
  const at = (createdAt: bigint) => ({ createdAt, createdAtText: "text", name: "part-1.parquet" });
  test("is now where nothing is newer", () => {
    expect(nextCreatedAt([], NOW)).toBe(NOW);
    expect(nextCreatedAt([at((NOW - 1n) * 1000n)], NOW)).toBe(NOW);
  });
  test("is after the newest part where the clock stepped back", () => {
    expect(nextCreatedAt([at(NOW * 1000n)], NOW)).toBe(NOW + 1n);
    expect(nextCreatedAt([at(1n), at((NOW + 7n) * 1000n + 999n), at(NOW * 1000n)], NOW)).toBe(NOW + 8n);
  });
  test("refuses a part more than five minutes ahead", () => {
    const limit = NOW + 300_000_000n;
    expect(nextCreatedAt([at(limit * 1000n)], NOW)).toBe(limit + 1n);
    expect(() => nextCreatedAt([at((limit + 1n) * 1000n)], NOW)).toThrow(
      expect.objectContaining({
        code: "CLOCK_SKEW",
        details: { file: "part-1.parquet", created_at: "text", now: "2026-03-01T00:00:00.000000Z" },
      }),
    );
  });
});

test("what is written is what is read", async () => {
  const compactedFrom = [{ name: "part-1.parquet", createdAt: "2026-02-01T00:00:00.000000Z", sha256: "ab".repeat(32) }];
  const metadata = overlayMetadata({
    namespace: "mock",
    key: "sequence_ci",
    createdAtUs: NOW,
    registryHash: "r",
    contractHash: "c",
    eventId: "e",
    compactedFrom,
  });
  expect(Object.fromEntries(metadata)).toEqual({
    "usr:overlay_namespace": "mock",
    "usr:overlay_key": "sequence_ci",
    "usr:overlay_created_at": "2026-03-01T00:00:00.000000Z",
    "usr:registry_hash": "r",
    "usr:namespace_contract_hash": "c",
    "usr:event_id": "e",
    "usr:compacted_from": JSON.stringify([
      { name: "part-1.parquet", created_at: "2026-02-01T00:00:00.000000Z", sha256: "ab".repeat(32) },
    ]),
  });
  const part = await makePart({
    path: "_derived/mock/part-2.parquet",
    key: "sequence_ci",
    createdAt: metadata.get("usr:overlay_created_at"),
    metadata: Object.fromEntries(metadata),
    columns: { sequence_ci: ["string", ["A"]], mock__s: ["float64", [1]] },
  });
  expect(part).toMatchObject({
    name: "part-2.parquet",
    namespace: "mock",
    key: "sequence_ci",
    createdAt: NOW * 1000n,
    createdAtText: "2026-03-01T00:00:00.000000Z",
    columns: ["mock__s"],
    registryHash: "r",
    contractHash: "c",
    eventId: "e",
    compactedFrom,
  });
  const bare = overlayMetadata({ namespace: "usr", key: "id", createdAtUs: NOW, registryHash: "r" });
  expect([...bare.keys()]).toEqual([
    "usr:overlay_namespace",
    "usr:overlay_key",
    "usr:overlay_created_at",
    "usr:registry_hash",
  ]);
});

describe("normalizeKeys", () => {
  const normal = (key: "id" | "sequence_ci", ...values: (string | null)[]) => {
    const column = normalizeKeys(key, columnOf({ kind: "string" }, values));
    return Array.from({ length: column.length }, (_, row) => valueAt(column, row));
  };
  test("strips as Python does, upper-cases sequence_ci, and blanks are NULL", () => {
    expect(normal("id", " a\u2003", "B", null, "\u001c", "\ufeffx", "")).toEqual([
      "a",
      "B",
      null,
      null,
      "\ufeffx",
      null,
    ]);
    expect(normal("sequence_ci", "acgt ", "ACGT", "ß")).toEqual(["ACGT", "ACGT", "ß"]);
  });
  test("a normal column comes back as it is", () => {
    const column = columnOf({ kind: "string" }, ["a", null, "b"]);
    expect(normalizeKeys("id", column)).toBe(column);
    expect(normalizeKeys("sequence_ci", column)).not.toBe(column);
  });
});

test("an overlay's error has details, though they may be empty, and keeps its cause", () => {
  const cause = new Error("why");
  expect(new OverlayError("CORRUPT", "It is.", { cause, hint: "Mend it." })).toMatchObject({
    name: "OverlayError",
    code: "CORRUPT",
    message: "It is.",
    hint: "Mend it.",
    details: {},
    cause,
  });
  expect("cause" in new OverlayError("CORRUPT", "It is.")).toBe(false);
});
