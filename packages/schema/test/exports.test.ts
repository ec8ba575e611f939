import * as schema from "@usr/schema";
import * as arrow from "@usr/schema/arrow";
import * as check from "@usr/schema/check";
import * as columns from "@usr/schema/columns";
import * as ipc from "@usr/schema/ipc";
import { expect, test } from "vitest";

test("the entries are as wide as they are meant to be", () => {
  expect(Object.keys(schema).sort()).toMatchInlineSnapshot(`
    [
      "SchemaError",
      "allocateFixed",
      "byteSize",
      "formatTimestamp",
      "formatType",
      "parseTimestamp",
      "parseType",
      "sameType",
    ]
  `);
  expect(Object.keys(columns).sort()).toMatchInlineSnapshot(`
    [
      "columnBuilder",
      "columnOf",
      "concatColumns",
      "gatherColumns",
      "isValid",
      "nullColumn",
      "sliceColumn",
      "valueAt",
    ]
  `);
  expect(Object.keys(check)).toEqual(["checkColumn"]);
  expect(Object.keys(ipc).sort()).toMatchInlineSnapshot(`
    [
      "decodeArrowSchema",
      "encodeArrowSchema",
    ]
  `);
  expect(Object.keys(arrow).sort()).toMatchInlineSnapshot(`
    [
      "fromArrow",
      "readArrow",
      "toArrow",
      "writeArrow",
    ]
  `);
});
