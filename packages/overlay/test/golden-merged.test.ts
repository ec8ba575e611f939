import { type DataType, formatTimestamp, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { type GoldenDataset, goldenDatasets, goldenRoots, testRuns } from "@usr/testkit";
import { expect, test } from "vitest";
import { assembleOverlay, buildKeyIndex, countKeys, mergeOverlay } from "../src/index.ts";
import { goldenDataset } from "./support.ts";

/** What `info.json` says of a dataset, as far as it is about overlays. */
interface Info {
  readonly fields: readonly { readonly name: string; readonly origin: string }[];
  readonly namespaces: readonly {
    readonly namespace: string;
    readonly key: string;
    readonly parts: number;
    readonly rows: number;
    readonly distinct_keys: number;
    readonly columns: readonly string[];
    readonly newest_created_at: string;
  }[];
}
type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

const datasets = goldenRoots()
  .flatMap(goldenDatasets)
  .filter((dataset) => dataset.error === undefined)
  // The largest one only where all cases are run.
  .filter(({ rows }) => (rows?.length ?? 0) < testRuns(100_000));

/** A cell in the spelling of the golden files. */
function json(value: Value, type: DataType): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") {
    if (type.kind === "timestamp") return formatTimestamp(value, type.unit, type.timezone !== undefined);
    return value > 2n ** 53n || value < -(2n ** 53n) ? String(value) : Number(value);
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (type.kind === "list" || type.kind === "fixed_size_list") {
    return Object.values(value).map((item) => json(item, type.item));
  }
  if (type.kind !== "struct") throw new TypeError(type.kind);
  return Object.fromEntries(
    Object.entries(value).map(([name, cell], i) => [name, json(cell, type.fields[i]!.type)] as const),
  );
}

/** The golden files name their shape. */
function infoOf({ info }: GoldenDataset): Info {
  return JSON.parse(JSON.stringify(info));
}

/** Early files store the time of deletion in nanoseconds, and the golden rows show them; read, it is microseconds. */
function micros(value: Json | undefined): Json | undefined {
  return typeof value === "string" ? value.replace(/(\.\d{6})000Z$/, "$1Z") : value;
}

function rowsOf({ rows, rowsWithDeleted }: GoldenDataset): readonly { readonly [name: string]: Json }[] {
  return [...(rows ?? []), ...(rowsWithDeleted ?? [])].map((line) => JSON.parse(line));
}

test("the golden datasets are there", () => {
  expect(datasets.length).toBeGreaterThan(50);
});

let compared = 0;

test.each(datasets.map((dataset) => [`${dataset.root}/${dataset.dataset}`, dataset] as const))(
  "%s",
  async (_, golden) => {
    const { fields, namespaces } = infoOf(golden);
    const rows = rowsOf(golden);
    const { registry, entries, open, base } = await goldenDataset(golden.root, golden.dataset);
    const rowOf = new Map<Value, number>();
    for (const batch of await base(["id"])) {
      for (let row = 0; row < batch.numRows; row++) rowOf.set(valueAt(batch.columns[0]!, row), rowOf.size);
    }
    const withoutTombstones = (names: readonly string[]): readonly string[] => names.filter((name) => name !== "usr");
    expect(withoutTombstones(entries.map((entry) => entry.name))).toEqual(
      withoutTombstones(namespaces.map(({ namespace }) => namespace)),
    );

    for (const entry of entries) {
      const parts = await open(entry);
      const overlay = assembleOverlay([entry], parts, registry.namespaces.get(parts[0]!.namespace));
      const keyColumns = overlay.key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"];
      const index = await buildKeyIndex(overlay.key, await base(keyColumns));
      const counted = await countKeys(overlay, { index });
      const wanted = namespaces.find(({ namespace }) => namespace === overlay.namespace);
      if (wanted !== undefined) {
        expect({
          namespace: overlay.namespace,
          key: overlay.key,
          parts: overlay.parts.length,
          rows: counted.rows,
          distinct_keys: counted.distinct,
          columns: overlay.fields.map((field) => field.name),
          newest_created_at: formatTimestamp(overlay.parts[0]!.createdAt / 1000n, "us", true),
        }).toEqual(expect.objectContaining({ ...pick(wanted) }));
      }
      // Where the base holds the column too, a NULL lets its value show: that is not decided here.
      const inBase = new Set(fields.filter((field) => field.origin === "base").map((field) => field.name));
      const shown = overlay.fields.filter((field) => !inBase.has(field.name));
      await using cursor = mergeOverlay(overlay, index, { columns: shown.map((field) => field.name) });
      const columns = await cursor.read(0, index.numRows);
      const found: Json[] = [];
      const expected: (Json | undefined)[] = [];
      for (const row of rows) {
        const at = rowOf.get(String(row["id"]))!;
        for (const [i, { name, type }] of shown.entries()) {
          // The files without deleted rows do not have the columns of `usr`.
          if (overlay.namespace === "usr" && !(name in row)) continue;
          found.push(json(valueAt(columns[i]!, at), type));
          expected.push(name === "usr__deleted_at" ? micros(row[name]) : row[name]);
          compared++;
        }
      }
      expect(found).toEqual(expected);
    }
  },
);

function pick({
  namespace,
  key,
  parts,
  rows,
  distinct_keys,
  columns,
  newest_created_at,
}: Info["namespaces"][number]): object {
  return { namespace, key, parts, rows, distinct_keys, columns, newest_created_at };
}

test("cells were compared", () => {
  expect(compared).toBeGreaterThan(testRuns(10_000));
});
