import { mkdir, readFile } from "node:fs/promises";
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

test("sync W24: every event says what was done in numbers, as JSON that any reader takes, and reads leave none", async () => {
  await using workspace = await openWorkspace();
  const { usr } = workspace;
  const done = async (args: readonly string[], input?: string): Promise<void> => {
    const { code, error } = await usr([...args, "--yes"], { input });
    expect([args.join(" "), error, code]).toEqual([args.join(" "), undefined, 0]);
  };
  await done(["namespace", "register", "mock", "--columns", "mock__score:float64"]);
  await done(["namespace", "register", "more", "--columns", "more__score:float64"]);
  await done(["init", "demo"]);
  await done(
    ["import", "demo", "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"],
    "sequence\nACGT\nGGGG\nacgt\n",
  );
  const attach = ["attach", "demo", "--path", "-", "--from", "csv", "--key", "sequence", "--namespace"];
  await done([...attach, "mock"], "sequence,score\nACGT,NaN\nGGGG,2\n");
  await done([...attach, "more"], "sequence,score\nACGT,1\nGGGG,2\n");
  const ids = (await usr(["scan", "demo"])).rows.map(({ id }) => String(id));
  const [first = ""] = ids;
  await done(["delete", "demo", "--id", first, "--reason", "a key=value of the user"]);
  await done(["restore", "demo", "--id", first]);
  await done(["snapshot", "create", "demo"]);
  await done(["maintenance", "dedupe", "demo", "--key", "sequence_ci", "--keep", "first"]);
  await done(["overlay", "remove", "demo", "--namespace", "more", "--archive"]);
  await done(["materialize", "demo"]);
  await done(["maintenance", "registry-freeze", "demo"]);
  const before = await workspace.bytes();
  for (const verb of ["head", "info", "schema", "validate", "describe"]) await usr([verb, "demo"]);
  expect(await workspace.bytes()).toEqual(before);

  const text = await readFile(join(workspace.root, "demo/.events.log"), "utf8");
  const events: readonly LoggedEvent[] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const { action, metrics } of events)
    expect([action, Object.values(metrics).every((value) => Number.isFinite(value))]).toEqual([action, true]);
  // Whatever changed rows says how many.
  const rows = new Map(events.map(({ action, metrics }) => [action, Object.values(metrics).some((n) => n > 0)]));
  expect(Object.fromEntries(rows)).toMatchObject({
    import_rows: true,
    attach: true,
    tombstone: true,
    restore: true,
    snapshot: true,
    dedupe: true,
    archive_overlay: true,
    materialize: true,
  });
  expect(text).toContain("a key=value of the user");
});

interface LoggedEvent {
  readonly action: string;
  readonly metrics: Readonly<Record<string, number>>;
}
