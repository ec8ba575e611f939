/// <reference types="node" />
import { jsonRow } from "@usr/formats";
import { openPart } from "@usr/overlay";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { info, scan, validate } from "../src/index.ts";
import { overlayName } from "../src/layout.ts";
import { compactOverlay } from "../src/maintain/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { idsOf, partBytes, rootOf } from "./make.ts";
import { dataset, objectsOf } from "./random-dataset.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const linesOf = async (root: WritableRoot): Promise<readonly string[]> => {
  const lines: string[] = [];
  for await (const batch of scan(root, "demo", { includeDeleted: true }))
    for (let row = 0; row < batch.numRows; row++) lines.push(jsonRow(batch, row));
  return lines;
};

const overlayFiles = async (root: WritableRoot, namespace: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list(`demo/_derived/${namespace}`))
    if (overlayName(path.slice("demo/".length)) === namespace) found.push(path.slice("demo/".length));
  return found;
};

const partAt = async (root: WritableRoot, path: string): Promise<Awaited<ReturnType<typeof openPart>>> => {
  const { source } = await parquetAt(root.storage, `demo/${path}`);
  return openPart(source, { path });
};

test("random datasets: compacting changes no read, and twice is once", { timeout: 600_000 }, async () => {
  let compacted = 0;
  await fc.assert(
    fc.asyncProperty(dataset, fc.constantFrom("parts", "file"), async (random, form) => {
      const root = writableRoot((await rootOf(await objectsOf(random))).storage);
      const before = await linesOf(root);
      const { namespaces, columns } = await info(root, "demo");
      for (const { name, parts } of random.namespaces) {
        const plan = await compactOverlay(root, "demo", { namespace: name, form, dryRun: true });
        const done = await compactOverlay(root, "demo", { namespace: name, form });
        expect(done.part).not.toBeNull();
        expect(plan).toEqual({ ...done, part: parts.length === 1 && form === "parts" ? done.part : null });
        expect(await overlayFiles(root, name)).toEqual([done.part]);
        const keys = namespaces.find(({ namespace }) => namespace === name)?.distinct_keys;
        if (parts.length > 1) expect(done.rows).toBe(keys);
        expect(await linesOf(root)).toEqual(before);

        const bytes = await bytesUnder(root.storage);
        const again = await compactOverlay(root, "demo", { namespace: name, form });
        expect(again).toEqual({ ...done, parts_in: 1 });
        expect(changedPaths(bytes, await bytesUnder(root.storage))).toEqual([]);
        compacted++;
      }
      const after = await info(root, "demo");
      expect(after.namespaces.map(({ distinct_keys }) => distinct_keys)).toEqual(
        namespaces.map(({ distinct_keys }) => distinct_keys),
      );
      expect(after.columns).toEqual(columns);
      const { problems } = await validate(root, "demo");
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    }),
    { numRuns: testRuns(100) },
  );
  expect(compacted).toBeGreaterThan(0);
});

/** Two parts: scores for two rows, then a newer score for one of them and a tag for a third. */
const twoParts = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,2,\n');
  await attachCsv(root, "demo", "sequence,score,tag\nTGCA,,t\nAAAA,9,\n", { overwrite: true });
  return root;
};

