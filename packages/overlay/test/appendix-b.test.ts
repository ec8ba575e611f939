import type { Value } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { OverlayError } from "../src/index.ts";
import { type Cells, idBase, mergedRows, overlayOf, type PartSpec, sequenceBase } from "./support.ts";

const TYPES = { mock__s: "float64", mock__t: "string", mock__a: "int64", mock__b: "int64" };
const T1 = "2026-03-01T00:00:00.000000Z";
const T2 = "2026-03-02T00:00:00.000000Z";
const BASE = idBase(["k0", "k1", "k2", "k3"]);

/** A part of the vectors; columns in the order given, `mock__` understood. */
function part(
  name: string,
  createdAt: string,
  columns: Readonly<Record<string, Cells>>,
  key: PartSpec["key"] = "id",
): PartSpec {
  const named = Object.entries(columns).map(
    ([column, cells]) => [column === key ? column : `mock__${column}`, cells] as const,
  );
  return { path: `_derived/mock/part-${name}.parquet`, key, createdAt, columns: Object.fromEntries(named) };
}
const ids = (...values: (string | null)[]): Cells => ["string", values];
const s = (...values: (number | null)[]): Cells => ["float64", values];
const t = (...values: (string | null)[]): Cells => ["string", values];
const int = (...values: (bigint | null)[]): Cells => ["int64", values];

async function k0(specs: readonly PartSpec[], columns: readonly string[]): Promise<readonly Value[]> {
  return (await rows(specs, columns))[0]!;
}
async function rows(specs: readonly PartSpec[], columns: readonly string[]): Promise<readonly (readonly Value[])[]> {
  return mergedRows(await overlayOf(specs, TYPES), BASE, columns);
}
async function refusal(run: Promise<unknown>): Promise<OverlayError> {
  const thrown = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof OverlayError) return thrown;
  throw thrown ?? new Error("nothing was refused");
}

describe("acceptance vectors of part merging", () => {
  test("1: a NULL hides nothing", async () => {
    const specs = [
      part("a", T1, { id: ids("k0", "k1"), s: s(1, 2), t: t("x", "y") }),
      part("b", T2, { id: ids("k0"), s: s(null), t: t("new") }),
    ];
    expect(await rows(specs, ["mock__s", "mock__t"])).toEqual([
      [1, "new"],
      [2, "y"],
      [null, null],
      [null, null],
    ]);
  });
  test("2: a newer part without the column", async () => {
    const specs = [part("a", T1, { id: ids("k0"), s: s(1), t: t("x") }), part("b", T2, { id: ids("k0"), s: s(9) })];
    expect(await k0(specs, ["mock__s", "mock__t"])).toEqual([9, "x"]);
  });
  test("3: a newer part with a column more", async () => {
    const specs = [part("a", T1, { id: ids("k0"), s: s(1) }), part("b", T2, { id: ids("k0"), s: s(9), t: t("q") })];
    expect(await k0(specs, ["mock__s", "mock__t"])).toEqual([9, "q"]);
  });
  test("4: columns align by name", async () => {
    const specs = [
      part("a", T1, { id: ids("k0"), a: int(1n), b: int(2n) }),
      part("b", T2, { id: ids("k0"), b: int(20n), a: int(10n) }),
    ];
    expect(await k0(specs, ["mock__a", "mock__b"])).toEqual([10n, 20n]);
  });
  test("5: the key may stand anywhere", async () => {
    const specs = [part("a", T1, { id: ids("k0"), t: t("x") }), part("b", T2, { t: t("y"), id: ids("k0") })];
    expect(await k0(specs, ["mock__t"])).toEqual(["y"]);
  });
  test("6: the greater file name wins a tie", async () => {
    const specs = [part("b", T1, { id: ids("k0"), s: s(2) }), part("a", T1, { id: ids("k0"), s: s(1) })];
    expect(await k0(specs, ["mock__s"])).toEqual([2]);
  });
  test("7: creation is an instant, not a text", async () => {
    const specs = [
      part("a", "2026-03-01T00:00:00Z", { id: ids("k0"), s: s(1) }),
      part("b", "2026-03-01T00:00:00.500000Z", { id: ids("k0"), s: s(2) }),
    ];
    expect(await k0(specs, ["mock__s"])).toEqual([2]);
  });
  test("8: a padded key is the same key, and one base row stays one row", async () => {
    const specs = [part("a", T1, { id: ids("k0"), s: s(1) }), part("b", T2, { id: ids(" k0"), s: s(2) })];
    expect(await rows(specs, ["mock__s"])).toEqual([[2], [null], [null], [null]]);
  });
  test("9: sequence_ci keys are the same in either case", async () => {
    const specs = [
      part("a", T1, { sequence_ci: ids("ACGT"), s: s(1) }, "sequence_ci"),
      part("b", T2, { sequence_ci: ids("acgt"), s: s(2) }, "sequence_ci"),
    ];
    const overlay = await overlayOf(specs, TYPES);
    expect(await mergedRows(overlay, sequenceBase(["aCgT", "TTTT"]), ["mock__s"])).toEqual([[2], [null]]);
  });
  test("10: a key twice in a part is refused", async () => {
    const specs = [part("a", T1, { id: ids("k0", "k1", "k0"), s: s(1, 2, 3) })];
    const error = await refusal(rows(specs, ["mock__s"]));
    expect(error.code).toBe("DUPLICATE_KEY");
    expect(error.details).toMatchObject({
      file: "_derived/mock/part-a.parquet",
      key: "k0",
      rows: [1, 3],
      duplicates: 1,
    });
  });
  test("11: so is a key twice after normalisation, also where the base lacks it", async () => {
    for (const keys of [ids("k0", "k1", " k0"), ids("stranger", "k1", "stranger ")]) {
      const error = await refusal(rows([part("a", T1, { id: keys, s: s(1, 2, 3) })], ["mock__s"]));
      expect(error.code).toBe("DUPLICATE_KEY");
      expect(error.details["rows"]).toEqual([1, 3]);
    }
  });
  test("12: a stored type other than the registered one is refused", async () => {
    const specs = [part("a", T1, { id: ids("k0"), s: s(1) }), part("b", T2, { id: ids("k1"), s: int(2n) })];
    const error = await refusal(rows(specs, ["mock__s"]));
    expect(error.code).toBe("TYPE_MISMATCH");
    expect(error.details).toMatchObject({ column: "mock__s", registered: "float64", stored: "int64" });
  });
  test("13: an unregistered column is refused", async () => {
    const specs = [part("a", T1, { id: ids("k0"), s: s(1) }), part("b", T2, { id: ids("k0"), other: s(2) })];
    expect((await refusal(rows(specs, ["mock__s"]))).code).toBe("COLUMN_NOT_REGISTERED");
  });
  test("14, 15: NULL, blank and unknown keys are ignored", async () => {
    const specs = [part("a", T1, { id: ids(null, "nobody", "k3", "", "\u2003"), s: s(1, 2, 3, 4, 5) })];
    expect(await rows(specs, ["mock__s"])).toEqual([[null], [null], [null], [3]]);
  });
  test("16: both forms at once are refused", async () => {
    const specs = [
      part("a", T1, { id: ids("k0"), s: s(1) }),
      { ...part("b", T2, { id: ids("k0"), s: s(1) }), path: "_derived/mock.parquet" },
    ];
    const error = await refusal(overlayOf(specs, TYPES));
    expect(error.code).toBe("OVERLAY_BOTH_FORMS");
    expect(error.details["places"]).toEqual(["_derived/mock.parquet", "_derived/mock/"]);
  });
});
