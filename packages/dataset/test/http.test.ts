import { httpStorage } from "@usr/storage/http";
import { expect, test } from "vitest";
import { info } from "../src/index.ts";
import type { Root } from "../src/types.ts";
import { type Served, serve } from "./http-support.ts";
import { linesOf, memoryRoot } from "./support.ts";

const rootOf = ({ url, index }: Served): Root => ({ storage: httpStorage(url, { index }), label: "http" });

test.each([
  ["attach-id", "demo"],
  ["tombstones-h", "demo"],
  ["rows-20k", "lab/rows20k"],
])("%s read over HTTP is what it is in memory", async (name, dataset) => {
  const local = await memoryRoot(name);
  await using server = await serve(local);
  expect(await linesOf(rootOf(server), dataset)).toEqual(await linesOf(local, dataset));
  expect(await info(rootOf(server), dataset)).toEqual(await info(local, dataset));
});

test("the first rows of a large dataset take few requests", async () => {
  await using server = await serve(await memoryRoot("rows-20k"));
  expect((await linesOf(rootOf(server), "lab/rows20k", { columns: ["id", "sequence"], limit: 10 })).length).toBe(10);
  expect(server.requests()).toBeLessThan(15);
});
