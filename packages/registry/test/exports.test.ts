import * as api from "@usr/registry";
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
});
