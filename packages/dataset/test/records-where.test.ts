import { jsonRow } from "@usr/formats";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clearState, deleteRows, readState, restoreRows, setState } from "../src/records/index.ts";
import type { Query } from "../src/types.ts";
import { cellsOf, filterText, objectsOf, tables, tests } from "./filter-support.ts";
import { rootOf } from "./make.ts";
import { linesOf } from "./support.ts";
import { attachCsv, demoRoot, eventsOf, refusal, writableRoot } from "./write-support.ts";

test("delete, then a scan by the same filter shows nothing; restore, then all is as it was", {
  timeout: 60_000,
}, async () => {
  let deleted = 0;
  await fc.assert(
    fc.asyncProperty(
      tables,
      fc.array(fc.tuple(fc.nat(30), cellsOf), { maxLength: 4 }),
      tests,
      async (rows, newer, filter) => {
        const where = filterText(filter);
        const { storage } = await rootOf(await objectsOf(rows, new Map(newer), 3));
        const root = writableRoot(storage);
        const show = (query: Query): Promise<readonly string[]> => linesOf(root, "demo", { columns: ["id"], ...query });
        const all = await linesOf(root, "demo");
        const hits = await show({ where });
        const plan = await deleteRows(root, "demo", { where, dryRun: true });
        expect(plan.rows).toBe(hits.length);
        expect(await deleteRows(root, "demo", { where, reason: "r" })).toEqual({
          dataset: "demo",
          rows: hits.length,
          ids_missing: 0,
        });
        expect(await show({ where })).toEqual([]);
        expect((await show({})).length).toBe(all.length - hits.length);
        expect(await show({ where, includeDeleted: true })).toEqual(hits);
        expect((await deleteRows(root, "demo", { where })).rows).toBe(0);
        expect((await restoreRows(root, "demo", { where })).rows).toBe(hits.length);
        expect(await linesOf(root, "demo")).toEqual(all);
        deleted += hits.length;
      },
    ),
    { numRuns: testRuns(60) },
  );
  expect(deleted).toBeGreaterThan(50);
});

const scored = async (): ReturnType<typeof demoRoot> => {
  const root = await demoRoot();
  await attachCsv(root, "demo", "sequence,score\nGGGG,1.5\nAAAA,2\nCCCC,3\n");
  return root;
};

test("states are set, read and cleared by a filter, their own columns among what it may name", async () => {
  const root = await scored();
  expect((await setState(root, "demo", { where: "mock__score >= 2", masked: true, split: "val" })).rows).toBe(2);
  expect((await setState(root, "demo", { where: "usr_state__masked", qcStatus: "fail" })).rows).toBe(2);
  const states: string[] = [];
  for await (const batch of readState(root, "demo", { where: "usr_state__qc_status = 'fail'" }))
    for (let row = 0; row < batch.numRows; row++) states.push(jsonRow(batch, row));
  expect(states.length).toBe(2);
  for (const state of states)
    expect(JSON.parse(state)).toMatchObject({ usr_state__masked: true, usr_state__split: "val" });
  expect((await clearState(root, "demo", { where: "usr_state__masked and mock__score = 3" })).rows).toBe(1);
  expect((await linesOf(root, "demo", { where: "usr_state__masked" })).length).toBe(1);
});

test("a filter reaches no row that a scan hides, and says so in the event", async () => {
  const root = await scored();
  const where = "mock__score > 1";
  await deleteRows(root, "demo", { where: "mock__score = 3", reason: "first" });
  expect((await deleteRows(root, "demo", { where, reason: "second" })).rows).toBe(2);
  expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
    action: "tombstone",
    args: { rows: 2, where, reason: "second" },
  });
  expect((await restoreRows(root, "demo", { where: "usr__deleted_reason = 'second'" })).rows).toBe(2);
  expect((await linesOf(root, "demo", { where })).length).toBe(2);
});

test("two at once delete every row once", async () => {
  const root = await scored();
  const both = await Promise.all([1, 2].map(() => deleteRows(root, "demo", { where: "mock__score > 1" })));
  expect(both.map(({ rows }) => rows).sort()).toEqual([0, 3]);
});

test.each([
  [{}, "USAGE"],
  [{ ids: ["a"], where: "true" }, "USAGE"],
  [{ where: "length >" }, "FILTER_INVALID"],
  [{ where: "lenght > 1" }, "UNKNOWN_COLUMN"],
  [{ where: "usr__deleted" }, "UNKNOWN_COLUMN"],
])("%j is %s, and nothing is changed", async (choice, code) => {
  const root = await scored();
  expect((await refusal(root, () => deleteRows(root, "demo", choice))).code).toBe(code);
  if (code !== "USAGE") expect((await refusal(root, () => restoreRows(root, "demo", choice))).code).toBe(code);
});
