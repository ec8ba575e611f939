import { expect, test } from "vitest";
import * as root from "../src/index.ts";
import * as ssh from "../src/node/ssh.ts";

test("the runtime exports", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "RemoteError",
      "storageSite",
    ]
  `);
  expect(Object.keys(ssh).sort()).toMatchInlineSnapshot(`
    [
      "PROTOCOL",
      "openSsh",
      "serveStdio",
      "sshArguments",
    ]
  `);
});
