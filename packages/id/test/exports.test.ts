import { expect, test } from "vitest";
import * as digests from "../src/digests/index.ts";
import * as root from "../src/index.ts";
import * as strands from "../src/strands/index.ts";

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
});
