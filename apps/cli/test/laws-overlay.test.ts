import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  at,
  attach,
  attachArgs,
  column,
  demo,
  done,
  errorsFound,
  IDS,
  importArgs,
  paths,
  refused,
  SEQUENCES,
  scan,
  shown,
  threeParts,
} from "./laws-support.ts";
import type { Workspace } from "./support.ts";

// What the Python program gets wrong about registry, overlays, attaching and reading, each as the law it breaks, under its number in the
// published list of weaknesses.

const [A, T, G, a, C] = IDS;
const OVER = { extra: ["--overwrite"] } as const;

const compact = (w: Workspace, ...extra: readonly string[]): Promise<unknown> =>
  done(w, ["maintenance", "overlay-compact", "demo", "--namespace", "mock", ...extra]);

/** Score, n and tag of the five rows that `threeParts` makes. */
const MERGED = [
  [1, 2, 3, null, null],
  [null, 7, 8, null, null],
  ["new", "two", null, null, null],
];

const merged = async (w: Workspace): Promise<unknown> =>
  Promise.all(["mock__score", "mock__n", "mock__tag"].map((name) => column(w, name)));

test("overlay W1: compacting gives each key once, sets the parts aside, and leaves an overlay that can be attached to", async () => {
  await using w = await threeParts();
  const before = await w.bytes();
  const parts = await paths(w, /_derived\/mock\/part-/);
  await compact(w);
  expect(await merged(w)).toEqual(MERGED);
  const kept = [...(await w.bytes())].filter(([path]) => path.includes("_archived")).map(([, bytes]) => bytes);
  expect(kept.sort()).toEqual(parts.map((path) => before.get(path)).sort());
  expect((await done(w, ["overlay", "list", "demo"])).data).toMatchObject([{ parts: 1, rows: 3, distinct_keys: 3 }]);
  expect(await errorsFound(w, "--strict")).toEqual([]);
  await attach(w, `id,score\n${A},9\n`, OVER);
  expect(await column(w, "mock__score")).toEqual([9, 2, 3, null, null]);
});

test("overlay W2: compacting keeps the columns that the first part lacks", async () => {
  await using w = await demo();
  await attach(w, `id,tag\n${A},x\n`);
  await attach(w, `id,vec,n\n${T},"[1,2]",5\n`);
  await compact(w, "--form", "file");
  expect([await column(w, "mock__tag"), await column(w, "mock__vec"), await column(w, "mock__n")]).toEqual([
    ["x", null, null, null, null],
    [null, [1, 2], null, null, null],
    [null, 5, null, null, null],
  ]);
});

test("overlay W3: columns of parts align by name, whatever their order", async () => {
  await using w = await demo();
  await attach(w, `id,n,score\n${A},1,10\n`);
  await attach(w, `score,n,id\n20,2,${T}\n`, OVER);
  expect([(await column(w, "mock__n")).slice(0, 2), (await column(w, "mock__score")).slice(0, 2)]).toEqual([
    [1, 2],
    [10, 20],
  ]);
});

test("overlay W4: a NULL hides no older value, column by column, before and after compacting and folding", async () => {
  await using w = await threeParts();
  expect(await merged(w)).toEqual(MERGED);
  await compact(w);
  expect(await merged(w)).toEqual(MERGED);
  await done(w, ["materialize", "demo", "--yes"]);
  expect(await merged(w)).toEqual(MERGED);
  await attach(w, `id,tag,score\n${A},,4\n`, OVER);
  expect(await merged(w)).toEqual([[4, 2, 3, null, null], ...MERGED.slice(1)]);
});

test("overlay W5: a failed attach leaves no file, and a temporary of any program is no overlay", async () => {
  await using w = await threeParts();
  const rows = await scan(w);
  const before = await readdir(w.root, { recursive: true });
  await refused(w, attachArgs(OVER), "TYPE_MISMATCH", { input: `id,score\n${A},1\n${T},x\n` });
  await refused(w, attachArgs(OVER), "UNKNOWN_KEY", { input: `id,score\n${A},1\n${"0".repeat(40)},2\n` });
  expect((await readdir(w.root, { recursive: true })).sort()).toEqual(before.sort());
  const part = await readFile(at(w, (await paths(w, /_derived\/mock\/part-/))[0]!));
  for (const name of ["mock.tmp.parquet", "mock.duckdb.tmp.parquet", "other.tmp.parquet", "mock/part-9.parquet.tmp"]) {
    await writeFile(at(w, `demo/_derived/${name}`), part);
    expect([name, (await scan(w)) === rows]).toEqual([name, true]);
    await writeFile(at(w, `demo/_derived/${name}`), part.subarray(0, 50));
    expect([name, (await scan(w)) === rows]).toEqual([name, true]);
  }
  await attach(w, `id,score\n${A},5\n`, OVER);
  expect(await errorsFound(w)).toEqual([]);
});

