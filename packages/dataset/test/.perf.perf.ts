import { diskStorage } from "@usr/storage/node";
import { test } from "vitest";
import { info, scan, validate } from "../src/index.ts";

const root = { storage: diskStorage("/tmp/dsperf/root"), label: "x" };
async function time(label: string, act: () => Promise<unknown>) {
  const t = performance.now();
  const r = await act();
  console.log(label, Math.round(performance.now() - t), "ms", r, Math.round(process.memoryUsage().rss / 1e6), "MB");
}
async function count(q: object) {
  let n = 0;
  for await (const b of scan(root, "demo", q)) n += b.numRows;
  return n;
}
test("perf", async () => {
  await time("head 10", () => count({ limit: 10 }));
  await time("head 10", () => count({ limit: 10 }));
  await time("scan base", () => count({ overlays: false }));
  await time("scan all", () => count({}));
  await time("scan all", () => count({}));
  await time("info", async () => (await info(root, "demo")).rows);
  await time("validate", async () => (await validate(root, "demo")).problems.length);
}, 120000);
