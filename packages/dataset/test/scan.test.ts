import type { ReadableStorage } from "@usr/storage";
import { expect, test } from "vitest";
import { datasetSchema, scan, validate } from "../src/index.ts";
import type { Query, Root } from "../src/types.ts";
import { baseBytes, idsOf, partBytes, registryText, rootOf } from "./make.ts";
import { codeOf, freshRoot, linesOf, memoryRoot, watched } from "./support.ts";

const SEQUENCES = ["ACGT", "CCGT", "GGTA", "TTAG", "ACCA"];
const IDS = idsOf(SEQUENCES);
const CREATED = "2026-03-01T00:00:00.000000Z";
const REGISTRY = registryText({ mock: { mock__score: "float64" }, other: { other__n: "int32" } });

/** Five rows, the third one deleted; `mock` on all of them, `other` unreadable. */
async function madeRoot(): Promise<Root & { readonly storage: import("@usr/storage").Storage }> {
  return await rootOf({
    "registry.yaml": REGISTRY,
    "demo/records.parquet": await baseBytes({ sequences: SEQUENCES }),
    "demo/_derived/mock/part-1.parquet": await partBytes("mock", "id", CREATED, {
      id: ["string", IDS],
      mock__score: ["float64", [0, 1, 2, 3, 4]],
    }),
    "demo/_derived/other.parquet": "nothing that can be read",
    "demo/_derived/usr.parquet": await partBytes("usr", "id", CREATED, {
      id: ["string", [IDS[2]!, "0".repeat(40)]],
      usr__deleted: ["bool", [true, true]],
      usr__deleted_at: ["timestamp[us, UTC]", [0n, 0n]],
      usr__deleted_reason: ["string", ["why", null]],
    }),
  });
}

async function errorOf(root: Root, query: Query): Promise<unknown> {
  return await linesOf(root, "demo", query).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a broken overlay breaks the reads that need it, and no others", async () => {
  const root = await madeRoot();
  expect(await linesOf(root, "demo", { columns: ["mock__score"] })).toEqual(
    [0, 1, 3, 4].map((score) => `{"mock__score":${score}.0}`),
  );
  expect((await linesOf(root, "demo", { columns: ["id"] })).length).toBe(4);
  expect((await linesOf(root, "demo", { overlays: false })).length).toBe(4);
  expect(await errorOf(root, {})).toMatchObject({ code: "CORRUPT" });
  expect(await errorOf(root, { columns: ["other__n"] })).toMatchObject({ code: "CORRUPT" });
  expect(await codeOf(datasetSchema(root, "demo"))).toBe("CORRUPT");
  expect((await validate(root, "demo")).problems.map(({ code, where }) => [code, where])).toContainEqual([
    "CORRUPT",
    "demo/_derived/other.parquet",
  ]);
});

test("what is not asked for is not opened", async () => {
  const root = await madeRoot();
  const read = new Set<string>();
  const storage = watched(root.storage, { read: (path) => read.add(path) });
  await linesOf({ storage, label: "watched" }, "demo", { columns: ["id", "length"] });
  expect([...read].sort()).toEqual(["demo/_derived/usr.parquet", "demo/records.parquet"]);
  read.clear();
  await linesOf({ storage, label: "watched" }, "demo", { columns: ["mock__score"], includeDeleted: true });
  expect([...read].sort()).toEqual(["demo/_derived/mock/part-1.parquet", "demo/records.parquet", "registry.yaml"]);
});

test("the first rows of a large base cost what they are, not what the base is", async () => {
  const { storage } = await memoryRoot("rows-20k");
  const bytesRead = async (query: Query): Promise<number> => {
    let bytes = 0;
    const counting = watched(storage, {
      read: (path, _, length) => (bytes += path.endsWith("/records.parquet") ? length : 0),
    });
    await linesOf({ storage: counting, label: "counting" }, "lab/rows20k", query);
    return bytes;
  };
  const all = await bytesRead({ columns: ["id"] });
  expect(await bytesRead({ columns: ["id", "mock__score"], limit: 10 })).toBeLessThan(all / 3);
  expect(await bytesRead({ columns: ["mock__score"], limit: 10, includeDeleted: true })).toBeLessThan(all / 3);
});

