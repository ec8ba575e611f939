import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openWorkspace, type Ran, type Workspace } from "./support.ts";

/** A root with a dataset, an empty one beside it, and a remotes file that names it. */
const prepared = async (): Promise<
  Workspace & {
    readonly run: (args: readonly string[], o?: Parameters<Workspace["usr"]>[1]) => Promise<Ran>;
    readonly share: string;
  }
> => {
  const workspace = await openWorkspace();
  const share = join(workspace.dir, "share");
  await mkdir(share);
  const remotes = join(workspace.dir, "conf/remotes.yaml");
  const run: Workspace["usr"] = (args, o = {}) =>
    workspace.usr(args, { ...o, variables: { USR_REMOTES_PATH: remotes, HOME: workspace.dir, ...o.variables } });
  const add = await run(["remotes", "add", "share", "--type", "file", "--base-dir", share, "--verify", "hash"]);
  expect(add.code).toBe(0);
  await run(["namespace", "register", "mock", "--columns", "mock__score:float64"]);
  await run(["init", "demo"]);
  const sequences = await workspace.file("s.csv", "sequence\nAAAA\nCCCC\nGGGG\n");
  await run(["import", "demo", "--path", sequences, "--bio-type", "dna", "--alphabet", "dna_4"]);
  return { ...workspace, run, share };
};

const attach = async (at: Awaited<ReturnType<typeof prepared>>, text: string, root?: string): Promise<Ran> => {
  const path = await at.file(`${Math.random()}.csv`, `sequence,score\n${text}\n`);
  const args = ["attach", "demo", "--path", path, "--namespace", "mock", "--key", "sequence", "--overwrite"];
  return root === undefined ? at.run(args) : at.run(["--root", root, ...args], { root: false });
};

describe("remotes", () => {
  test("are listed, shown, written over and taken out; nothing is guessed", async () => {
    await using at = await prepared();
    expect((await at.run(["remotes", "list"])).data).toEqual([
      { name: "share", type: "file", where: at.share, verify: "hash" },
    ]);
    expect((await at.run(["remotes", "show", "share"])).data).toEqual({
      name: "share",
      type: "file",
      base_dir: at.share,
      verify: "hash",
    });
    expect((await at.run(["remotes", "doctor", "share"])).data).toMatchObject({ ok: true });
    const again = ["remotes", "add", "share", "--type", "file", "--base-dir", join(at.dir, "gone")];
    expect(await at.run(again)).toMatchObject({ code: 5, error: { code: "REMOTE_EXISTS" } });
    expect(await at.run(["remotes", "add", "x", "--type", "file", "--host", "h", "--base-dir", "/d"])).toMatchObject({
      code: 2,
    });
    expect((await at.run([...again, "--overwrite"])).code).toBe(0);
    // A share that is not mounted is never an empty one.
    expect(await at.run(["diff", "demo", "share", "--verify", "hash"])).toMatchObject({
      code: 7,
      error: { code: "UNREACHABLE" },
    });
    expect(await at.run(["remotes", "doctor", "share"])).toMatchObject({ code: 7, data: { ok: false } });
    expect(await at.run(["remotes", "show", "nowhere"])).toMatchObject({
      code: 4,
      error: { code: "REMOTE_NOT_FOUND" },
    });
    expect((await at.run(["remotes", "remove", "share"])).code).toBe(0);
    expect((await at.run(["remotes", "list"])).data).toEqual([]);
    expect(await at.usr(["remotes", "list"])).toMatchObject({ code: 2, error: { code: "USAGE" } });
    expect(await at.usr(["--remotes", join(at.dir, "none.yaml"), "remotes", "list"])).toMatchObject({
      code: 4,
      error: { code: "REMOTES_FILE_NOT_FOUND" },
    });
  });

  test("--verify must be said, by the flag or by the remote", async () => {
    await using at = await prepared();
    await at.run(["remotes", "add", "bare", "--type", "file", "--base-dir", at.share]);
    for (const verb of ["diff", "status", "pull", "push", "verify"])
      expect(await at.run([verb, "demo", "bare"])).toMatchObject({
        code: 2,
        error: { code: "USAGE", message: "--verify is missing" },
      });
  });
});

