import { memoryStorage } from "@usr/storage";
import { expect, test } from "vitest";
import { parseDatasetId, suggestIds } from "../src/dataset-id.ts";
import { DatasetError, listDatasets, scan } from "../src/index.ts";
import { codeOf, freshRoot, linesOf, memoryRoot } from "./support.ts";

test.each([
  "demo",
  "lab/demo",
  "a",
  "0",
  "A.b_c-d",
  `${"x".repeat(128)}/${"y".repeat(128)}`,
  "a/archived",
  "archivedx/y",
  "Archived",
])("%s is an id", (id) => {
  expect(parseDatasetId(id)).toBe(id);
});

const illegal = [
  "",
  " ",
  "/x",
  "x/",
  "a//b",
  "a/b/c",
  "..",
  "../x",
  ".",
  "./x",
  "_x",
  ".x",
  "a/_x",
  "a/.x",
  "archived",
  "archived/x",
];
test.each([...illegal, "a b", "a\\b", "C:/x", "~/z", "é", "a\n", " demo", "x".repeat(129)])("%j is none", (id) => {
  expect(() => parseDatasetId(id)).toThrow(DatasetError);
  expect(() => parseDatasetId(id)).toThrow(/is not a dataset id/);
});

test("an id is checked before anything is read", async () => {
  const storage = { open: () => Promise.reject(new Error("opened")), list: () => memoryStorage().list("") };
  expect(await codeOf(linesOf({ storage, label: "" }, "../demo"))).toBe("DATASET_ID_INVALID");
});

test("suggestions: the unique bare name first, else the nearest names", () => {
  expect(suggestIds("demo", ["lab/demo", "densegen/other"])).toEqual(["lab/demo"]);
  expect(suggestIds("demo", ["a/demo", "b/demo"])).toEqual(["a/demo", "b/demo"]);
  expect(suggestIds("dmeo", ["demo", "else"])).toEqual(["demo"]);
  expect(suggestIds("lab/dem", ["lab/demo", "zzz"])).toEqual(["lab/demo"]);
  expect(suggestIds("nothing", ["zzz"])).toEqual([]);
});

test("an unknown dataset is suggested, never taken", async () => {
  const root = await memoryRoot("types-scalar");
  const error = await scan(root, "dmo")
    .next()
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: "DatasetError",
    code: "DATASET_NOT_FOUND",
    hint: expect.stringContaining("demo"),
  });
  expect(await codeOf(linesOf(await memoryRoot("nested-ids"), "v2"))).toBe("DATASET_NOT_FOUND");
});

test("what lies inside a dataset, deeper, or under an illegal name is no dataset", async () => {
  const root = await freshRoot("bio-types");
  const [first] = await listDatasets(root);
  const handle = await root.storage.open(`${first!.dataset}/records.parquet`);
  const bytes = await handle!.read(0, handle!.meta.size);
  for (const path of [
    "a/b/c/records.parquet",
    "archived/x/records.parquet",
    "_x/records.parquet",
    ".y/records.parquet",
    "records.parquet",
  ]) {
    await root.storage.put(path, bytes);
  }
  await root.storage.put(`${first!.dataset}/inner/records.parquet`, bytes);
  const before = (await listDatasets(await memoryRoot("bio-types"))).map(({ dataset }) => dataset);
  expect((await listDatasets(root)).map(({ dataset }) => dataset)).toEqual(before);
});

test("a broken dataset does not hide the others", async () => {
  const root = await freshRoot("types-scalar");
  await root.storage.put("broken/records.parquet", new TextEncoder().encode("no parquet"));
  const listed = await listDatasets(root);
  expect(listed.map(({ dataset, rows }) => [dataset, rows])).toEqual([
    ["broken", null],
    ["demo", 8],
  ]);
  expect(listed[0]?.problem).toMatchObject({ code: "CORRUPT" });
  const keys = ["dataset", "rows", "rows_deleted", "rows_base", "namespaces", "size_bytes", "updated_at"];
  expect(Object.keys(listed[1]!)).toEqual(keys);
  expect(Object.keys(listed[0]!)).toEqual([...keys, "problem"]);
});
