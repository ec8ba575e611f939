/// <reference types="node" />
import { jsonRows } from "@usr/formats";
import { sequenceId, strip } from "@usr/id";
import { readBatches } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DedupeKey, dedupe } from "../src/curate/index.ts";
import { validate } from "../src/index.ts";
import { listSnapshots } from "../src/maintain/index.ts";
import { deleteRows, setState } from "../src/records/index.ts";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, idsOf, partBytes } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  chunkBytes,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  putTombstones,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const CREATED = "2026-01-01T00:00:00.000000Z";

interface Row {
  readonly sequence: string;
  readonly bioType: "dna" | "rna" | "protein";
  readonly deleted: boolean;
}

interface Case {
  readonly rows: readonly Row[];
  readonly key: DedupeKey;
  readonly keep: "first" | "last";
  readonly prune: boolean;
  readonly groupRows: number;
}

const ALPHABET = { dna: "dna_4", rna: "rna_4", protein: "protein_20" } as const;
const idOf = ({ sequence, bioType }: Row): string => sequenceId(bioType, strip(sequence));

/** Few letters, so that rows meet each other: in case, on the other strand, under another bio type. */
const letters = fc.array(fc.constantFrom("A", "C", "G", "a", "c"), { minLength: 1, maxLength: 3 });
const random = (key: DedupeKey): fc.Arbitrary<Case> => {
  const bioTypes: Row["bioType"][] =
    key === "sequence_ci" ? ["dna"] : key === "sequence_canonical" ? ["dna", "rna"] : ["dna", "rna", "protein"];
  const row = fc
    .record({
      text: letters,
      padded: fc.boolean(),
      other: fc.boolean(),
      bioType: fc.constantFrom(...bioTypes),
      deleted: fc.boolean(),
    })
    .map(({ text, padded, other, bioType, deleted }): Row => {
      const sequence = other && bioType !== "protein" ? naiveOther(text.join(""), bioType) : text.join("");
      return { sequence: padded ? ` ${sequence}\u00a0` : sequence, bioType, deleted };
    });
  return fc.record({
    rows: fc.array(row, { maxLength: 24 }),
    key: fc.constant(key),
    keep: fc.constantFrom("first", "last"),
    prune: fc.boolean(),
    groupRows: fc.integer({ min: 1, max: 9 }),
  });
};

const naiveOther = (sequence: string, bioType: string): string => {
  const [from, to] = bioType === "rna" ? ["ACGUacgu", "UGCAugca"] : ["ACGTacgt", "TGCAtgca"];
  return [...sequence]
    .reverse()
    .map((base) => to[from.indexOf(base)])
    .join("");
};

const naiveKey = (row: Row, key: DedupeKey): string => {
  const sequence = strip(row.sequence);
  if (key === "id") return idOf(row);
  if (key === "sequence" || key === "sequence_norm") return `${row.bioType} ${sequence}`;
  const upper = sequence.toUpperCase();
  if (key === "sequence_ci") return `${row.bioType} ${upper}`;
  return `${row.bioType} ${[upper, naiveOther(upper, row.bioType)].sort()[0]}`;
};

/** For each row the row that stays in its stead; itself where it stays. */
const naiveKept = ({ rows, key, keep }: Case, deleted: ReadonlySet<string>): readonly number[] => {
  const groups = new Map<string, number[]>();
  for (const [i, row] of rows.entries()) groups.set(naiveKey(row, key), [...(groups.get(naiveKey(row, key)) ?? []), i]);
  return rows.map((row) => {
    const group = groups.get(naiveKey(row, key))!;
    const live = group.filter((i) => !deleted.has(idOf(rows[i]!)));
    return (live.length > 0 ? live : group).at(keep === "first" ? 0 : -1)!;
  });
};

