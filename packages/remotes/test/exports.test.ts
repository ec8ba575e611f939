import { expect, test } from "vitest";
import * as config from "../src/config/index.ts";
import * as root from "../src/index.ts";
import * as ssh from "../src/node/ssh.ts";

test("the runtime exports", () => {
  expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
    [
      "RemoteError",
      "auditOf",
      "changesOf",
      "diffDataset",
      "storageSite",
      "syncDataset",
      "verifyDataset",
    ]
  `);
  expect(Object.keys(config).sort()).toMatchInlineSnapshot(`
    [
      "findRemote",
      "parseRemotes",
      "withRemote",
      "withoutRemote",
    ]
  `);
  expect(Object.keys(ssh).sort()).toMatchInlineSnapshot(`
    [
      "PROTOCOL",
      "checksHostKeys",
      "openSsh",
      "serveStdio",
      "sshArguments",
      "sshSettings",
    ]
  `);
});
