import { expect, test } from "vitest";
import * as bulk from "../src/bulk/index.ts";
import * as digests from "../src/digests/index.ts";
import * as root from "../src/index.ts";
import * as strands from "../src/strands/index.ts";
import * as wasm from "../src/wasm/index.ts";

test("the public names of every entry", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "ALPHABETS",
      "IdError",
      "createChecker",
      "createHasher",
      "normalizeSequence",
      "sequenceId",
      "strip",
      "stripRange",
    ]
  `);
  expect(Object.keys(bulk).sort()).toMatchInlineSnapshot(`
    [
      "createBulkChecker",
      "createBulkHasher",
      "idText",
    ]
  `);
  expect(Object.keys(digests).sort()).toMatchInlineSnapshot(`
    [
      "cdseguid",
      "csseguid",
      "ldseguid",
      "lsseguid",
      "md5",
      "refget",
    ]
  `);
  expect(Object.keys(strands).sort()).toMatchInlineSnapshot(`
    [
      "createMotifFinder",
      "createReverseComplementer",
      "reverseComplement",
    ]
  `);
  expect(Object.keys(wasm).sort()).toMatchInlineSnapshot(`
    [
      "I32",
      "get",
      "int",
      "openModule",
      "set",
      "simd",
      "tee",
      "wasmModule",
    ]
  `);
});
