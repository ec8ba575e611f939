import { jsonRows } from "@usr/formats";
import { chunkOf, openParquet, readBatches } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parquetCopy } from "../src/copy/index.ts";
import type { Query, Root } from "../src/types.ts";
import { baseBytes, idsOf, partBytes, registryText, rootOf } from "./make.ts";
import { codeOf, linesOf } from "./support.ts";

const REGISTRY = registryText({ mock: { mock__score: "float64", mock__tag: "string" } });
const LETTERS = "ACGT";
const sequenceOf = (n: number): string =>
  [...n.toString(4).padStart(9, "0")].map((digit) => LETTERS[Number(digit)]).join("");
const SEQUENCES = Array.from({ length: 50_000 }, (_, i) => sequenceOf(i));
const IDS = idsOf(SEQUENCES);

interface Made {
  readonly groupRows: number;
  /** Rows that the part has. */
  readonly rows: readonly number[];
  /** Whether the base stores a column of the namespace, which the part covers. */
  readonly covered: boolean;
  readonly deleted?: boolean;
}

async function made({ groupRows, rows, covered, deleted }: Made): Promise<Root> {
  const extra: Record<string, readonly [string, readonly Value[]]> = covered
    ? { mock__tag: ["string", SEQUENCES.map((_, i) => (i % 3 === 0 ? null : `old ${i % 5}`))] }
    : {};
  return await rootOf({
    "registry.yaml": REGISTRY,
    "demo/records.parquet": await baseBytes({ sequences: SEQUENCES, groupRows, extra }),
    "demo/_derived/mock/part-1.parquet": await partBytes("mock", "id", "2026-03-01T00:00:00.000000Z", {
      id: ["string", rows.map((row) => IDS[row]!)],
      mock__score: ["float64", rows.map((row) => row / 7)],
      mock__tag: ["string", rows.map((row) => (row % 4 === 0 ? null : `new ${row % 3}`))],
    }),
    ...(deleted && {
      "demo/_derived/usr.parquet": await partBytes("usr", "id", "2026-03-01T00:00:00.000000Z", {
        id: ["string", [IDS[7]!]],
        usr__deleted: ["bool", [true]],
        usr__deleted_at: ["timestamp[us, UTC]", [0n]],
        usr__deleted_reason: ["string", [null]],
      }),
    }),
  });
}

async function copied(root: Root, query?: Query): Promise<Uint8Array | undefined> {
  await using copy = await parquetCopy(root, "demo", query);
  if (copy === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of copy.bytes()) chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}

const fileOf = (bytes: Uint8Array): ReturnType<typeof openParquet> =>
  openParquet({
    meta: { size: bytes.length },
    read: async (offset, length) => bytes.slice(offset, offset + length),
  });

async function rowsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const batch of readBatches(await fileOf(bytes))) lines.push(...jsonRows(batch));
  return lines;
}

test("a copy holds what a scan shows, whatever the groups, the part and the columns asked for", async () => {
  const names = ["id", "sequence", "length", "mock__score", "mock__tag", "created_at"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(16_400, 30_000, 65_536),
      fc.array(fc.integer({ min: 0, max: SEQUENCES.length - 1 }), { maxLength: 60 }),
      fc.boolean(),
      fc.option(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), { nil: undefined }),
      async (groupRows, rows, covered, columns) => {
        const root = await made({ groupRows, rows: [...new Set(rows)], covered });
        const bytes = await copied(root, { columns });
        const lines = await linesOf(root, "demo", { columns });
        if (bytes === undefined) expect(columns?.every((name) => name.startsWith("mock__"))).toBe(true);
        else expect(await rowsOf(bytes)).toEqual(lines);
      },
    ),
    { numRuns: testRuns(8) },
  );
});

test("chunks of columns that no overlay touches are the bytes of the base", async () => {
  const root = await made({ groupRows: 20_000, rows: [1, 2, 3], covered: true });
  const handle = (await root.storage.open("demo/records.parquet"))!;
  const base = await openParquet(handle);
  const out = await fileOf((await copied(root))!);
  expect(out.rowGroups.map(({ numRows }) => numRows)).toEqual(base.rowGroups.map(({ numRows }) => numRows));
  const bytesOf = async (file: typeof base, column: string): Promise<readonly string[]> =>
    await Promise.all(
      file.rowGroups.map(async (_, group) => {
        chunkOf(file, group, column);
        const { start, length } = file.footer.rowGroups[group]!.chunks[file.columnNames.indexOf(column)]!;
        return Buffer.from(await file.source.read(start, length)).toString("base64");
      }),
    );
  expect(await bytesOf(out, "sequence")).toEqual(await bytesOf(base, "sequence"));
  expect(await bytesOf(out, "mock__tag")).not.toEqual(await bytesOf(base, "mock__tag"));
});

test("where rows would be left out, or the groups are of no good size, there is no copy", async () => {
  const root = await made({ groupRows: 20_000, rows: [1], covered: false });
  for (const query of [{ where: "length > 3" }, { ids: [IDS[0]!] }, { limit: 3 }, { start: 1 }])
    expect(await copied(root, query)).toBeUndefined();
  expect(await copied(root, { columns: ["mock__score"] })).toBeUndefined();
  expect(await copied(root, { start: 0, columns: ["id"] })).toBeDefined();
  expect(await copied(await made({ groupRows: 5_000, rows: [1], covered: false }))).toBeUndefined();
  const hidden = await made({ groupRows: 20_000, rows: [1], covered: false, deleted: true });
  expect(await copied(hidden)).toBeUndefined();
  const shown = (await copied(hidden, { includeDeleted: true }))!;
  expect(await rowsOf(shown)).toEqual(await linesOf(hidden, "demo", { includeDeleted: true }));
  expect(await codeOf(copied(root, { columns: ["nope"] }))).toBe("UNKNOWN_COLUMN");
});