test("overlay columns need a registry, base columns and tombstones none", async () => {
  const root = await madeRoot();
  await root.storage.delete("registry.yaml");
  expect((await linesOf(root, "demo", { columns: ["id"] })).length).toBe(4);
  expect((await linesOf(root, "demo", { overlays: false, includeDeleted: true })).length).toBe(5);
  expect((await linesOf(root, "demo", { columns: ["usr__deleted"], includeDeleted: true }))[2]).toBe(
    '{"usr__deleted":true}',
  );
  expect(await errorOf(root, { columns: ["mock__score"] })).toMatchObject({
    name: "DatasetError",
    code: "NO_REGISTRY",
  });
  expect(await errorOf(root, { columns: ["mock__score"], registryMode: "frozen" })).toMatchObject({
    code: "NO_REGISTRY",
  });
});

test("the frozen registry stands in for the root's, as long as it is what its name says", async () => {
  const root = await freshRoot("attach-id");
  const expected = await linesOf(root, "demo");
  await root.storage.delete("registry.yaml");
  expect(await codeOf(linesOf(root, "demo"))).toBe("NO_REGISTRY");
  expect(await linesOf(root, "demo", { registryMode: "frozen" })).toEqual(expected);
  for await (const { path } of root.storage.list("demo/_registry/"))
    await root.storage.put(path, new TextEncoder().encode(REGISTRY));
  expect(await codeOf(linesOf(root, "demo", { registryMode: "frozen" }))).toBe("CORRUPT");
  expect(await linesOf(root, "demo", { overlays: false, registryMode: "frozen" })).not.toEqual([]);
});

test("columns that are not there are named, with what was probably meant", async () => {
  const root = await madeRoot();
  expect(await errorOf(root, { columns: ["mock__scor", "id"] })).toMatchObject({
    code: "UNKNOWN_COLUMN",
    message: "demo has no column 'mock__scor'.",
    hint: "Did you mean mock__score?",
  });
  expect(await errorOf(root, { columns: ["usr__deleted"] })).toMatchObject({
    code: "UNKNOWN_COLUMN",
    hint: expect.stringContaining("--include-deleted"),
  });
  expect(await errorOf(root, { columns: ["mock__score"], overlays: false })).toMatchObject({ code: "UNKNOWN_COLUMN" });
});

test("columns are given in the order asked, once", async () => {
  const [line] = await linesOf(await madeRoot(), "demo", { columns: ["mock__score", "id", "mock__score"], limit: 1 });
  expect(line).toBe(`{"mock__score":0.0,"id":"${IDS[0]}"}`);
});

test("ids: the order asked, repeats too; what has no visible row is unknown", async () => {
  const root = await madeRoot();
  const ask = (ids: readonly string[], query: Query = {}): Promise<readonly string[]> =>
    linesOf(root, "demo", { columns: ["mock__score"], ids, ...query });
  expect(await ask([IDS[4]!, IDS[0]!, IDS[4]!])).toEqual([
    '{"mock__score":4.0}',
    '{"mock__score":0.0}',
    '{"mock__score":4.0}',
  ]);
  expect(await ask([IDS[2]!], { includeDeleted: true })).toEqual(['{"mock__score":2.0}']);
  expect(await ask([])).toEqual([]);
  expect(await codeOf(ask([IDS[0]!.toUpperCase()]))).toBe("UNKNOWN_ID");
  expect(await codeOf(ask([` ${IDS[0]}`]))).toBe("UNKNOWN_ID");
  await expect(ask([IDS[0]!, IDS[2]!])).rejects.toMatchObject({
    code: "UNKNOWN_ID",
    hint: "Deleted rows are shown with --include-deleted.",
  });
});

