import { expect, test } from "vitest";
import * as adapter from "../src/adapter/index.ts";
import * as http from "../src/http/index.ts";
import * as root from "../src/index.ts";
import * as node from "../src/node/index.ts";
import * as nodeTesting from "../src/node/testing/index.ts";
import * as testing from "../src/testing/index.ts";

test("the public names of every entry", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "StorageError",
      "comparePaths",
      "memoryStorage",
      "parsePath",
      "readAll",
      "scopedStorage",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "diskStorage",
      "flusher",
      "nodeFs",
    ]
  `);
  expect(Object.keys(http).sort()).toMatchInlineSnapshot(`
    [
      "httpStorage",
    ]
  `);
  expect(Object.keys(adapter).sort()).toMatchInlineSnapshot(`
    [
      "checkRange",
      "chunksOf",
      "isTemporary",
      "joinChunks",
      "lockedError",
      "parseTarget",
      "prefixFolder",
    ]
  `);
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "DeadError",
      "faultStorage",
      "storageConformance",
    ]
  `);
  expect(Object.keys(nodeTesting).sort()).toMatchInlineSnapshot(`
    [
      "PowerCut",
      "powerCutDisk",
    ]
  `);
});
