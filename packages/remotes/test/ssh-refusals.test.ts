/// <reference types="node" />
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Sshd, startSshd } from "@usr/testkit/sshd";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSsh } from "../src/node/ssh.ts";
import { failure } from "./support/expect.ts";
import { type Folder, freshFolder } from "./support/folder.ts";
import { open, target, withSshd } from "./support/real-ssh.ts";

withSshd("what stands in the way", () => {
  let sshd: Sshd;
  let root: Folder;
  beforeAll(async () => {
    sshd = await startSshd();
    root = await freshFolder();
  });
  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
    await root[Symbol.asyncDispose]();
  });
  const reason = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await failure(work);
    return [error.code, error.details["reason"]];
  };

  it("W8: a closed port, a name nobody knows: unreachable, never an absent dataset", async () => {
    const closed = openSsh(target(sshd, root.path, { options: ["Port=1"] }), { label: "far", command: sshd.command });
    expect(await reason(closed)).toEqual(["UNREACHABLE", "connection"]);
    const options = ["HostName=no.such.host.invalid"];
    const unknown = openSsh(target(sshd, root.path, { options }), { label: "far", command: sshd.command });
    expect(await reason(unknown)).toEqual(["UNREACHABLE", "connection"]);
  });

  it("a host that takes the connection and says nothing: unreachable after the user's own limit", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    if (address === null || typeof address === "string") return expect.unreachable();
    const options = ["HostName=127.0.0.1", `Port=${address.port}`, "ConnectTimeout=1"];
    const hanging = openSsh(target(sshd, root.path, { options }), { label: "far", command: sshd.command });
    expect(await reason(hanging)).toEqual(["UNREACHABLE", "connection"]);
    silent.close();
  });

  it("a key the server does not know", async () => {
    await using other = await startSshd();
    await writeFile(join(other.folder, "authorized_keys"), await readFile(join(other.folder, "other_key.pub")));
    expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "authentication"]);
    const identityFile = join(other.folder, "other_key");
    await using site = await openSsh(target(other, root.path, { identityFile }), {
      label: "far",
      command: other.command,
    });
    expect(await site.datasets()).toEqual([]);
  });

  it("a host key that is another, or unknown", async () => {
    await using other = await startSshd();
    const known = join(other.folder, "known_hosts");
    const stranger = (await readFile(join(other.folder, "other_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
    await writeFile(known, `${(await readFile(known, "utf8")).split(" ")[0]} ${stranger}\n`);
    expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "host-key"]);
    await writeFile(known, "");
    expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "host-key"]);
    expect(await readFile(known, "utf8")).toBe("");
  });

  it("an account that runs no shell", async () => {
    await using other = await startSshd({ forceCommand: "echo This account is currently not available.; exit 1" });
    expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "shell"]);
  });

  it("W8: a root that is not there is said to be missing", async () => {
    const error = await failure(open(sshd, join(root.path, "no such root")));
    expect([error.code, error.message.includes("no such root")]).toEqual(["UNREACHABLE", true]);
  });

  it("no ssh on this machine", async () => {
    const error = await failure(openSsh(target(sshd, root.path), { label: "far", command: "/no/such/ssh" }));
    expect([error.code, error.hint]).toEqual(["UNREACHABLE", expect.stringContaining("OpenSSH")]);
  });
});