test("a folder is what its parts say, not what it is called", async () => {
  const root = await madeRoot();
  await root.storage.rename("demo/_derived/mock/part-1.parquet", "demo/_derived/renamed/part-1.parquet");
  expect(await linesOf(root, "demo", { columns: ["mock__score"], limit: 2 })).toEqual([
    '{"mock__score":0.0}',
    '{"mock__score":1.0}',
  ]);
});

test("an overlay wins over the materialized column, in the column's place and type", async () => {
  const root = await rootOf({
    "registry.yaml": registryText({
      v: { v__h: "float16", v__l: "fixed_size_list<float32>[2]", v__t: "timestamp[ms, UTC]", v__x: "int64" },
    }),
    "demo/records.parquet": await baseBytes({
      sequences: SEQUENCES.slice(0, 3),
      extra: {
        v__t: ["timestamp[us, UTC]", [1n, 2n, 3n]],
        v__l: ["list<float32>", [[1], [2, 2, 2], null]],
        v__h: ["float32", [Math.fround(0.1), null, 3]],
        v__x: ["float64", [0, 0, 0]],
      },
    }),
    "demo/_derived/v.parquet": await partBytes("v", "id", CREATED, {
      id: ["string", IDS.slice(0, 3)],
      v__h: ["float16", [1.5, 2.5, null]],
      v__l: ["fixed_size_list<float32>[2]", [[7, 7], null, [8, 8]]],
      v__t: ["timestamp[ms, UTC]", [null, -1n, null]],
    }),
  });
  const lines = await linesOf(root, "demo", { columns: ["v__t", "v__l", "v__h"] });
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    { v__t: "1970-01-01T00:00:00.000001Z", v__l: [7, 7], v__h: 1.5 },
    { v__t: "1969-12-31T23:59:59.999000Z", v__l: [2, 2, 2], v__h: 2.5 },
    { v__t: "1970-01-01T00:00:00.000003Z", v__l: [8, 8], v__h: 3 },
  ]);
  const { fields } = await datasetSchema(root, "demo");
  expect(fields.slice(7).map(({ name, type, origin }) => [name, type, origin])).toEqual([
    ["v__t", "timestamp[us, UTC]", "base"],
    ["v__l", "list<float32>", "base"],
    ["v__h", "float32", "base"],
    ["v__x", "float64", "base"],
  ]);
});

test("a materialized column of a type that does not fit is an error, not a guess", async () => {
  const root = await rootOf({
    "registry.yaml": registryText({ v: { v__x: "int64" } }),
    "demo/records.parquet": await baseBytes({ sequences: SEQUENCES, extra: { v__x: ["float64", [0, 1, 2, 3, 4]] } }),
    "demo/_derived/v.parquet": await partBytes("v", "id", CREATED, {
      id: ["string", IDS],
      v__x: ["int64", [0n, 1n, 2n, 3n, 4n]],
    }),
  });
  expect(await errorOf(root, {})).toMatchObject({ code: "TYPE_MISMATCH" });
  expect((await linesOf(root, "demo", { overlays: false })).length).toBe(5);
});

test("breaking off closes every handle", async () => {
  const { storage } = await memoryRoot("rows-20k");
  let open = 0;
  const counting: ReadableStorage = {
    list: (prefix, o) => storage.list(prefix, o),
    open: async (path, o) => {
      const handle = await storage.open(path, o);
      if (handle === undefined) return undefined;
      open++;
      return {
        meta: handle.meta,
        read: (offset, length, options) => handle.read(offset, length, options),
        [Symbol.asyncDispose]: async () => {
          open--;
          await handle[Symbol.asyncDispose]();
        },
      };
    },
  };
  for await (const batch of scan({ storage: counting, label: "counting" }, "lab/rows20k")) {
    // The base. The parts are small: they have been read whole.
    expect(open).toBe(1);
    expect(batch.numRows).toBeGreaterThan(0);
    break;
  }
  expect(open).toBe(0);
});
