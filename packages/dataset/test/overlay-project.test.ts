import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { type ProjectOptions, projectOverlay } from "../src/overlays/index.ts";
import { initDataset, materialize, type WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  fieldAt,
  importCsv,
  putTombstones,
  refusal,
  register,
  rowsOf,
} from "./write-support.ts";

const POOL = Array.from({ length: 16 }, (_, i) => [...(i + 16).toString(4)].map((d) => "ACGT"[Number(d)]).join(""));

interface Side {
  readonly sequences: readonly string[];
  /** Of each row: text and number to join by. */
  readonly links: readonly (readonly [string | null, number | null])[];
  /** Of some rows: score and tag. */
  readonly mock: readonly (readonly [row: number, score: number | null, tag: string | null])[];
  readonly mockKey: "id" | "sequence";
  readonly deleted: readonly number[];
}

const optional = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { freq: 5 });

const side: fc.Arbitrary<Side> = fc.record({
  sequences: fc.shuffledSubarray(POOL, { minLength: 1, maxLength: 8 }),
  links: fc.array(
    fc.tuple(
      optional(fc.constantFrom("a", "b", "c", "d e", 'quo"te', "é", "Ａ")),
      optional(fc.constantFrom(-1, 0, 1, 2, 3, 4, 5)),
    ),
    { minLength: 8, maxLength: 8 },
  ),
  mock: fc.uniqueArray(fc.tuple(fc.nat(7), optional(fc.integer()), optional(fc.constantFrom("x", "", "y"))), {
    selector: ([row]) => row,
    maxLength: 8,
  }),
  mockKey: fc.constantFrom("id", "sequence"),
  deleted: fc.uniqueArray(fc.nat(7), { maxLength: 2 }),
});

const quoted = (cell: string | number | null): string =>
  cell === null ? "" : `"${String(cell).replaceAll('"', '""')}"`;

const put = async (
  root: WritableRoot,
  id: string,
  { sequences, links, mock, mockKey, deleted }: Side,
): Promise<void> => {
  await initDataset(root, id);
  await importCsv(root, id, `sequence\n${sequences.join("\n")}\n`);
  const linked = sequences.map((sequence, i) => [sequence, ...links[i]!].map(quoted).join(","));
  await attachCsv(root, id, `sequence,to,num\n${linked.join("\n")}\n`, { namespace: "link" });
  const rows = mock.filter(([row]) => row < sequences.length);
  if (rows.length > 0) {
    const keys = mockKey === "id" ? idsOf(sequences) : sequences;
    const lines = rows.map(([row, score, tag]) => [keys[row]!, score, tag].map(quoted).join(","));
    await attachCsv(root, id, `${mockKey},score,tag\n${lines.join("\n")}\n`, { key: mockKey });
  }
  const gone = deleted.flatMap((row) => sequences[row] ?? []);
  if (gone.length > 0) await putTombstones(root, id, Object.fromEntries(gone.map((sequence) => [sequence, true])));
};

const twoDatasets = async (src: Side, dest: Side): Promise<WritableRoot> => {
  const root = await demoRoot();
  await register(root, "link", "link__to:string,link__num:int64");
  await put(root, "src", src);
  await put(root, "dest", dest);
  return root;
};

type Row = Readonly<Record<string, unknown>>;

const MOCK = ["mock__score", "mock__tag"];

/** What must come of a projection, said as plainly as it can be: the code of the refusal, or the rows of dest. */
const expected = (src: readonly Row[], dest: readonly Row[], o: ProjectOptions): string | readonly Row[] => {
  const held = (rows: readonly Row[]): readonly string[] => MOCK.filter((name) => rows.some((row) => name in row));
  const columns = held(src);
  if (columns.length === 0) return "NAMESPACE_NOT_FOUND";
  const visible = (rows: readonly Row[]): readonly Row[] => rows.filter((row) => row["usr__deleted"] !== true);
  const [from, to] = [o.srcJoin ?? "id", o.destJoin ?? "id"];
  const partners = (row: Row): readonly Row[] =>
    row[to] === null ? [] : visible(src).filter((other) => other[from] === row[to]);
  const pairs = visible(dest).map((row) => ({ row, found: partners(row) }));
  const asked = pairs.filter(({ found }) => found.length > 0).map(({ row }) => row[to]);
  if (pairs.some(({ found }) => found.length > 1) || new Set(asked).size < asked.length) return "DUPLICATE_KEY";
  if (pairs.some(({ found }) => found.length === 0) && o.allowMissing !== true) return "UNKNOWN_KEY";
  if (o.overwrite !== true && held(dest).length > 0) return "COLUMN_EXISTS";
  const any = asked.length > 0;
  return dest.map((row) => {
    const [partner] = pairs.find((pair) => pair.row === row)?.found ?? [];
    const values = columns.map((name) => [name, partner?.[name] ?? row[name] ?? null]);
    return any ? { ...row, ...Object.fromEntries(values) } : row;
  });
};

