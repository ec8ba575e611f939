import * as api from "@usr/registry";
import * as standard from "@usr/registry/standard";
import { expect, it } from "vitest";

it("exports what the README tells", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "RegistryError",
      "canonicalRegistry",
      "contractHash",
      "emptyRegistry",
      "parseColumnSpecs",
      "parseRegistry",
      "registerNamespace",
      "registryHash",
    ]
  `);
  expect(Object.keys(standard).sort()).toEqual(["STANDARD", "standardRequest"]);
});