test("overlay W6: removing needs the word, takes only overlays, and archives keep every generation", async () => {
  await using w = await threeParts();
  const remove = ["overlay", "remove", "demo", "--namespace"];
  await refused(w, [...remove, "mock", "--yes"], "USAGE", { exit: 2 });
  await refused(w, [...remove, "mock", "--archive", "--delete", "--yes"], "USAGE", { exit: 2 });
  for (const namespace of ["../records", "..", "/", "mock/..", "_archived", "", "Mock"])
    for (const how of ["--archive", "--delete"])
      await refused(w, [...remove, namespace, how, "--yes"], "NAMESPACE_INVALID");
  for (const namespace of ["usr", "usr_state"])
    await refused(w, [...remove, namespace, "--delete", "--yes"], "NAMESPACE_RESERVED");
  const first = [...(await w.bytes())].filter(([path]) => path.includes("/part-"));
  await done(w, [...remove, "mock", "--archive", "--yes"]);
  await attach(w, `id,score\n${A},1\n`);
  await done(w, [...remove, "mock", "--archive", "--yes"]);
  const archived = new Set(
    [...(await w.bytes())].filter(([path]) => path.includes("_archived")).map(([, bytes]) => bytes),
  );
  expect(archived.size).toBe(4);
  for (const [, bytes] of first) expect(archived).toContain(bytes);
});

test("overlay W7: marks of other rows than before keep all columns of all rows", async () => {
  await using w = await demo();
  await done(w, ["delete", "demo", "--id", A]);
  await done(w, ["restore", "demo", "--id", [A, T].join()]);
  await done(w, ["delete", "demo", "--id", [T, C].join(), "--reason", "late"]);
  expect(await shown(w)).toEqual(["ACGT", "GGGG", "acgt"]);
  await done(w, ["state", "set", "demo", "--id", G, "--supersedes", "old"]);
  await done(w, ["state", "set", "demo", "--id", a, "--qc-status", "warn"]);
  expect(await column(w, "usr_state__supersedes")).toEqual([null, "old", null]);
  expect(await column(w, "usr_state__qc_status")).toEqual([null, null, "warn"]);
});

describe("overlay W8: an export is whole, and can be attached again", () => {
  const vector = Array.from({ length: 1500 }, (_, i) => (i === 0 ? 1e-11 : i / 7));

  test.each(["csv", "tsv", "jsonl", "parquet", "arrow"])("%s", async (format) => {
    await using w = await demo();
    const rows = [
      {
        id: A,
        score: 1e-11,
        n: "9007199254740993",
        vec: vector,
        at: "2026-01-01T00:00:00.123456Z",
        st: { a: 1, b: 'x,"y"\n' },
        on: true,
        tag: "",
      },
      { id: T, score: null, n: 1, vec: [null, 0.1], at: null, st: null, on: null, tag: " NA " },
    ];
    const input = rows.map((row) => JSON.stringify(row)).join("\n");
    await done(w, ["attach", "demo", "--path", "-", "--from", "jsonl", "--namespace", "mock", "--key", "id"], input);
    const before = await scan(w);
    expect(before).toContain('"9007199254740993"');
    expect(before).toContain("1e-11");
    const out = join(w.dir, `out.${format}`);
    const held = ["mock__score", "mock__n", "mock__tag", "mock__vec", "mock__at", "mock__st", "mock__on"];
    await done(w, ["export", "demo", "--out", out, "--columns", ["id", ...held].join()]);
    await done(w, ["overlay", "remove", "demo", "--namespace", "mock", "--delete", "--yes"]);
    await done(w, ["attach", "demo", "--path", out, "--namespace", "mock", "--key", "id"]);
    expect(await scan(w)).toBe(before);
  });
});

test("overlay W9: large integers beside NULLs are exact, NULL and NaN in lists stay apart, seconds are refused", async () => {
  await using w = await demo();
  await attach(w, `id,n,vec\n${A},9007199254740993,"[1,null,""NaN""]"\n${T},,\n${G},-9223372036854775808,\n`);
  expect((await column(w, "mock__n")).slice(0, 3)).toEqual(["9007199254740993", null, "-9223372036854775808"]);
  expect((await column(w, "mock__vec"))[0]).toEqual([1, null, "NaN"]);
  await refused(w, ["namespace", "register", "late", "--columns", "late__at:timestamp[s]"], "BAD_TYPE");
});

