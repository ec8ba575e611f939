import { expect, test } from "vitest";
import type { Query, Root } from "../src/types.ts";
import { baseBytes, idsOf, partBytes, registryText, rootOf } from "./make.ts";
import { GOLDEN, linesOf, memoryRoot, watched } from "./support.ts";

/** Rows, or the code of the refusal. */
const told = (root: Root, dataset: string, query: Query): Promise<readonly string[] | string> =>
  linesOf(root, dataset, query).catch((error: unknown) => {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  });

test("little memory for keys is another way to the same rows and the same refusals, in every golden dataset", async () => {
  const queries: readonly Query[] = [{}, { includeDeleted: true }, { where: "length > 4" }, { start: 1, limit: 7 }];
  for (const { root, dataset } of GOLDEN) {
    const storage = (await memoryRoot(root)).storage;
    for (const query of queries) {
      const little = await told({ storage, label: root, memoryBytes: 1 }, dataset, query);
      expect(little, `${root} ${dataset}`).toEqual(await told({ storage, label: root }, dataset, query));
    }
  }
});

test("the ids of the base are read once for each share of them", async () => {
  const sequences = Array.from({ length: 20_000 }, (_, n) => n.toString(4).replace(/\d/g, (d) => "ACGT"[Number(d)]!));
  const ids = idsOf(sequences).toReversed();
  const { storage } = await rootOf({
    "registry.yaml": registryText({ mock: { mock__score: "float64" } }),
    "demo/records.parquet": await baseBytes({ sequences }),
    "demo/_derived/mock/part-1.parquet": await partBytes("mock", "id", "2026-03-01T00:00:00.000000Z", {
      id: ["string", ids],
      mock__score: ["float64", ids.map((_, row) => row)],
    }),
  });
  const readBytes = async (memoryBytes: number | undefined): Promise<number> => {
    let bytes = 0;
    const seen = watched(storage, {
      read: (path, _, length) => (bytes += path.endsWith("records.parquet") ? length : 0),
    });
    const lines = await linesOf({ storage: seen, label: "", memoryBytes }, "demo", { columns: ["mock__score"] });
    expect(lines).toEqual(sequences.map((_, row) => `{"mock__score":${sequences.length - 1 - row}.0}`));
    return bytes;
  };
  const all = await readBytes(undefined);
  // 27 bytes a row, of which half of the memory holds a third.
  const thirds = await readBytes(360_000);
  const sixths = await readBytes(180_000);
  expect(thirds).toBeGreaterThan(all);
  expect(sixths - thirds).toBeGreaterThan(1.4 * (thirds - all));
  expect(sixths - thirds).toBeLessThan(1.6 * (thirds - all));
});
