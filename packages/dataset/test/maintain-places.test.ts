import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { doctor } from "../src/maintain/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { partBytes } from "./make.ts";
import { attachCsv, bytesUnder, changedPaths, demoRoot, eventsOf, register, rowsOf } from "./write-support.ts";

// Namespaces that lie in several places, or under a name that is not theirs.

const DERIVED = "demo/_derived/";
const PARTS = 5;

/** Five parts of `mock`, each with rows of its own and rows that older ones have; and `other`, registered and empty. */
const fiveParts = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await register(root, "other", "other__n:int64");
  const sequences = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
  for (let i = 0; i < PARTS; i++)
    await attachCsv(root, "demo", `sequence,score\n${sequences[i]},${i}\n${sequences[i + 1]},${i}\n`, { overwrite: true }); // biome-ignore format: one line
  return root;
};

const namesIn = async (root: WritableRoot, folder: string): Promise<readonly string[]> =>
  [...(await bytesUnder(root.storage, DERIVED + folder)).keys()].map((path) => path.slice(path.lastIndexOf("/") + 1));

const copyTo = async (root: WritableRoot, from: string, to: string): Promise<void> => {
  await using handle = (await root.storage.open(from))!;
  await root.storage.put(to, Uint8Array.from(await handle.read(0, handle.meta.size)));
};

const PLACES = ["mock/", "Mock/", "MOCK/", "other/", "spare-1/"] as const;

test("however the parts of a namespace are strewn over folders, files and copies, the repair gives back what was read", async () => {
  const strewn = fc.array(
    fc.record({
      place: fc.constantFrom(...PLACES),
      asFile: fc.boolean(),
      copies: fc.uniqueArray(fc.constantFrom(...PLACES), { maxLength: 2 }),
    }),
    { minLength: PARTS, maxLength: PARTS },
  );
  await fc.assert(
    fc.asyncProperty(strewn, async (fates) => {
      const root = await fiveParts();
      const rows = await rowsOf(root, "demo");
      for (const [i, name] of (await namesIn(root, "mock/")).entries()) {
        const { place, asFile, copies } = fates[i]!;
        const from = `${DERIVED}mock/${name}`;
        for (const copy of copies) if (copy !== "mock/") await copyTo(root, from, DERIVED + copy + name);
        // A file bears the name of one place, so that two cannot be put there.
        const file = `${DERIVED}${place.slice(0, -1)}.parquet`;
        const to = asFile && place !== "mock/" && !(await bytesUnder(root.storage)).has(file) ? file : DERIVED + place + name; // biome-ignore format: one line
        if (to !== from) await root.storage.rename(from, to);
      }
      const before = [...(await bytesUnder(root.storage, DERIVED)).values()];
      const plan = await doctor(root, "demo");
      const { findings } = await doctor(root, "demo", { repair: true });
      // The name of a part that became a single file is gone.
      expect(findings.filter(({ code, repaired }) => !repaired && code !== "MISSING_PART")).toEqual([]);
      expect(findings.map(({ code, where }) => [code, where])).toEqual(plan.findings.map(({ code, where }) => [code, where])); // biome-ignore format: one line
      expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
      expect((await validate(root, "demo")).problems).toEqual([]);
      expect(await rowsOf(root, "demo")).toEqual(rows);
      expect(await rowsOf(root, "demo", { columns: ["mock__score"] })).toEqual(rows.map(({ mock__score }) => ({ mock__score }))); // biome-ignore format: one line
      // Nothing is thrown away, and nothing but what is in the archive lies elsewhere.
      const after = await bytesUnder(root.storage, DERIVED);
      expect([...after.values()].sort()).toEqual(before.sort());
      expect([...after.keys()].filter((path) => !/\/_derived\/(mock\/part-|_archived\/repair-)/.test(path))).toEqual(
        [],
      );
    }),
    { numRuns: testRuns(15) },
  );
});

test("one event says what was repaired; parts keep their names, a single file becomes one", async () => {
  const root = await fiveParts();
  const [first, second] = await namesIn(root, "mock/");
  await root.storage.rename(`${DERIVED}mock/${first}`, `${DERIVED}Mock/${first}`);
  await root.storage.rename(`${DERIVED}mock/${second}`, `${DERIVED}Mock.parquet`);
  const names = await namesIn(root, "mock/");
  await doctor(root, "demo", { repair: true });
  const events = (await eventsOf(root, "demo")).filter(({ action }) => action === "repair");
  expect(events).toMatchObject([{ args: { repaired: ["OVERLAY_BOTH_FORMS", "NAME_MISMATCH", "MISSING_PART"] } }]);
  const now = await namesIn(root, "mock/");
  expect(now).toEqual(expect.arrayContaining([...names, first!]));
  // Named after its time, as it was before.
  expect(now.map((name) => name.slice(0, 28)).sort()).toEqual([first!, second!, ...names].map((name) => name.slice(0, 28)).sort()); // biome-ignore format: one line
});

