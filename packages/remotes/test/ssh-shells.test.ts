/// <reference types="node" />
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SshdOptions, startSshd, which } from "@usr/testkit/sshd";
import { expect, it } from "vitest";
import { failure, writable } from "./support/expect.ts";
import { pathWithUsr, TOOLS, toolFolder } from "./support/far.ts";
import { freshFolder } from "./support/folder.ts";
import { connections, exercise, open, run, withSshd } from "./support/real-ssh.ts";

const NOISE =
  "echo Welcome to the cluster; echo 'AGENT_MANAGE_RUNTIME_SKILLS=1'; printf 'no newline, and usr-remote 1 sh'; echo quota >&2; ";
const SHELLS: readonly (readonly [name: string, shell: string, o: SshdOptions])[] = [
  ["the account's own login shell", "sh", {}],
  ["bash", "bash", { forceCommand: run("bash") }],
  ["dash", "dash", { forceCommand: run("dash") }],
  ["csh", "csh", { forceCommand: run("csh") }],
  ["tcsh", "tcsh", { forceCommand: run("tcsh") }],
  ["W1, W22: start-up files that print", "sh", { forceCommand: NOISE + run("sh") }],
  ["W22: csh whose start-up files print", "csh", { forceCommand: NOISE + run("csh") }],
];

withSshd("login shells", () => {
  it.each(SHELLS.filter(([, shell]) => which(shell) !== undefined))(
    "%s: does everything a sync does, in one process",
    async (_name, _shell, o) => {
      await using sshd = await startSshd(o);
      await using root = await freshFolder();
      {
        await using site = await open(sshd, root.path);
        await exercise(site);
        expect([site.peer.server, site.peer.root]).toEqual(["sh", `${root.path}/`]);
      }
      expect((await connections(sshd)).length).toBe(1);
    },
  );
});

withSshd("an installed usr, or less than one would like", () => {
  it("is used where it is on the PATH", async () => {
    await using root = await freshFolder();
    await using bin = await freshFolder();
    const path = await pathWithUsr(bin.path);
    await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
    await using site = await open(sshd, root.path);
    await exercise(site);
    expect(site.peer.server).toBe("usr");
  });

  it("another program of that name is passed over, whatever it says", async () => {
    await using root = await freshFolder();
    await using bin = await freshFolder();
    const path = await pathWithUsr(bin.path);
    const other = '#!/bin/sh\necho "Usage: usr [OPTIONS] COMMAND"\necho "Error: No such command" >&2\nexit 2\n';
    await writeFile(join(bin.path, "usr"), other);
    await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
    await using site = await open(sshd, root.path);
    await exercise(site);
    expect(site.peer.server).toBe("sh");
  });

  it("W15: a remote without flock, sha256sum and python is refused or weakened by name", async () => {
    await using root = await freshFolder();
    await using bin = await freshFolder();
    const path = await toolFolder(bin.path, ["sh", ...TOOLS]);
    await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
    await using site = await open(sshd, root.path);
    expect([site.peer.tools.get("lock"), site.peer.tools.get("sha256")]).toEqual(["none", "none"]);
    const refusal = await failure(Promise.resolve(writable(site).lock?.("d/.usr.lock")));
    expect([refusal.code, refusal.details["tool"]]).toEqual(["NOT_SUPPORTED", "flock"]);
  });
});
