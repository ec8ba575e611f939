import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { noSshd, startSshd } from "@usr/testkit/sshd";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkspace } from "./support.ts";

const path = process.env["PATH"];
const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

describe.skipIf(noSshd !== undefined)(`usr over a real ssh${noSshd === undefined ? "" : ` (${noSshd})`}`, () => {
  let sshd: Awaited<ReturnType<typeof startSshd>>;
  beforeAll(async () => {
    sshd = await startSshd();
    process.env["PATH"] = `${sshd.bin}${delimiter}${path ?? ""}`;
  });
  afterAll(async () => {
    process.env["PATH"] = path;
    await sshd[Symbol.asyncDispose]();
  });

  it("remotes add, doctor, push, verify, diff and pull, each with at most three processes", async () => {
    await using w = await openWorkspace();
    const cluster = join(w.dir, "cluster");
    await mkdir(cluster);
    const variables = { USR_REMOTES_PATH: join(w.dir, "remotes.yaml"), XDG_CACHE_HOME: join(w.dir, "cache") };
    const { userInfo } = await import("node:os");
    const usr = async (...args: readonly string[]) => {
      const before = (await sshd.processes()).length;
      const ran = await w.usr(args, { variables });
      expect((await sshd.processes()).length - before, args.join(" ")).toBeLessThanOrEqual(3);
      return ran;
    };
    const where = ["--type", "ssh", "--host", "far", "--user", userInfo().username, "--base-dir", cluster];
    expect((await usr("remotes", "add", "cluster", ...where, "--verify", "hash")).code).toBe(0);
    expect((await usr("remotes", "doctor", "cluster")).data).toMatchObject({ ok: true });

    await writeFile(join(w.dir, "in.csv"), "sequence\nACGT\nGGCC\n");
    await usr("namespace", "register", "mock", "--columns", "mock__score:float64");
    await usr("init", "demo");
    await usr("import", "demo", "--path", join(w.dir, "in.csv"), "--bio-type", "dna", "--alphabet", "dna_4");
    expect((await usr("push", "demo", "cluster")).code).toBe(0);
    expect((await usr("verify", "demo", "cluster")).data).toMatchObject({ ok: true, verify_mode: "hash" });
    expect((await usr("push", "demo", "cluster")).data).toMatchObject({ datasets: [{ transfer_state: "NO-OP" }] });

    await writeFile(join(w.dir, "scores.csv"), "sequence,score\nACGT,0.5\n");
    const attach = ["attach", "demo", "--path", join(w.dir, "scores.csv"), "--namespace", "mock", "--key", "sequence"];
    expect((await w.usr(["--root", cluster, ...attach], { root: false })).code).toBe(0);
    expect((await usr("diff", "demo", "cluster")).data).toMatchObject({ has_change: true });
    expect((await usr("pull", "demo", "cluster")).code).toBe(0);
    expect((await usr("scan", "demo")).rows.map((row) => row["mock__score"])).toEqual([0.5, null]);
    expect((await usr("diff", "demo", "cluster", "--exit-code")).code).toBe(0);
    expect(asArray((await usr("ls")).data).length).toBe(1);
  });

  it("a host that is not there is exit 7, and no dataset is said to be missing", async () => {
    await using w = await openWorkspace();
    const variables = { USR_REMOTES_PATH: join(w.dir, "remotes.yaml") };
    const where = ["--type", "ssh", "--host", "no.such.host.invalid", "--user", "alice", "--base-dir", "/data"];
    await w.usr(["remotes", "add", "gone", ...where, "--verify", "hash"], { variables });
    const { code, error } = await w.usr(["diff", "demo", "gone"], { variables });
    expect([code, error?.code, error?.details["reason"]]).toEqual([7, "UNREACHABLE", "connection"]);
  });
});
