import { createHash } from "node:crypto";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256OfShort } from "../src/sha256.ts";

const native = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

it("hashes as everybody does, at every length about the ends of blocks", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 7) & 0xff);
    expect(sha256OfShort(bytes)).toBe(native(bytes));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      expect(sha256OfShort(bytes)).toBe(native(bytes));
    }),
    { numRuns: testRuns(300) },
  );
});