/** The dataset of a case: a tombstone for each deleted id, and an overlay of two parts that says something about every id. */
const made = async ({ rows, groupRows }: Case): Promise<WritableRoot> => {
  const root = writableRoot();
  await register(root, "mock", "mock__n:int64,mock__tag:string");
  const ids = rows.map(idOf);
  const once = [...new Set(ids)];
  await root.storage.put(
    "demo/records.parquet",
    await baseBytes({
      sequences: rows.map(({ sequence }) => sequence),
      instead: {
        id: ["string", ids],
        bio_type: ["string", rows.map(({ bioType }) => bioType)],
        alphabet: ["string", rows.map(({ bioType }) => ALPHABET[bioType])],
      },
      extra: { place: ["int64", rows.map((_, i) => BigInt(i))] },
      groupRows,
    }),
  );
  const put = async (name: string, columns: Parameters<typeof partBytes>[3]): Promise<unknown> =>
    root.storage.put(`demo/_derived/${name}.parquet`, await partBytes(name.split("/")[0]!, "id", CREATED, columns));
  await put(`mock/part-x-${"0".repeat(32)}`, {
    mock__n: ["int64", once.map((_, i) => BigInt(i))],
    id: ["string", once],
  });
  await put(`mock/part-x-${"f".repeat(32)}`, {
    id: ["string", [...once.slice(0, 2), "stranger", null]],
    mock__tag: ["string", [...once.slice(0, 2).map(() => "t"), "s", null]],
  });
  const gone = rows.filter(({ deleted }) => deleted).map(idOf);
  if (gone.length > 0)
    await put("usr", {
      id: ["string", [...new Set(gone)]],
      usr__deleted: ["bool", [...new Set(gone)].map(() => true)],
    });
  return root;
};

const column = async (root: WritableRoot, path: string, name: string): Promise<readonly Value[]> => {
  const values: Value[] = [];
  for await (const batch of readBatches(await parquetAt(root.storage, path), { columns: [name] }))
    for (let i = 0; i < batch.numRows; i++) values.push(valueAt(batch.columns[0]!, i));
  return values;
};

const parts = async (root: WritableRoot): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/_derived/")) found.push(path);
  return found.sort();
};

describe("against the plain words of the rule", () => {
  it.each<DedupeKey>(["id", "sequence", "sequence_norm", "sequence_ci", "sequence_canonical"])("%s", async (key) => {
    await fc.assert(
      fc.asyncProperty(random(key), async (data) => {
        const root = await made(data);
        const { rows } = data;
        const ids = rows.map(idOf);
        const deleted = new Set(ids.filter((_, i) => rows[i]!.deleted));
        const kept = naiveKept(data, deleted);
        const staying = rows.flatMap((_, i) => (kept[i] === i ? [i] : []));
        const lost = rows.flatMap((_, i) => (kept[i] === i ? [] : [i]));
        const left = new Set(staying.map((i) => ids[i]!));
        const orphaned = new Set(ids.filter((id) => !left.has(id)));
        const before = await rowsOf(root, "demo", { includeDeleted: true });
        const reported: unknown[] = [];
        const o = { key, keep: data.keep, pruneOverlays: data.prune };
        const told = await dedupe(root, "demo", { ...o, dryRun: true });
        const state = await bytesUnder(root.storage);
        const result = await dedupe(root, "demo", {
          ...o,
          report: async (_, batches) => {
            for await (const batch of batches) for (const line of jsonRows(batch)) reported.push(JSON.parse(line));
          },
        });
        expect(told).toEqual(result);
        expect(result).toMatchObject({
          rows_total: rows.length,
          rows_dropped: lost.length,
          groups: new Set(lost.map((i) => kept[i])).size,
          dropped: lost.map((i) => ({ id: ids[i], kept: ids[kept[i]!], reason: `same ${key}` })),
        });
        expect(reported).toEqual(
          lost.map((i) => ({
            id: ids[i],
            kept: ids[kept[i]!],
            reason: `same ${key}`,
            row: i + 1,
            kept_row: kept[i]! + 1,
          })),
        );
        expect(await rowsOf(root, "demo", { includeDeleted: true })).toEqual(staying.map((i) => before[i]));
        const orphans = result.orphans.reduce((sum, { rows }) => sum + rows, 0);
        const held = [...new Set(ids)];
        const of = (list: readonly string[]): number => list.filter((id) => orphaned.has(id)).length;
        expect(orphans).toBe(lost.length === 0 ? 0 : of(held) + of(held.slice(0, 2)) + of([...deleted]));
        if (data.prune) {
          const inParts = await Promise.all(
            (await parts(root)).filter((path) => path.includes("/mock/")).map((path) => column(root, path, "id")),
          );
          expect(inParts.map((all) => all.filter((id) => id !== null && !left.has(String(id))))).toEqual([
            [],
            ["stranger"],
          ]);
        }
        if (lost.length === 0) {
          expect(changedPaths(state, await bytesUnder(root.storage))).toEqual([]);
          return;
        }
        // Once is enough.
        const after = await bytesUnder(root.storage);
        expect(await dedupe(root, "demo", o)).toMatchObject({ rows_dropped: 0, groups: 0, dropped: [], orphans: [] });
        expect(changedPaths(after, await bytesUnder(root.storage))).toEqual([]);
      }),
      { numRuns: testRuns(60) },
    );
  });
});

