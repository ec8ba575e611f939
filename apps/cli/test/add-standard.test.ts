import { expect, it } from "vitest";
import { openWorkspace } from "./support.ts";

it("namespace add-standard makes the registry where there is none, is idempotent, and all or nothing", async () => {
  await using w = await openWorkspace();
  const add = ["namespace", "add-standard"];
  const plan = await w.usr([...add, "--dry-run"]);
  expect((await w.bytes()).size).toBe(0);
  const done = await w.usr(add);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(done.data).toMatchObject([
    { namespace: "usr_label", created: true },
    { namespace: "seq_annot", created: true },
    { namespace: "derived", created: true },
  ]);
  expect(plan.data).toMatchObject([{ created: true }, { created: true }, { created: true }]);
  const bytes = await w.bytes();
  expect((await w.usr([...add, "seq_annot"], { json: false })).stdout).toBe("Unchanged: seq_annot\n");
  expect(await w.bytes()).toEqual(bytes);
  expect((await w.usr([...add, "seq_anot"])).error?.code).toBe("NAMESPACE_NOT_REGISTERED");

  await using taken = await openWorkspace();
  await taken.usr(["namespace", "register", "derived", "--columns", "derived__parent_id:int64"]);
  const before = await taken.bytes();
  const refused = await taken.usr(add);
  expect([refused.code, refused.error?.code]).toEqual([5, "NAMESPACE_EXISTS"]);
  expect(await taken.bytes()).toEqual(before);
});
