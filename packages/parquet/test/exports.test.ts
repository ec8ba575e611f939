import { expect, it } from "vitest";
import * as extend from "../src/extend.ts";
import * as parquet from "../src/index.ts";
import * as lookup from "../src/lookup.ts";
import * as stored from "../src/stored.ts";

it("exports what it says and nothing else", () => {
  expect(Object.keys(parquet).sort()).toMatchInlineSnapshot(`
    [
      "ParquetError",
      "canPassThrough",
      "chunkOf",
      "columnBounds",
      "nullCount",
      "openParquet",
      "readBatches",
      "writeParquet",
    ]
  `);
  expect(Object.keys(extend).sort()).toMatchInlineSnapshot(`
    [
      "extendColumns",
      "extendParquet",
    ]
  `);
});

it("exports how columns are stored apart", () => {
  expect(Object.keys(stored).sort()).toEqual(["filteredAlike", "storedAlike", "storedLayout"]);
});

it("exports what looking for values needs", () => {
  expect(Object.keys(lookup).sort()).toMatchInlineSnapshot(`
    [
      "hasFilter",
      "rowGroupFilter",
      "rowGroupsWith",
      "searchCandidates",
      "writtenHere",
    ]
  `);
});