describe("push and pull", () => {
  test("move what is missing, say what they did, and write it down", async () => {
    await using at = await prepared();
    const audit = join(at.dir, "audit/push.json");
    const before = await at.bytes();
    const dry = await at.run(["push", "demo", "share", "--dry-run"]);
    expect(dry.data).toMatchObject({ datasets: [{ transfer_state: "DRY-RUN", dataset: "demo" }] });
    await expect(stat(join(at.share, "demo"))).rejects.toThrow();
    expect(await at.bytes()).toEqual(before);
    const pushed = await at.run(["push", "demo", "share", "--audit-json-out", audit]);
    expect(pushed).toMatchObject({ code: 0, data: { datasets: [{ transfer_state: "TRANSFERRED", remote: "share" }] } });
    const written: unknown = JSON.parse(await readFile(audit, "utf8"));
    expect(written).toMatchObject({
      usr_output_version: 1,
      data: {
        action: "push",
        transfer_state: "TRANSFERRED",
        dataset: "demo",
        verify: { primary: "hash", sidecars: "strict", content_hashes: "on" },
        primary: { changed: true },
        ".events.log": { local: 3, remote: 0 },
        _auxiliary: { remote_only: [] },
      },
    });
    expect(Object.keys(Object(written).data).slice(0, 9)).toEqual([
      "action",
      "transfer_state",
      "dataset",
      "verify",
      "primary",
      "meta",
      ".events.log",
      "_snapshots",
      "_derived",
    ]);
    expect((await at.run(["push", "demo", "share"])).data).toMatchObject({
      datasets: [{ transfer_state: "NO-OP", bytes: 0 }],
    });
    await attach(at, "AAAA,1", at.share);
    const diff = await at.run(["diff", "demo", "share", "--exit-code"]);
    expect(diff).toMatchObject({
      code: 3,
      data: { has_change: true, changes: { derived_files_diff: true, events_new_remote_lines: 1 } },
    });
    expect((await at.run(["diff", "demo", "share"])).code).toBe(0);
    expect((await at.run(["pull", "--all", "share"])).code).toBe(0);
    expect((await at.run(["get", "demo", "fec15fef9b7b7b37701ed12456d1258e620b3d22"])).rows).toMatchObject([
      { mock__score: 1 },
    ]);
    expect((await at.run(["verify", "demo", "share"])).data).toMatchObject({ ok: true, different: [] });
    expect((await at.run(["verify", "demo", "share", "--sample", "50%"])).code).toBe(0);
    expect((await at.run(["verify", "demo", "share", "--sample", "half"])).code).toBe(2);
  });

  test("a flipped bit is found by verify, whatever the digest cache remembers", async () => {
    await using at = await prepared();
    await at.run(["push", "demo", "share"]);
    const path = join(at.share, "demo/records.parquet");
    const bytes = await readFile(path);
    const { atime, mtime } = await stat(path);
    bytes[100]! ^= 1;
    await writeFile(path, bytes);
    const { utimes } = await import("node:fs/promises");
    await utimes(path, atime, mtime);
    expect(await at.run(["verify", "demo", "share"])).toMatchObject({
      code: 6,
      data: { ok: false, different: ["records.parquet"] },
    });
  });

  test("several datasets: one that fails does not stop the others", async () => {
    await using at = await prepared();
    await at.run(["init", "other"]);
    const ran = await at.run(["push", "demo", "nope", "other", "share"]);
    expect(ran).toMatchObject({
      code: 4,
      data: {
        datasets: [
          { transfer_state: "TRANSFERRED" },
          { transfer_state: "FAILED", error: { code: "DATASET_NOT_FOUND" } },
          { transfer_state: "TRANSFERRED" },
        ],
      },
    });
    expect(await at.run(["pull", "demo", "--all", "share"])).toMatchObject({ code: 2 });
    expect(await at.run(["pull", "share"])).toMatchObject({ code: 2 });
  });

  test("--mirror asks, and then takes away what only the target has", async () => {
    await using at = await prepared();
    await at.run(["push", "demo", "share"]);
    await attach(at, "AAAA,1", at.share);
    const args = ["push", "demo", "share", "--mirror"];
    expect(await at.run(args)).toMatchObject({ code: 2, error: { code: "CONFIRMATION_REQUIRED" } });
    expect((await at.run([...args, "--yes"])).code).toBe(0);
    expect((await at.run(["info", "demo", "--root", at.share], { root: false })).data).toMatchObject({
      namespaces: [],
    });
  });

  test("what both sides changed is refused with both stories, and nothing moves", async () => {
    await using at = await prepared();
    await at.run(["push", "demo", "share"]);
    const [mine, theirs] = [await at.file("m.csv", "sequence\nAAAAA\n"), await at.file("t.csv", "sequence\nCCCCC\n")];
    const args = (path: string) => ["import", "demo", "--path", path, "--bio-type", "dna", "--alphabet", "dna_4"];
    await at.run(args(mine));
    await at.run(["--root", at.share, ...args(theirs)], { root: false });
    const before = await at.bytes();
    const audit = join(at.dir, "a.json");
    const ran = await at.run(["pull", "demo", "share", "--audit-json-out", audit]);
    expect(ran).toMatchObject({
      code: 5,
      error: { code: "CONFLICT", hint: expect.stringContaining("--overwrite-base") },
    });
    expect(JSON.parse(await readFile(audit, "utf8"))).toMatchObject({
      data: { transfer_state: "FAILED", error: { code: "CONFLICT" } },
    });
    expect(await at.bytes()).toEqual(before);
    expect((await at.run(["diff", "demo", "share"])).data).toMatchObject({
      has_change: true,
      conflicts: [{ class: "base" }],
    });
    expect((await at.run(["pull", "demo", "share", "--dry-run"])).code).toBe(5);
  });
});
