import { expect, test } from "vitest";
import { discoverOverlays } from "../src/index.ts";

const list = (...paths: string[]) => discoverOverlays(paths.map((path) => ({ path, size: 1, etag: "e" })));
const shape = (...paths: string[]) =>
  list(...paths).map(({ name, form, objects }) => [
    name,
    form,
    ...objects.map((object) => object.path.split("/").at(-1)),
  ]);

test("files and folders of parts are overlays, sorted by name", () => {
  expect(
    shape(
      "_derived/zeta.parquet",
      "_derived/mock/part-2.parquet",
      "_derived/mock/part-1.parquet",
      "_derived/alpha.parquet",
      "records.parquet",
    ),
  ).toEqual([
    ["alpha", "file", "alpha.parquet"],
    ["mock", "parts", "part-1.parquet", "part-2.parquet"],
    ["zeta", "file", "zeta.parquet"],
  ]);
});

test("both forms of a name are two entries", () => {
  expect(shape("_derived/mock/part-1.parquet", "_derived/mock.parquet")).toEqual([
    ["mock", "file", "mock.parquet"],
    ["mock", "parts", "part-1.parquet"],
  ]);
});

test("debris, archives and strangers are passed over", () => {
  expect(
    shape(
      "_derived/mock.tmp.parquet",
      "_derived/mock.duckdb.tmp.parquet",
      "_derived/.mock.parquet",
      "_derived/.hidden/part-1.parquet",
      "_derived/.parquet",
      "_derived/mock/part-1.parquet.tmp",
      "_derived/mock/part-1.tmp.parquet",
      "_derived/mock/other.parquet",
      "_derived/mock/deeper/part-1.parquet",
      "_derived/mock/part-1/part-1.parquet",
      "elsewhere/mock.parquet",
      "derived/mock/part-1.parquet",
      "_derived/mock/digest_ledger.json",
      "_derived/_archived/mock-20260301.parquet",
      "_derived/_archived/part-1.parquet",
      "_derived/_archived/mock/20260301/part-1.parquet",
      "_snapshots/records-1.parquet",
      "records.parquet",
    ),
  ).toEqual([]);
});

test("objects are sorted by code point, not by UTF-16 unit", () => {
  expect(shape("_derived/mock/part-\u{1f600}.parquet", "_derived/mock/part-\uffee.parquet")).toEqual([
    ["mock", "parts", "part-\uffee.parquet", "part-\u{1f600}.parquet"],
  ]);
});
