import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemoteError } from "../src/index.ts";
import { type SshTarget, sshArguments } from "../src/node/ssh.ts";
import { START } from "../src/ssh/open.ts";
import { missingOptions, parseSettings, sshFailure } from "../src/ssh/remote-shell.ts";

const target: SshTarget = { host: "cluster", user: "alice", baseDir: "/project/x y/'$(id)'", interactive: false };

const codeOf = (o: Partial<SshTarget>): string => {
  try {
    sshArguments({ ...target, ...o });
    return "fine";
  } catch (error) {
    if (error instanceof RemoteError) return error.code;
    throw error;
  }
};

describe("the arguments of ssh", () => {
  it("end with the host and one command line that no target changes", () => {
    const args = sshArguments(target);
    expect(args.slice(-3)).toEqual(["--", "cluster", START]);
    expect(args.join(" ")).not.toContain("project");
    expect(args.slice(args.indexOf("-l"), args.indexOf("-l") + 2)).toEqual(["-l", "alice"]);
  });

  it("the command line holds nothing that a shell of any kind takes differently", () => {
    expect(START).toMatch(/^exec sh -c '[^'!\\\n]*'$/);
  });

  it("ask no questions where there is nobody to answer, and only there", () => {
    expect(sshArguments(target)).toContain("BatchMode=yes");
    expect(sshArguments({ ...target, interactive: true })).not.toContain("BatchMode=yes");
  });

  it("limit the wait for a silent host where the user's settings do not, and nobody is asked", () => {
    const limits = (text: string, interactive = false): readonly string[] =>
      missingOptions({ ...target, interactive }, parseSettings(text));
    expect([limits("connecttimeout none\n"), limits(""), limits("connecttimeout 7\n")]).toEqual([
      ["ConnectTimeout=120"],
      ["ConnectTimeout=120"],
      [],
    ]);
    expect(limits("connecttimeout none\n", true)).toEqual([]);
  });

  it("switch off no check of host keys, and refuse a target that does", () => {
    expect(sshArguments(target).join(" ")).not.toMatch(/HostKey|KnownHosts/i);
    const options = [
      "StrictHostKeyChecking=no",
      "stricthostkeychecking=off",
      'StrictHostKeyChecking="no"',
      "StrictHostKeyChecking= no",
      "UserKnownHostsFile=/dev/null",
      "RequestTTY=force",
      "RemoteCommand=x",
      "no equals sign",
      "Proxy Command=x",
      "Port=1\nStrictHostKeyChecking=no",
      "-oPort=1",
      "",
    ];
    expect(options.map((option) => codeOf({ options: [option] }))).toEqual(options.map(() => "REMOTES_INVALID"));
    expect(codeOf({ options: ["Port=2222", "ProxyJump=gate", "StrictHostKeyChecking=yes"] })).toBe("fine");
  });

  it("refuse hosts, users, roots and keys that could be options or commands", () => {
    const hosts = ["", "-oProxyCommand=x", "a b", "a\nb", "a@b", "a/b", "a\u0000"];
    expect(hosts.map((host) => codeOf({ host }))).toEqual(hosts.map(() => "REMOTES_INVALID"));
    const users = ["", "-l", "a b", "a:b", "a@b", "a\u001b[31m"];
    expect(users.map((user) => codeOf({ user }))).toEqual(users.map(() => "REMOTES_INVALID"));
    const roots = ["", "~/datasets", "datasets", "-rf", "/a\nb"];
    expect(roots.map((baseDir) => codeOf({ baseDir }))).toEqual(roots.map(() => "REMOTES_INVALID"));
    expect(["", "-x", "a\nb"].map((identityFile) => codeOf({ identityFile }))).toEqual(
      Array(3).fill("REMOTES_INVALID"),
    );
  });

  it("whatever the target: refused, or each part in a place of its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), (host, user) => {
        if (codeOf({ host, user }) !== "fine") return;
        const args = sshArguments({ ...target, host, user });
        expect(args.slice(args.indexOf("--"))).toEqual(["--", host, START]);
        expect(args[args.indexOf("-l") + 1]).toBe(user);
      }),
    );
  });
});

describe("why ssh ended", () => {
  const reasonOf = (stderr: string, code: number | null, answered = false): unknown =>
    sshFailure("far", { code, stderr, answered }).details["reason"];

  it.each([
    ["ssh: Could not resolve hostname nowhere: Name or service not known", 255, "connection"],
    ["ssh: connect to host far port 22: Connection refused", 255, "connection"],
    ["ssh: connect to host far port 22: Connection timed out", 255, "connection"],
    ["kex_exchange_identification: Connection closed by remote host", 255, "connection"],
    ["alice@far: Permission denied (publickey,keyboard-interactive).", 255, "authentication"],
    ["Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", 255, "authentication"],
    [
      "No ED25519 host key is known for far and you have requested strict checking.\nHost key verification failed.",
      255,
      "host-key",
    ],
    ["@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", 255, "host-key"],
    ["This account is currently not available.", 1, "shell"],
    ["sh: not found", 127, "shell"],
    ["", 0, "shell"],
  ])("%s", (stderr, code, reason) => expect(reasonOf(stderr, code)).toBe(reason));

  it("a connection that had answered was cut", () => {
    expect(reasonOf("client_loop: send disconnect: Broken pipe", 255, true)).toBe("cut");
    expect(reasonOf("", null, true)).toBe("cut");
  });

  it("shows what was said in one line, without the terminal's control characters", () => {
    const { message } = sshFailure("far", {
      code: 255,
      stderr: "\u001b]0;owned\u0007\r\nssh: no\u001b[2J way\r\n",
      answered: false,
    });
    expect(message).toBe("far cannot be reached: ]0;owned; ssh: no[2J way.");
  });
});
