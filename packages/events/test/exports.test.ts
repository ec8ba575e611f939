import { expect, test } from "vitest";
import * as root from "../src/index.ts";
import * as merge from "../src/merge/index.ts";

test("the public names", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "EventError",
      "appendEvent",
      "createEvent",
      "decodeEvents",
      "encodeEvent",
      "hasEvent",
      "tailEvents",
      "uuidv7",
    ]
  `);
  expect(Object.keys(merge).sort()).toMatchInlineSnapshot(`
    [
      "appendLines",
      "compareLogs",
      "linesNotIn",
      "missingLines",
    ]
  `);
});
