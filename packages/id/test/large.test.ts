/// <reference types="node" />
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { cdseguid } from "../src/digests/index.ts";
import { createHasher } from "../src/index.ts";

test("a sequence of 64 MB gets its id", () => {
  const bytes = new Uint8Array(1 << 26).fill(65);
  const out = new Uint8Array(40);
  createHasher("dna")(bytes, 0, bytes.length, out, 0);
  expect(new TextDecoder().decode(out)).toBe(createHash("sha1").update("dna|").update(bytes).digest("hex"));
});

test("a plasmid of 1 MB takes linear time", () => {
  const turned = `${"A".repeat(376_544)}C${"A".repeat(623_456)}`;
  expect(cdseguid(`${"A".repeat(500_000)}C${"A".repeat(500_000)}`, "dna")).toBe(cdseguid(turned, "dna"));
});