test("the only part of a namespace, taken out of its folder, comes back under its name", async () => {
  const root = await demoRoot();
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  const rows = await rowsOf(root, "demo");
  const [name] = await namesIn(root, "mock/");
  await root.storage.rename(`${DERIVED}mock/${name}`, DERIVED + name);
  const { findings } = await doctor(root, "demo", { repair: true });
  expect(findings.map(({ code, repaired }) => [code, repaired])).toEqual([["NAME_MISMATCH", true], ["MISSING_PART", true]]); // biome-ignore format: one line
  expect(await namesIn(root, "mock/")).toEqual([name]);
  expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
  expect(await rowsOf(root, "demo")).toEqual(rows);
});

test("a folder with the name of another registered namespace: reads of the right one pass over it, and validation names it", async () => {
  const root = await fiveParts();
  const [, , , , newest] = await namesIn(root, "mock/");
  await root.storage.rename(`${DERIVED}mock/${newest}`, `${DERIVED}other/${newest}`);
  const named = { severity: "warning", code: "NAME_MISMATCH", where: "demo/_derived/other/" };
  expect((await validate(root, "demo")).problems).toContainEqual(expect.objectContaining(named));
  expect((await doctor(root, "demo")).findings).toContainEqual(expect.objectContaining({ ...named, where: "_derived/other/", repairable: true })); // biome-ignore format: one line
  await expect(rowsOf(root, "demo")).rejects.toMatchObject({ code: "OVERLAY_BOTH_FORMS", hint: expect.stringContaining("--repair") }); // biome-ignore format: one line
  expect((await rowsOf(root, "demo", { columns: ["mock__score"] })).at(-1)).toEqual({ mock__score: null });
  await doctor(root, "demo", { repair: true });
  expect((await rowsOf(root, "demo", { columns: ["mock__score"] })).at(-1)).toEqual({ mock__score: 4 });
});

const AT = "2026-01-01T00:00:00.000000Z";
const part = (namespace: string, o: { readonly key?: string; readonly score?: number; readonly at?: string; readonly metadata?: Readonly<Record<string, string>> } = {}): Promise<Uint8Array> =>
  partBytes(namespace, o.key ?? "sequence", o.at ?? AT, { [o.key ?? "sequence"]: ["string", ["AAAA"]], [namespace === "other" ? "other__n" : "mock__score"]: namespace === "other" ? ["int64", [1n]] : ["float64", [o.score ?? 1]] }, o.metadata); // biome-ignore format: one line

const FROM = JSON.stringify([{ name: "part-0.parquet", created_at: AT, sha256: "0".repeat(64) }]);

test.each([
  [
    "keyed differently",
    { "mock/part-1.parquet": () => part("mock"), "Mock/part-2.parquet": () => part("mock", { key: "id" }) },
    /move the others out of _derived.*keyed differently/,
  ],
  [
    "of one name and different",
    { "mock/part-1.parquet": () => part("mock"), "Mock/part-1.parquet": () => part("mock", { score: 2 }) },
    /Mock\/part-1.parquet have one name and differ/,
  ],
  [
    "late",
    {
      "mock/part-1.parquet": () =>
        part("mock", { at: "2026-02-01T00:00:00.000000Z", metadata: { "usr:compacted_from": FROM } }),
      "Mock/part-2.parquet": () => part("mock"),
    },
    /older than the compaction/,
  ],
  [
    "of two namespaces",
    {
      "mock/part-1.parquet": () => part("mock"),
      "Mock/part-1.parquet": () => part("mock"),
      "Mock/part-2.parquet": () => part("other"),
    },
    /Mock\/part-2.parquet is of other/,
  ],
  [
    "unreadable in part",
    {
      "mock/part-1.parquet": () => part("mock"),
      "Mock/part-1.parquet": () => part("mock"),
      "Mock/part-2.parquet": async () => new Uint8Array(9),
    },
    /cannot be read/,
  ],
  [
    "swapped",
    { "mock/part-1.parquet": () => part("other"), "other/part-1.parquet": () => part("mock") },
    /^Move _derived\/(mock|other)\/ out of _derived/,
  ],
  [
    "of a namespace that nobody registered",
    { "free/part-1.parquet": () => part("free"), "Free/part-1.parquet": () => part("free") },
    /not registered/,
  ],
] as const)(
  "what cannot be put together stays, and the finding says why and what to do: %s",
  async (_name, files, hint) => {
    // biome-ignore format: a table
    const root = await demoRoot();
    await register(root, "other", "other__n:int64");
    for (const [path, bytes] of Object.entries(files)) await root.storage.put(DERIVED + path, await bytes());
    const before = await bytesUnder(root.storage);
    const { ok, findings } = await doctor(root, "demo", { repair: true });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    const places = findings.filter(({ code }) => code === "OVERLAY_BOTH_FORMS" || code === "NAME_MISMATCH");
    expect(places.length).toBeGreaterThan(0);
    for (const finding of places) expect(finding).toMatchObject({ repairable: false, repaired: false, hint: expect.stringMatching(hint) }); // biome-ignore format: one line
    expect(ok).toBe(places.every(({ severity }) => severity === "warning") && !findings.some(({ severity }) => severity === "error")); // biome-ignore format: one line
  },
);