describe("dedupe", () => {
  const [CCCC, GGGG, AAAA, TTTT] = idsOf(["CCCC", "GGGG", "AAAA", "TTTT"]);

  it("logs one event, keeps the base before, and copies what does not change", async () => {
    const root = await demoRoot();
    const sequences = ["AAAA", "CCCC", "ACGT", "TGCA", "GGGG", "CATG"];
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences, groupRows: 2 }));
    const old = await parquetAt(root.storage, "demo/records.parquet");
    const result = await dedupe(root, "demo", { key: "sequence_canonical" });
    expect(result).toEqual({
      rows_total: 6,
      rows_dropped: 1,
      groups: 1,
      dropped: [{ id: GGGG, kept: CCCC, reason: "same sequence_canonical" }],
      orphans: [],
    });
    const now = await parquetAt(root.storage, "demo/records.parquet");
    for (const group of [0, 1]) expect(await chunkBytes(now, group)).toEqual(await chunkBytes(old, group));
    expect(now.rowGroups.map(({ numRows }) => numRows)).toEqual([2, 2, 1]);
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
      action: "dedupe",
      args: { key: "sequence_canonical", keep: "keep-first", rows_total: 6, rows_dropped: 1, groups: 1 },
      metrics: { rows_total: 6, rows_dropped: 1, groups: 1, overlay_rows_pruned: 0 },
      fingerprint: { rows: 5 },
    });
    expect(await listSnapshots(root, "demo")).toMatchObject([{ rows: 6, automatic: true }]);
    expect((await validate(root, "demo")).ok).toBe(true);
  });

  it("never drops a live row for a deleted one", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [CCCC!, TTTT!] });
    expect((await dedupe(root, "demo", { key: "sequence_canonical" })).dropped.map(({ id }) => id)).toEqual([
      CCCC,
      TTTT,
    ]);
    expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).toEqual(["AAAA", "GGGG", "ACGT", "TGCA"]);
    // The tombstone of a row that has left still keeps it out.
    expect((await refusal(root, () => importCsv(root, "demo", "sequence\nCCCC\n"))).code).toBe("DELETED_ID");
  });

  it("counts orphans, or carries them away with states, tombstones and what lies under each key", async () => {
    for (const pruneOverlays of [false, true]) {
      const root = await demoRoot();
      await register(root, "ci", "ci__n:int64");
      await register(root, "seq", "seq__n:int64");
      await root.storage.put(
        "demo/records.parquet",
        await baseBytes({ sequences: ["acgt", "ACGT", "AAAA", "CCCC"], groupRows: 2 }),
      );
      const [lower, upper] = idsOf(["acgt", "ACGT"]);
      await attachCsv(root, "demo", `id,score\n${lower},1\n${AAAA},2\n`, { key: "id" });
      await setState(root, "demo", { ids: [lower!, upper!], masked: true });
      await attachCsv(root, "demo", "sequence,n\nacgt,1\nCCCC,2\n", { namespace: "seq" });
      await root.storage.put(
        "demo/_derived/ci/part-a.parquet",
        await partBytes("ci", "sequence_ci", CREATED, {
          sequence_ci: ["string", ["ACGT", "AAAA"]],
          ci__n: ["int64", [1n, 2n]],
        }),
      );
      await putTombstones(root, "demo", { acgt: true, CCCC: false });
      const before = await parts(root);
      const result = await dedupe(root, "demo", { key: "sequence_ci", pruneOverlays });
      expect(result.dropped).toEqual([{ id: lower, kept: upper, reason: "same sequence_ci" }]);
      // `ci` still speaks of the row that stays.
      expect(result.orphans).toEqual([
        { namespace: "mock", rows: 1 },
        { namespace: "seq", rows: 1 },
        { namespace: "usr_state", rows: 1 },
        { namespace: "usr", rows: 1 },
      ]);
      expect(await rowsOf(root, "demo")).toMatchObject([
        { sequence: "ACGT", ci__n: 1, usr_state__masked: true, mock__score: null, seq__n: null },
        { sequence: "AAAA", ci__n: 2, mock__score: 2 },
        { sequence: "CCCC", ci__n: null, seq__n: 2 },
      ]);
      const { problems } = await validate(root, "demo");
      expect(problems.filter(({ code }) => code === "UNKNOWN_KEY").length).toBe(pruneOverlays ? 0 : 4);
      const now = await parts(root);
      expect(now.length).toBe(before.length);
      // A part is never changed: what lost rows has another name.
      expect(now.filter((path) => !before.includes(path)).length).toBe(pruneOverlays ? 2 : 0);
      expect((await eventsOf(root, "demo")).at(-1)?.metrics).toMatchObject({
        overlay_rows_pruned: pruneOverlays ? 4 : 0,
      });
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    }
  });

  it("a report that cannot be written stops it", async () => {
    const root = await demoRoot();
    const failing = { report: async () => Promise.reject(new RangeError("no room")) };
    await expect(dedupe(root, "demo", { key: "sequence_canonical", ...failing })).rejects.toThrow("no room");
    expect((await rowsOf(root, "demo")).length).toBe(6);
  });

  it("lists the first thousand rows, and reports all", async () => {
    const root = await demoRoot();
    const sequences = Array.from({ length: 2500 }, (_, i) => "ACGT"[i % 4]!);
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences, groupRows: 700 }));
    let reported = 0;
    const result = await dedupe(root, "demo", {
      key: "id",
      keep: "last",
      report: async (_, batches) => {
        for await (const { numRows } of batches) reported += numRows;
      },
    });
    expect([result.rows_dropped, result.groups, result.dropped.length, reported]).toEqual([2496, 4, 1000, 2496]);
    expect((await parquetAt(root.storage, "demo/records.parquet")).rowGroups.map(({ numRows }) => numRows)).toEqual([
      4,
    ]);
  });

  it("refuses rows that have no such key, and says which", async () => {
    const root = await demoRoot();
    const put = async (instead: Parameters<typeof baseBytes>[0]["instead"]): Promise<unknown> =>
      root.storage.put("demo/records.parquet", await baseBytes({ sequences: ["AC", "GT"], instead: instead ?? {} }));
    for (const [instead, key, code] of [
      [{ bio_type: ["string", ["dna", "protein"]] }, "sequence_canonical", "BAD_BIO_TYPE"],
      [{ bio_type: ["string", ["dna", "DNA"]] }, "sequence", "BAD_BIO_TYPE"],
      [{ bio_type: ["string", ["dna", null]] }, "sequence", "BAD_BIO_TYPE"],
      [{ alphabet: ["string", ["dna_4", "dna_5"]] }, "sequence_ci", "NOT_SUPPORTED"],
      [{ sequence: ["string", ["AC", " "]] }, "sequence", "EMPTY_SEQUENCE"],
      [{ sequence: ["string", ["AC", null]] }, "sequence", "EMPTY_SEQUENCE"],
      [{ sequence: ["string", ["AC", "A!"]] }, "sequence_canonical", "BAD_SYMBOL"],
      [{ id: ["string", ["a", null]] }, "id", "MISSING_KEY"],
    ] as const) {
      await put(instead);
      for (const dryRun of [true, false]) {
        const refused = await refusal(root, () => dedupe(root, "demo", { key, dryRun }));
        expect(refused).toMatchObject({ code, details: { row: 2 } });
        expect(refused.message.toLowerCase()).toContain("row 2");
      }
    }
  });
});

describe("materialize --drop-deleted --prune-overlays", () => {
  it("counts what is left behind in other overlays and states, or carries it away", async () => {
    for (const pruneOverlays of [false, true]) {
      const root = await demoRoot();
      const [AAAA, CCCC] = idsOf(["AAAA", "CCCC"]);
      await attachCsv(root, "demo", "sequence,score\nAAAA,1\nCCCC,2\n");
      await setState(root, "demo", { ids: [AAAA!, CCCC!], masked: true });
      await deleteRows(root, "demo", { ids: [AAAA!] });
      const visible = await rowsOf(root, "demo");
      expect(await materialize(root, "demo", { overlays: "keep", dropDeleted: true, pruneOverlays })).toMatchObject({
        rows_dropped: 1,
        orphans: [
          { namespace: "mock", rows: 1 },
          { namespace: "usr_state", rows: 1 },
        ],
      });
      expect(await rowsOf(root, "demo")).toEqual(visible);
      const { problems } = await validate(root, "demo");
      expect(problems.filter(({ code }) => code === "UNKNOWN_KEY").length).toBe(pruneOverlays ? 0 : 2);
    }
  });
});