test("random datasets: projecting is the naive join", { timeout: 600_000 }, async () => {
  let [projected, refused] = [0, 0];
  const joins = fc.constantFrom(
    ["id", "id"],
    ["link__to", "link__to"],
    ["link__num", "link__num"],
    ["sequence", "sequence"],
    ["link__to", "sequence"],
  );
  await fc.assert(
    fc.asyncProperty(
      side,
      side,
      joins,
      fc.boolean(),
      fc.boolean(),
      async (src, dest, [from, to], overwrite, allowMissing) => {
        const root = await twoDatasets(src, dest);
        const all = { includeDeleted: true };
        const before = await rowsOf(root, "dest", all);
        const o: ProjectOptions = {
          src: "src",
          dest: "dest",
          namespace: "mock",
          srcJoin: from,
          destJoin: to,
          overwrite,
          allowMissing,
        };
        const want = expected(await rowsOf(root, "src", all), before, o);
        if (typeof want === "string") {
          expect((await refusal(root, () => projectOverlay(root, o))).code).toBe(want);
          expect((await refusal(root, () => projectOverlay(root, { ...o, dryRun: true }))).code).toBe(want);
          refused++;
          return;
        }
        const bytes = await bytesUnder(root.storage);
        const plan = await projectOverlay(root, { ...o, dryRun: true });
        expect(changedPaths(bytes, await bytesUnder(root.storage))).toEqual([]);
        const events = (await eventsOf(root, "dest")).length;
        const done = await projectOverlay(root, o);
        expect(plan).toEqual({ ...done, part: null });
        expect(done.rows_matched + done.rows_missing).toBe(done.rows_dest);
        expect(await rowsOf(root, "dest", all)).toEqual(want);
        expect((await eventsOf(root, "dest")).length - events).toBe(done.rows_matched === 0 ? 0 : 1);
        expect((await validate(root, "dest")).problems.filter(({ severity }) => severity === "error")).toEqual([]);
        expect(changedPaths(bytes, await bytesUnder(root.storage)).filter((path) => path.startsWith("src/"))).toEqual(
          [],
        );
        projected++;
      },
    ),
    { numRuns: testRuns(120) },
  );
  expect([projected > 0, refused > 0]).toEqual([true, true]);
});

/** src and dest share AAAA and CCCC; src scores three rows. */
const pair = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await register(root, "link", "link__to:string,link__num:int64,link__small:int32,link__x:float64,link__big:uint64");
  for (const id of ["src", "dest"]) await initDataset(root, id);
  await importCsv(root, "src", "sequence\nGGGG\nCCCC\nAAAA\n");
  await importCsv(root, "dest", "sequence\nAAAA\nTTTT\nCCCC\n");
  await attachCsv(root, "src", 'sequence,score,tag,vec\nAAAA,1,a,"[1,null]"\nCCCC,,c,\nGGGG,3,g,[]\n');
  return root;
};

const mock = { src: "src", dest: "dest", namespace: "mock" };

describe("the projected part", () => {
  test("is keyed by id where the namespace is new, holds paired rows in base order, and one event says what came", async () => {
    const root = await pair();
    const done = await projectOverlay(root, { ...mock, columns: ["tag", "mock__score", "tag"], allowMissing: true });
    expect(done).toEqual({
      ...{ src: "src", dest: "dest", namespace: "mock", src_join: "id", dest_join: "id", key: "id" },
      columns: ["mock__score", "mock__tag"],
      ...{ rows_dest: 3, rows_matched: 2, rows_missing: 1 },
      part: expect.stringMatching(/^_derived\/mock\/part-[^/]+\.parquet$/),
    });
    const rows = await rowsOf(root, "dest", { columns: ["sequence", "mock__score", "mock__tag"] });
    expect(rows).toEqual([
      { sequence: "AAAA", mock__score: 1, mock__tag: "a" },
      { sequence: "TTTT", mock__score: null, mock__tag: null },
      { sequence: "CCCC", mock__score: null, mock__tag: "c" },
    ]);
    expect((await eventsOf(root, "dest")).at(-1)).toMatchObject({
      action: "overlay_project",
      args: { src: "src", namespace: "mock", key: "id", src_join: "id", dest_join: "id", allow_missing: true },
      metrics: { rows_dest: 3, rows_matched: 2, rows_missing: 1 },
      artifacts: { overlay: { namespace: "mock", key: "id", path: done.part } },
      fingerprint: { rows: 2 },
    });
  });

  test("takes the key that the namespace has already", async () => {
    const root = await pair();
    await attachCsv(root, "dest", "sequence,score\nTTTT,9\nCCCC,8\n");
    const done = await projectOverlay(root, { ...mock, overwrite: true, allowMissing: true });
    expect(done.key).toBe("sequence");
    const rows = await rowsOf(root, "dest", { columns: ["mock__score"] });
    // A NULL of the source hides no older value.
    expect(rows.map((row) => row["mock__score"])).toEqual([1, 9, 8]);
  });

  test("takes values that were folded into the source's base", async () => {
    const root = await pair();
    await materialize(root, "src", { overlays: "drop" });
    await projectOverlay(root, { ...mock, allowMissing: true });
    expect((await rowsOf(root, "dest"))[0]).toMatchObject({ mock__score: 1, mock__tag: "a", mock__vec: [1, null] });
  });

  test("may come from the same dataset, along a column that names another row", async () => {
    const root = await pair();
    const [AAAA, CCCC, GGGG] = idsOf(["AAAA", "CCCC", "GGGG"]);
    await attachCsv(root, "src", `sequence,to\nCCCC,${AAAA}\nAAAA,${GGGG}\nGGGG,none\n`, { namespace: "link" });
    const o = { ...mock, dest: "src", destJoin: "link__to", columns: ["score"], overwrite: true, allowMissing: true };
    expect(await projectOverlay(root, o)).toMatchObject({ rows_matched: 2, rows_missing: 1 });
    const rows = await rowsOf(root, "src", { columns: ["id", "mock__score"] });
    expect(Object.fromEntries(rows.map((row) => [row["id"], row["mock__score"]]))).toEqual({
      [GGGG!]: 3,
      [CCCC!]: 1,
      [AAAA!]: 3,
    });
  });
});

