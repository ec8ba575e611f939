import { expect, test } from "vitest";
import * as root from "../src/index.ts";
import * as write from "../src/write/index.ts";

test("the runtime exports", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "OverlayError",
      "assembleOverlay",
      "buildKeyIndex",
      "countKeys",
      "discoverOverlays",
      "matchKeys",
      "mergeOverlay",
      "openPart",
    ]
  `);
  expect(Object.keys(write).sort()).toMatchInlineSnapshot(`
    [
      "createKeyTable",
      "lateParts",
      "nextCreatedAt",
      "normalizeKeys",
      "overlayMetadata",
      "partName",
      "unionKeys",
    ]
  `);
});
