import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkspace, type Workspace } from "./support.ts";

let w: Workspace;
const ID = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";

beforeEach(async () => {
  w = await openWorkspace();
  await w.usr(["namespace", "register", "mock", "--columns", "mock__score:float64,mock__tag:string"]);
  await w.usr(["init", "demo"]);
  await w.usr([
    "import",
    "demo",
    "--path",
    await w.file("in.csv", "sequence\nACGT\nggNN\n"),
    "--bio-type",
    "dna",
    "--alphabet",
    "dna_5",
  ]);
  await w.usr([
    "attach",
    "demo",
    "--path",
    await w.file("s.csv", `id,score,tag\n${ID},0.5,\u001b[31mred\n`),
    "--namespace",
    "mock",
    "--key",
    "id",
  ]);
});
afterEach(() => w[Symbol.asyncDispose]());

test("describe: a document with every column, in the order of the view or of --columns", async () => {
  const all = await w.usr(["describe", "demo"]);
  expect(all.data).toMatchObject([
    {
      column: "id",
      origin: "base",
      non_null: 2,
      nulls: 0,
      distinct: 2,
      distinct_exact: true,
      lengths: { min: 40, max: 40, mean: 40 },
    },
    { column: "bio_type" },
    { column: "sequence", min: "ACGT", max: "ggNN", example: "ACGT" },
    { column: "alphabet" },
    { column: "length", mean: 4, histogram: { start: 4, width: 1, counts: [2] } },
    { column: "source" },
    { column: "created_at", type: "timestamp[us, UTC]", distinct: 1 },
    {
      column: "mock__score",
      type: "float64",
      origin: "mock",
      non_null: 1,
      nulls: 1,
      min: 0.5,
      max: 0.5,
      mean: 0.5,
      nan: 0,
    },
    { column: "mock__tag", example: "\u001b[31mred" },
  ]);
  const chosen = await w.usr(["describe", "demo", "--columns", "mock__score,length"]);
  expect(chosen.data).toMatchObject([{ column: "mock__score" }, { column: "length" }]);
  expect((await w.usr(["describe", "demo", "--columns", "nope"])).code).toBe(4);
});

test("describe for people: a line a column, fitted to the terminal, harmless and whole in a pipe", async () => {
  const shown = await w.usr(["describe", "demo"], { json: false, terminal: true });
  const lines = shown.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(10);
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
  const piped = await w.usr(["describe", "demo"], { json: false });
  expect(piped.stdout).toContain("\\u001b[31mred");
  expect(piped.stdout).not.toContain("…");
  expect(piped.stdout).not.toContain("\u001b");
});

test("get on a terminal: a record in full, each value with where it comes from", async () => {
  const { stdout } = await w.usr(["get", "demo", ID], { json: false, terminal: true, variables: { NO_COLOR: "1" } });
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe(`id           ${ID}  (base)`);
  expect(lines.find((line) => line.startsWith("mock__score"))).toMatch(
    /^mock__score {2}0\.5 {2}\(mock, \d{4}-\d\d-\d\dT[\d:.]+Z by usr, usr-pid-\d+\)$/,
  );
  expect(stdout).toContain("\\u001b[31mred");
  const second = await w.usr(["scan", "demo", "--columns", "id"]);
  const other = String(second.rows[1]?.["id"]);
  const both = await w.usr(["get", "demo", other, ID, "--columns", "sequence,mock__score"], {
    json: false,
    terminal: true,
  });
  expect(both.stdout).toContain("\u001b[2;33mgg\u001b[0m");
  expect(both.stdout).toContain("∅");
  expect(both.stdout.split("\n\n")).toHaveLength(2);
});

test("get into a pipe and as JSON is rows", async () => {
  const piped = await w.usr(["get", "demo", ID, "--columns", "id,mock__score"], { json: false });
  expect(piped.stdout).toBe(`id\tmock__score\n${ID}\t0.5\n`);
  expect((await w.usr(["get", "demo", ID, "--columns", "mock__score"])).rows).toEqual([{ mock__score: 0.5 }]);
});
