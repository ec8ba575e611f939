import { expect, it } from "vitest";
import * as parquet from "../src/index.ts";

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
});
