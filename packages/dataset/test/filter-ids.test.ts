import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Root } from "../src/types.ts";
import { baseBytes, idsOf, spread } from "./make.ts";
import { linesOf } from "./support.ts";

const SEQUENCES = Array.from({ length: 40 }, (_, i) =>
  [...(i + 64).toString(4)].map((d) => "ACGT"[Number(d)]).join(""),
);
const IDS = idsOf([...SEQUENCES, "GATTACA", "TTTTTTT"]);

interface Counted {
  readonly root: Root;
  readonly bytes: () => number;
}

const rootWith = async (groupRows: number, filters: boolean): Promise<Counted> => {
  const write = filters ? { bloomFilters: ["id"] } : {};
  const storage = memoryStorage();
  await storage.put("demo/records.parquet", spread(await baseBytes({ sequences: SEQUENCES, groupRows, write })));
  let bytes = 0;
  const counting = Object.create(storage, {
    open: {
      value: async (path: string) => {
        const handle = await storage.open(path);
        return (
          handle &&
          Object.create(handle, {
            read: {
              value: (at: number, length: number) => {
                bytes += length;
                return handle.read(at, length);
              },
            },
          })
        );
      },
    },
  });
  return { root: { storage: counting, label: "counted" }, bytes: () => bytes };
};

const some = fc
  .uniqueArray(fc.nat(IDS.length - 1), { minLength: 1, maxLength: 4 })
  .map((picked) => picked.map((i) => IDS[i]!));
const quoted = (ids: readonly string[]): string => ids.map((id) => `'${id}'`).join(", ");
const whereArb = fc.oneof(
  some.map(([id]) => `id = '${id}'`),
  some.map(([id]) => `id != '${id}'`),
  some.map((ids) => `id in (${quoted(ids)})`),
  some.map((ids) => `not id in (${quoted(ids)})`),
  some.map((ids) => `id in (${quoted(ids)}) or sequence contains 'AC'`),
  some.map((ids) => `id in (${quoted(ids)}) and not (id = '${ids[0]}' or id > '8')`),
);

it("a filter on ids gives the same rows with bloom filters and without", async () => {
  await fc.assert(
    fc.asyncProperty(whereArb, fc.integer({ min: 1, max: 17 }), async (where, groupRows) => {
      const [filtered, plain] = [await rootWith(groupRows, true), await rootWith(groupRows, false)];
      expect(await linesOf(filtered.root, "demo", { where })).toEqual(await linesOf(plain.root, "demo", { where }));
    }),
    { numRuns: testRuns(100) },
  );
});

it("row groups that do not hold an id are not read for it", async () => {
  const cost = async (filters: boolean): Promise<number> => {
    const { root, bytes } = await rootWith(10, filters);
    expect(await linesOf(root, "demo", { where: `id = '${IDS[3]}'`, columns: ["id", "sequence"] })).toHaveLength(1);
    return bytes();
  };
  expect(await cost(true)).toBeLessThan((await cost(false)) - 300);
});