test("overlay W10: folding permutes no row, and rows can be imported after it", async () => {
  await using w = await demo();
  const backwards = SEQUENCES.toReversed()
    .map((s, i) => `${s},${i}`)
    .join("\n");
  await attach(w, `sequence,score\n${backwards}\n`, { key: "sequence" });
  await attach(w, `sequence,score\n${SEQUENCES[2]},9\n`, { key: "sequence", ...OVER });
  await done(w, ["materialize", "demo", "--yes"]);
  await done(w, importArgs(), "sequence\nTGCA\n");
  expect(await shown(w, "--no-overlays")).toEqual([...SEQUENCES, "TGCA"]);
  expect(await column(w, "mock__score")).toEqual([4, 3, 9, 1, 0, null]);
});

test("overlay W11: describe gives each column its own numbers, in any order and with deleted rows too", async () => {
  await using w = await demo();
  await done(w, ["namespace", "register", "zeta", "--columns", "zeta__n:int64"]);
  await attach(w, `id,score,tag\n${A},1.5,x\n${T},-2,\n`);
  await attach(w, `id,n\n${G},9007199254740993\n`, { namespace: "zeta" });
  await done(w, ["delete", "demo", "--id", a]);
  for (const extra of [[], ["--include-deleted"]]) {
    const { rows } = await done(w, ["scan", "demo", ...extra]);
    const names = Object.keys(rows[0] ?? {});
    for (const columns of [names, names.toReversed(), ["zeta__n", "mock__score", "id"]]) {
      const { data } = await done(w, ["describe", "demo", "--columns", columns.join(","), ...extra]);
      const counted = columns.map((name) => {
        const values = rows.map((row) => row[name] ?? null).filter((value) => value !== null);
        const distinct = new Set(values).size;
        return {
          column: name,
          non_null: values.length,
          nulls: rows.length - values.length,
          distinct,
          example: values[0] ?? null,
        };
      });
      expect(data).toMatchObject(counted);
    }
  }
  const { data } = await done(w, ["describe", "demo", "--columns", "zeta__n,mock__score"]);
  expect(data).toMatchObject([
    { min: "9007199254740993", max: "9007199254740993" },
    { min: -2, max: 1.5, mean: -0.25 },
  ]);
});

test("overlay W12: keys are normalised before they are compared, in a part, between parts and with the base", async () => {
  await using w = await demo();
  const keyed = { key: "sequence" };
  const twice = "sequence,score\nGGGG,1\n\u0085GGGG ,2\n";
  expect((await refused(w, attachArgs(keyed), "DUPLICATE_KEY", { input: twice })).message).toMatch(/GGGG|2/);
  await attach(w, "sequence,score\nGGGG,1\n", keyed);
  await attach(w, "sequence,score\n\u0085GGGG\u001c,2\n", { ...keyed, ...OVER });
  expect(await column(w, "mock__score")).toEqual([null, null, 2, null, null]);
  expect((await done(w, ["overlay", "list", "demo"])).data).toMatchObject([{ rows: 2, distinct_keys: 1 }]);
});

test("overlay W13: a frozen registry is what its name says: a torn copy is told, and mended by the next commit", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1\n`);
  const frozen = (await paths(w, /_registry\//))[0]!;
  const whole = (await w.bytes()).get(frozen);
  await writeFile(at(w, frozen), "namespaces:\n  mo");
  expect(await errorsFound(w)).toMatchObject([{ where: expect.stringContaining("_registry") }]);
  await refused(w, ["head", "demo", "--registry-mode", "frozen", "--columns", "id,mock__score"], "REGISTRY_INVALID");
  await done(w, ["delete", "demo", "--id", A]);
  expect((await w.bytes()).get(frozen)).toBe(whole);
  expect(await errorsFound(w)).toEqual([]);
});

test("overlay W14: other namespaces and other words invalidate nothing, and what names an old registry can be told of the new", async () => {
  await using w = await threeParts();
  const values = await merged(w);
  for (const [i, id] of IDS.entries()) {
    await done(w, ["namespace", "register", `late${i}`, "--columns", `late${i}__n:int8`]);
    await done(w, ["namespace", "register", "mock", "--description", `words ${i}`]);
    await done(w, ["state", "set", "demo", "--id", id, "--masked"]);
    await done(w, ["state", "clear", "demo", "--id", id]);
    expect(await errorsFound(w)).toEqual([]);
  }
  expect(await errorsFound(w, "--registry-mode", "current")).not.toEqual([]);
  await done(w, ["maintenance", "overlay-refresh-metadata", "demo"]);
  expect(await errorsFound(w, "--registry-mode", "current")).toEqual([]);
  expect(await merged(w)).toEqual(values);
});
