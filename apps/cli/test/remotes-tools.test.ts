import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openWorkspace, type Ran, type Workspace } from "./support.ts";
import { fakeSsh } from "./support-far.ts";

/** A dataset, and a remote over ssh that has the needed programs and those of `tools`. */
const prepared = async (
  tools: readonly string[],
  checking?: string,
): Promise<Workspace & { run: (...args: string[]) => Promise<Ran>; cluster: string }> => {
  const w = await openWorkspace();
  const ssh = await fakeSsh(w.dir, tools, checking);
  const cluster = join(w.dir, "cluster");
  await mkdir(cluster);
  const variables = { USR_REMOTES_PATH: join(w.dir, "remotes.yaml"), XDG_CACHE_HOME: join(w.dir, "cache") };
  const run = (...args: string[]): Promise<Ran> => w.usr(args, { variables });
  const where = ["--type", "ssh", "--host", "login1", "--user", "alice", "--base-dir", cluster];
  expect((await run("remotes", "add", "cluster", ...where, "--verify", "hash")).code).toBe(0);
  await run("namespace", "register", "mock", "--columns", "mock__score:float64");
  await run("init", "demo");
  const path = await w.file("s.csv", "sequence\nACGT\nGGCC\n");
  await run("import", "demo", "--path", path, "--bio-type", "dna", "--alphabet", "dna_4");
  return {
    ...w,
    run,
    cluster,
    async [Symbol.asyncDispose](): Promise<void> {
      ssh[Symbol.dispose]();
      await w[Symbol.asyncDispose]();
    },
  };
};

const ALL = ["flock", "sha256sum"];

describe("remotes doctor over ssh", () => {
  it("shows the settings of ssh, who answers, its programs and its space", async () => {
    await using at = await prepared(ALL);
    const { code, data } = await at.run("remotes", "doctor", "cluster");
    expect([code, data]).toEqual([
      0,
      {
        remote: "cluster",
        ok: true,
        checks: [
          {
            check: "host-keys",
            ok: true,
            needed: true,
            message: "checked (StrictHostKeyChecking ask) for login1.example, port 2222",
            details: { host: "login1.example", port: "2222", strict_host_key_checking: "ask" },
          },
          { check: "reachable", ok: true, needed: true, message: "cluster answers", details: {} },
          expect.objectContaining({ check: "server", details: { server: "sh" } }),
          expect.objectContaining({ check: "datasets", ok: true }),
          expect.objectContaining({ check: "registry", ok: false, needed: false }),
          expect.objectContaining({ check: "digests", ok: true, details: { tool: "sha256sum" } }),
          expect.objectContaining({ check: "writable", ok: true, message: "push is possible" }),
          expect.objectContaining({ check: "locks", ok: true, details: { tool: "flock" } }),
          expect.objectContaining({ check: "space", ok: true, details: { bytes: expect.any(Number) } }),
        ],
      },
    ]);
  });

  it("says no where flock and sha256 are missing, and exits 6", async () => {
    await using at = await prepared([]);
    const variables = { USR_REMOTES_PATH: join(at.dir, "remotes.yaml") };
    const { code, stdout } = await at.usr(["remotes", "doctor", "cluster"], { variables, json: false });
    expect(code).toBe(6);
    expect(stdout).toContain("ok  reachable: cluster answers\n");
    expect(stdout).toContain("no  digests: no sha256 over there: --verify hash proves less and exits 6\n");
    expect(stdout).toContain("no  locks: no flock over there: nothing can be pushed, pull is possible\n");
    expect(stdout).not.toContain("push is possible");
    expect(stdout).toMatch(/^ok {2}space: .* free over there$/m);
    expect(stdout.endsWith("Not well\n")).toBe(true);
  });

  it("says no where host keys are not checked, and does not connect", async () => {
    await using at = await prepared(ALL, "false");
    const { code, data } = await at.run("remotes", "doctor", "cluster");
    expect([code, data]).toMatchObject([
      expect.any(Number),
      {
        ok: false,
        checks: [
          { check: "host-keys", ok: false },
          { check: "reachable", ok: false },
        ],
      },
    ]);
    expect(code).not.toBe(0);
  });

  it("says which program is missing where the helper cannot start", async () => {
    await using at = await prepared(ALL);
    const { rm } = await import("node:fs/promises");
    await rm(join(at.dir, "far-bin/stat"));
    const { code, data } = await at.run("remotes", "doctor", "cluster");
    expect(code).toBe(6);
    expect(JSON.stringify(data)).toContain("has no stat on its PATH");
  });
});

describe("a remote that lacks a program", () => {
  it("without sha256: --verify hash proves less, warns, writes it down and exits 6; auto is content", async () => {
    await using at = await prepared(["flock"]);
    const audit = join(at.dir, "audit.json");
    // The first push has nothing there to compare with.
    for (const state of ["TRANSFERRED", "NO-OP"]) {
      const ran = await at.run("push", "demo", "cluster", "--audit-json-out", audit);
      expect([ran.error, ran.code]).toEqual([undefined, 6]);
      expect(ran.stderr).toContain("cluster cannot compute sha256");
      expect(JSON.parse(await readFile(audit, "utf8"))).toMatchObject({
        data: {
          transfer_state: state,
          verify: { requested: "hash", primary: "parquet", weaker: true, notes: [expect.stringContaining("sha256")] },
        },
      });
    }
    expect((await at.run("verify", "demo", "cluster")).code).toBe(6);
    expect((await at.run("pull", "demo", "cluster")).code).toBe(6);
    expect((await at.run("diff", "demo", "cluster")).data).toMatchObject({ has_change: false, verify_mode: "parquet" });
    expect((await at.run("push", "demo", "cluster", "--verify", "auto")).code).toBe(0);
    expect((await at.run("pull", "demo", "cluster", "--verify", "parquet")).code).toBe(0);
  });

  it("without flock: a push is refused before anything moves, exit 6; pulling goes on", async () => {
    await using at = await prepared(["sha256sum"]);
    const ran = await at.run("push", "demo", "cluster");
    expect(ran).toMatchObject({
      code: 6,
      error: {
        code: "NOT_SUPPORTED",
        message: expect.stringContaining("flock"),
        hint: expect.stringContaining("Install flock"),
        details: { remote: "cluster", tool: "flock" },
      },
    });
    expect(await readdir(at.cluster)).toEqual([]);
    // A plan of it says so, too.
    expect(await at.run("push", "demo", "cluster", "--dry-run")).toMatchObject({
      code: 6,
      error: { code: "NOT_SUPPORTED" },
    });
    const everything = await at.run("push", "--all", "cluster");
    expect(everything).toMatchObject({ code: 6, data: { datasets: [{ error: { code: "NOT_SUPPORTED" } }] } });
    expect(await readdir(at.cluster)).toEqual([]);

    const { cp } = await import("node:fs/promises");
    await cp(at.root, at.cluster, { recursive: true });
    const path = await at.file("scores.csv", "sequence,score\nACGT,0.5\n");
    const attach = ["attach", "demo", "--path", path, "--namespace", "mock", "--key", "sequence"];
    await at.usr(["--root", at.cluster, ...attach], { root: false });
    expect((await at.run("pull", "demo", "cluster")).code).toBe(0);
    expect((await at.run("scan", "demo")).rows.map((row) => row["mock__score"])).toEqual([0.5, null]);
  });
});
