import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

const withShare = async (workspace: Workspace): Promise<Workspace["usr"]> => {
  const variables = { USR_REMOTES_PATH: join(workspace.dir, "remotes.yaml") };
  const usr: Workspace["usr"] = (args, o = {}) => workspace.usr(args, { ...o, variables });
  await mkdir(join(workspace.dir, "share"));
  for (const [name, folder] of [
    ["share", "share"],
    ["gone", "nowhere"],
  ] as const)
    await usr([
      "remotes",
      "add",
      name,
      "--type",
      "file",
      "--base-dir",
      join(workspace.dir, folder),
      "--verify",
      "hash",
    ]);
  await usr(["namespace", "register", "mock", "--columns", "mock__score:float64"]);
  await usr(["init", "demo"]);
  return usr;
};

test("sync W8: a remote that is not there is an error, never an absent dataset", async () => {
  await using workspace = await openWorkspace();
  const usr = await withShare(workspace);
  for (const verb of ["diff", "status", "pull", "push", "verify"])
    expect(await usr([verb, "demo", "gone"])).toMatchObject({ code: 7, error: { code: "UNREACHABLE" } });
});

test("sync W11: nothing is asked where nothing can be lost, and only yes is yes", async () => {
  await using workspace = await openWorkspace();
  const usr = await withShare(workspace);
  expect((await usr(["push", "demo", "share", "--dry-run"])).code).toBe(0);
  expect((await usr(["push", "demo", "share"])).code).toBe(0);
  expect((await usr(["snapshot", "create", "demo"])).code).toBe(0);
  const mirror = ["pull", "demo", "share", "--mirror", "--snapshots"];
  for (const input of ["", "quit\n", "yes\n"])
    expect(await usr(mirror, { input })).toMatchObject({ code: 2, error: { code: "CONFIRMATION_REQUIRED" } });
  expect((await usr([...mirror, "--yes"])).code).toBe(0);
});

test("sync W18: only datasets are synced; a file, or a way out of the root, is refused and touches nothing", async () => {
  await using workspace = await openWorkspace();
  const usr = await withShare(workspace);
  const before = await workspace.bytes();
  for (const name of ["demo/records.parquet", "../demo", "/etc", "demo/..", "."])
    for (const verb of ["pull", "push", "diff"]) expect([2, 3, 4]).toContain((await usr([verb, name, "share"])).code);
  expect(await workspace.bytes()).toEqual(before);
});
