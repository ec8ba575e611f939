import { readBatches } from "@usr/parquet";
import { rowGroupFilter } from "@usr/parquet/lookup";
import { afterAll, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { VERBS } from "./verbs.ts";
import { bytesUnder, changedPaths, demoRoot, parquetAt } from "./write-support.ts";

/** Row groups of a file that a lookup would have to scan, or would miss an id in. */
const unfiltered = async (root: WritableRoot, path: string): Promise<readonly string[]> => {
  const file = await parquetAt(root.storage, path);
  const found: string[] = [];
  if (!file.columnNames.includes("id")) return found;
  for (const [g, { startRow, numRows }] of file.rowGroups.entries()) {
    const filter = await rowGroupFilter(file, g, "id");
    if (filter === undefined) found.push(`${path} row group ${g} has no filter`);
    for await (const { columns } of readBatches(file, { columns: ["id"], start: startRow, end: startRow + numRows })) {
      const [ids] = columns;
      if (ids?.layout === "utf8" && (filter?.ruledOut(ids) ?? -1) >= 0)
        found.push(`${path} row group ${g} hides an id`);
    }
  }
  return found;
};

let looked = 0;
afterAll(() => expect(looked).toBeGreaterThan(VERBS.length / 2));

const parquetsIn = async (root: WritableRoot): Promise<ReadonlyMap<string, string>> =>
  new Map(
    [...(await bytesUnder(root.storage))].filter(
      ([path]) => path.endsWith(".parquet") && !path.includes("/_archived/"),
    ),
  );

it.each(VERBS)("what $name writes is found by filter", async ({ prepare, run }) => {
  const root = await demoRoot();
  await prepare?.(root);
  const before = await parquetsIn(root);
  const without: string[] = [];
  for (const path of before.keys()) without.push(...(await unfiltered(root, path)));
  await run(root);
  const after = await parquetsIn(root);
  for (const path of changedPaths(before, after)) {
    // Chunks that another program wrote without a filter are copied as they are.
    if (!after.has(path) || (without.length > 0 && path.includes("/_derived/"))) continue;
    expect(await unfiltered(root, path)).toEqual([]);
    looked++;
  }
  const { problems } = await validate(root, "demo", { nowUs: root.clock() });
  expect(problems.filter(({ message }) => message.includes("bloom"))).toEqual([]);
});
