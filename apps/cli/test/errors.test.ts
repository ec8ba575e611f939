import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACGT, BAD_INPUTS, TTTT } from "./bad-inputs.ts";
import { demoWorkspace, openWorkspace, type Workspace } from "./support.ts";

describe("bad input gets one clear error and changes nothing", () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await demoWorkspace();
  });
  afterAll(() => w[Symbol.asyncDispose]());

  it.each(BAD_INPUTS)("$name", async ({ args, input, code, exit, details, says }) => {
    const before = await w.bytes();
    const ran = await w.usr(args, input === undefined ? {} : { input });
    expect(ran.error, ran.stderr).toBeDefined();
    expect({ code: ran.error?.code, exit: ran.code }).toEqual({ code, exit });
    expect(ran.stdout).toBe("");
    if (details !== undefined) expect(ran.error?.details).toMatchObject(details);
    if (says !== undefined) expect(ran.error?.message).toMatch(says);
    expect(ran.error?.hint, ran.error?.message).toMatch(/\S/);
    expect(await w.bytes()).toEqual(before);
  });

  it("says the same for people, with the way out", async () => {
    const ran = await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"], {
      input: `id,score\n${ACGT},1\nnobody,2\n${TTTT},3\n`,
      json: false,
    });
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain("stdin has 1 key(s) that no row of the dataset has, the first at row 2 [UNKNOWN_KEY]");
    expect(ran.stderr).toContain("key nobody  row 2");
    expect(ran.stderr).toContain("--allow-missing");
  });

  it("needs a root, and a registry before anything is made", async () => {
    await using empty = await openWorkspace();
    const ran = await empty.usr(["init", "demo"]);
    expect([ran.code, ran.error?.code]).toEqual([4, "NO_REGISTRY"]);
    expect(await empty.bytes()).toEqual(new Map());
  });

  it("asks before it folds, and says how to go on without a terminal", async () => {
    await using own = await demoWorkspace();
    await own.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id"], {
      input: `id,score\n${ACGT},1\n`,
    });
    const before = await own.bytes();
    const ran = await own.usr(["materialize", "demo"]);
    expect([ran.code, ran.error?.code]).toEqual([2, "CONFIRMATION_REQUIRED"]);
    expect(ran.error?.hint).toContain("--yes");
    expect(await own.bytes()).toEqual(before);
  });
});