describe("the compacted part", () => {
  test("holds each key once in base order, and names what it replaced", async () => {
    const root = await twoParts();
    const sources = await overlayFiles(root, "mock");
    const done = await compactOverlay(root, "demo", { namespace: "mock" });
    expect(done).toEqual({
      parts_in: 2,
      rows: 3,
      part: expect.stringMatching(/^_derived\/mock\/part-[0-9T]+Z-[0-9a-f]{32}\.parquet$/),
    });
    const part = await partAt(root, done.part!);
    expect(part.file.schema.fields.map(({ name }) => name)).toEqual([
      "sequence",
      "mock__score",
      "mock__tag",
      "mock__vec",
    ]);
    expect(part.file.numRows).toBe(3);
    expect(part.compactedFrom?.map(({ name }) => `_derived/mock/${name}`)).toEqual(sources);
    for (const { name, createdAt, sha256 } of part.compactedFrom ?? []) {
      expect(part.createdAtText > createdAt).toBe(true);
      const archived: string[] = [];
      for await (const { path } of root.storage.list("demo/_derived/_archived/mock-")) archived.push(path);
      const path = archived.find((other) => other.endsWith(`/${name}`));
      expect(await root.storage.digest?.(path!)).toBe(sha256);
    }
    const event = (await eventsOf(root, "demo")).at(-1);
    expect(event).toMatchObject({
      action: "compact_overlay",
      args: {
        namespace: "mock",
        archived: expect.stringMatching(/^_derived\/_archived\/mock-.*\/$/),
        maintenance_reason: "overlay_compact",
      },
      metrics: { parts_in: 2, parts_out: 1, rows: 3 },
      maintenance: { reason: "overlay_compact" },
      fingerprint: { rows: 3 },
    });
    expect(event?.event_id).toBe(part.eventId);
  });

  test("names what its sources had replaced too, and a later attach lies over it", async () => {
    const root = await twoParts();
    const first = await partAt(root, (await compactOverlay(root, "demo", { namespace: "mock" })).part!);
    await attachCsv(root, "demo", "sequence,score\nTTTT,4\nAAAA,10\n", { overwrite: true });
    const before = await rowsOf(root, "demo");
    expect(before.map((row) => row["mock__score"])).toEqual([10, null, 1.5, 4, null, null]);
    const second = await partAt(root, (await compactOverlay(root, "demo", { namespace: "mock" })).part!);
    const names = second.compactedFrom?.map(({ name }) => name);
    expect(names).toHaveLength(4);
    for (const name of [first.name, ...(first.compactedFrom ?? []).map((source) => source.name)])
      expect(names).toContain(name);
    expect(await rowsOf(root, "demo")).toEqual(before);
  });

  test("keeps values of keys that no row has yet, in place for the row that comes later", async () => {
    const root = await demoRoot();
    const [known, later] = idsOf(["CCCC", "CACACA"]);
    const ids = { id: ["string", [later!, known!]] } as const;
    const put = async (name: string, createdAt: string, score: readonly (number | null)[]): Promise<unknown> =>
      root.storage.put(
        `demo/_derived/mock/part-${name}.parquet`,
        await partBytes("mock", "id", createdAt, { ...ids, mock__score: ["float64", score] }),
      );
    await put("a", "2026-01-01T00:00:00.000000Z", [1, 2]);
    await put("b", "2026-01-02T00:00:00.000000Z", [3, null]);
    const { part, rows } = await compactOverlay(root, "demo", { namespace: "mock" });
    expect(rows).toBe(2);
    await importCsv(root, "demo", "sequence\nCACACA\n");
    const scores = Object.fromEntries((await rowsOf(root, "demo")).map((row) => [row["sequence"], row["mock__score"]]));
    expect(scores).toMatchObject({ CCCC: 2, CACACA: 3, AAAA: null });
    expect((await partAt(root, part!)).file.numRows).toBe(2);
  });

  test("refuses a part that comes late", async () => {
    const root = await twoParts();
    await compactOverlay(root, "demo", { namespace: "mock" });
    const late = await partBytes("mock", "sequence", "2026-01-01T00:00:00.000000Z", {
      sequence: ["string", ["CCCC"]],
      mock__score: ["float64", [5]],
    });
    await root.storage.put("demo/_derived/mock/part-late.parquet", late);
    await expect(rowsOf(root, "demo")).rejects.toMatchObject({ code: "LATE_PART" });
    const refused = await refusal(root, () => compactOverlay(root, "demo", { namespace: "mock" }));
    expect(refused.code).toBe("LATE_PART");
    // A source that comes back is known.
    await root.storage.delete("demo/_derived/mock/part-late.parquet");
    for await (const { path } of root.storage.list("demo/_derived/_archived/"))
      await root.storage.rename(path, `demo/_derived/mock/${path.slice(path.lastIndexOf("/") + 1)}`);
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 9 });
  });
});

describe("forms", () => {
  test("one file and one part become each other by renaming: the same bytes", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const [part] = await overlayFiles(root, "mock");
    const digest = await root.storage.digest?.(`demo/${part}`);
    const file = await compactOverlay(root, "demo", { namespace: "mock", form: "file" });
    expect(file).toEqual({ parts_in: 1, rows: 1, part: "_derived/mock.parquet" });
    expect(await root.storage.digest?.("demo/_derived/mock.parquet")).toBe(digest);
    const back = await compactOverlay(root, "demo", { namespace: "mock" });
    expect(await overlayFiles(root, "mock")).toEqual([back.part]);
    expect(await root.storage.digest?.(`demo/${back.part}`)).toBe(digest);
    const actions = (await eventsOf(root, "demo")).slice(-2);
    expect(actions.map(({ action, args }) => [action, args["archived"]])).toEqual([
      ["compact_overlay", null],
      ["compact_overlay", null],
    ]);
  });

  test("an overlay in a folder of another name stays in it", async () => {
    const root = await twoParts();
    for (const path of await overlayFiles(root, "mock"))
      await root.storage.rename(`demo/${path}`, `demo/${path.replace("/mock/", "/other/")}`);
    const before = await rowsOf(root, "demo");
    const { part } = await compactOverlay(root, "demo", { namespace: "mock" });
    expect(part).toMatch(/^_derived\/other\/part-/);
    expect(await rowsOf(root, "demo")).toEqual(before);
  });
});

describe("refusals change no byte", () => {
  test.each([
    ["usr", "NAMESPACE_RESERVED"],
    ["usr_state", "NAMESPACE_RESERVED"],
    ["../records", "NAMESPACE_INVALID"],
    ["Mock", "NAMESPACE_INVALID"],
    ["nobody", "NAMESPACE_NOT_REGISTERED"],
    ["empty", "NAMESPACE_NOT_FOUND"],
  ])("%s: %s", async (namespace, code) => {
    const root = await twoParts();
    await register(root, "empty", "empty__n:int64");
    expect((await refusal(root, () => compactOverlay(root, "demo", { namespace }))).code).toBe(code);
    expect((await refusal(root, () => compactOverlay(root, "demo", { namespace, dryRun: true }))).code).toBe(code);
  });

  test("a part that holds a key twice", async () => {
    const root = await twoParts();
    const twice = await partBytes("mock", "sequence", "2026-09-01T00:00:00.000000Z", {
      sequence: ["string", ["CCCC", " CCCC"]],
      mock__score: ["float64", [5, 6]],
    });
    await root.storage.put("demo/_derived/mock/part-twice.parquet", twice);
    const late = { ...root, clock: () => 1_800_000_000_000_000n };
    expect((await refusal(late, () => compactOverlay(late, "demo", { namespace: "mock" }))).code).toBe("DUPLICATE_KEY");
  });
});
