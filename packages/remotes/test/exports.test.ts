import { expect, test } from "vitest";
import * as root from "../src/index.ts";

test("the runtime exports", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "RemoteError",
      "storageSite",
    ]
  `);
});
