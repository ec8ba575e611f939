import { expect, test } from "vitest";
import * as copying from "../src/copy/index.ts";
import * as curate from "../src/curate/index.ts";
import * as api from "../src/index.ts";
import * as inspect from "../src/inspect/index.ts";
import * as maintain from "../src/maintain/index.ts";
import * as overlays from "../src/overlays/index.ts";
import * as searching from "../src/search/index.ts";
import * as session from "../src/session/index.ts";

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
  expect(Object.keys(inspect).sort()).toMatchInlineSnapshot(`
    [
      "describe",
      "origins",
    ]
  `);
  expect(Object.keys(copying)).toEqual(["parquetCopy"]);
  expect(Object.keys(searching)).toEqual(["search"]);
  expect(Object.keys(session).sort()).toEqual(["importStream", "openSession"]);
  expect(Object.keys(maintain).sort()).toMatchInlineSnapshot(`
    [
      "compactOverlay",
      "createSnapshot",
      "doctor",
      "gardenEventLog",
      "listSnapshots",
      "pinSnapshot",
      "removeOverlay",
      "restoreSnapshot",
    ]
  `);
  expect(Object.keys(overlays).sort()).toMatchInlineSnapshot(`
    [
      "importAnnotated",
      "projectOverlay",
      "refreshOverlayMetadata",
    ]
  `);
  expect(Object.keys(curate).sort()).toMatchInlineSnapshot(`
    [
      "dedupe",
      "mergeDatasets",
    ]
  `);
});