describe("joins", () => {
  test("integers pair by value, to the last bit", async () => {
    const root = await pair();
    const link = { namespace: "link" };
    await attachCsv(root, "src", "sequence,big\nAAAA,18446744073709551615\nCCCC,9007199254740993\nGGGG,\n", link);
    await attachCsv(root, "dest", "sequence,big\nTTTT,18446744073709551615\nCCCC,9007199254740992\nAAAA,\n", link);
    const o = { ...mock, srcJoin: "link__big", destJoin: "link__big", allowMissing: true };
    expect(await projectOverlay(root, o)).toMatchObject({ rows_matched: 1, rows_missing: 2 });
    expect((await rowsOf(root, "dest")).map((row) => row["mock__tag"])).toEqual([null, "a", null]);
    const refused = await refusal(root, () => projectOverlay(root, { ...o, allowMissing: false }));
    expect(refused.details).toMatchObject({ count: 2, without_value: 1, samples: ["9007199254740992"] });
  });

  test("doubles count only where both sides have the value, on either side, with samples", async () => {
    const root = await pair();
    const link = { namespace: "link" };
    await attachCsv(root, "src", "sequence,to\nAAAA,x\nCCCC,x\nGGGG,y\n", link);
    await attachCsv(root, "dest", "sequence,to\nAAAA,y\nTTTT,z\nCCCC,z\n", link);
    const o = { ...mock, srcJoin: "link__to", destJoin: "link__to", allowMissing: true };
    expect(await projectOverlay(root, { ...o, dryRun: true })).toMatchObject({ rows_matched: 1, rows_missing: 2 });
    await attachCsv(root, "dest", "sequence,to\nTTTT,y\n", { ...link, overwrite: true });
    const dest = await refusal(root, () => projectOverlay(root, o));
    expect(dest).toMatchObject({ code: "DUPLICATE_KEY", details: { dataset: "dest", count: 1, samples: ["y"] } });
    await attachCsv(root, "dest", "sequence,to\nTTTT,x\n", { ...link, overwrite: true });
    const src = await refusal(root, () => projectOverlay(root, o));
    expect(src).toMatchObject({ code: "DUPLICATE_KEY", details: { dataset: "src", count: 1, samples: ["x"] } });
  });

  test.each([
    [{ destJoin: "link__num" }, "TYPE_MISMATCH"],
    [{ srcJoin: "link__small", destJoin: "link__num" }, "TYPE_MISMATCH"],
    [{ srcJoin: "link__x", destJoin: "link__x" }, "TYPE_MISMATCH"],
    [{ srcJoin: "link__nope" }, "UNKNOWN_COLUMN"],
    [{ destJoin: "usr__deleted" }, "UNKNOWN_COLUMN"],
    [{ columns: ["scor"] }, "UNKNOWN_COLUMN"],
    [{ columns: ["link__to"] }, "UNKNOWN_COLUMN"],
    [{ src: "nope" }, "DATASET_NOT_FOUND"],
    [{ dest: "nope" }, "DATASET_NOT_FOUND"],
    [{ dest: "../src" }, "DATASET_ID_INVALID"],
    [{ namespace: "usr" }, "NAMESPACE_RESERVED"],
    [{ namespace: "usr_state" }, "NAMESPACE_RESERVED"],
    [{ namespace: "nobody" }, "NAMESPACE_NOT_REGISTERED"],
    [{ src: "dest", dest: "src" }, "NAMESPACE_NOT_FOUND"],
    [{ allowMissing: false }, "UNKNOWN_KEY"],
  ])("%j: %s", async (change, code) => {
    const root = await pair();
    const link = "sequence,num,small,x\nAAAA,1,1,1\nCCCC,2,2,2\n";
    for (const id of ["src", "dest"]) await attachCsv(root, id, link, { namespace: "link" });
    const o = { ...mock, allowMissing: true, ...change };
    const refused = await refusal(root, () => projectOverlay(root, o));
    expect(refused.code).toBe(code);
    expect((await refusal(root, () => projectOverlay(root, { ...o, dryRun: true }))).code).toBe(code);
    expect(fieldAt(refused, "hint")).not.toBe("undefined");
  });
});
