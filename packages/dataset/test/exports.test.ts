import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "DatasetError",
      "datasetSchema",
      "eventLog",
      "info",
      "listDatasets",
      "requireRegistry",
      "scan",
      "validate",
    ]
  `);
});
