import type { Value } from "@usr/schema";
import type { NaiveKey, NaivePart } from "@usr/testkit";
import fc from "fast-check";
import { baseBytes, type Cells, idsOf, partBytes, registryText } from "./make.ts";

/** A namespace of a random dataset. Types are few, so that every cell can be said in JSON. */
export interface RandomNamespace {
  readonly name: string;
  readonly key: NaiveKey;
  readonly columns: Readonly<Record<string, string>>;
  readonly parts: readonly (NaivePart<Value> & { readonly held: readonly string[] })[];
}

export interface RandomDataset {
  readonly sequences: readonly string[];
  readonly namespaces: readonly RandomNamespace[];
  /** Materialized columns: name, type, cells. */
  readonly materialized: readonly (readonly [string, string, Cells])[];
  /** Row numbers of tombstones, and whether each says deleted. */
  readonly tombstones: readonly (readonly [number, boolean | null])[] | undefined;
}

const POOL = Array.from({ length: 40 }, (_, i) =>
  [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""),
);

const cell = (type: string): fc.Arbitrary<Value> => {
  if (type === "int64") return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  if (type === "float64") return fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN));
  if (type === "bool") return fc.boolean();
  if (type === "list<int32>")
    return fc.array(fc.option(fc.integer({ min: -5, max: 5 }), { freq: 4 }), { maxLength: 3 });
  return fc.string({ maxLength: 4 });
};

const namespace = (name: string): fc.Arbitrary<RandomNamespace> =>
  fc
    .record({
      key: fc.constantFrom<NaiveKey>("id", "id", "sequence", "sequence_norm", "sequence_ci"),
      types: fc.array(fc.constantFrom("int64", "float64", "bool", "string", "list<int32>"), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .chain(({ key, types }) => {
      const columns = Object.fromEntries(types.map((type, i) => [`${name}__${"zyx"[i]}`, type]));
      const names = Object.keys(columns);
      const row = fc.record({
        sequence: fc.constantFrom(...POOL),
        spelling: fc.constantFrom("plain", "plain", "padded", "other case", "null", "stranger"),
        values: fc.tuple(...types.map((type) => fc.option(cell(type), { freq: 2 }))),
      });
      const part = fc.record({
        uuid: fc.integer({ min: 0, max: 2 ** 30 }),
        createdAt: fc.constantFrom(0n, 1_000n, 1_500_000n, 2_000_000_000n),
        held: fc.shuffledSubarray(names, { minLength: 1 }),
        rows: fc.uniqueArray(row, { maxLength: 12, selector: ({ sequence }) => sequence }),
      });
      return fc.uniqueArray(part, { minLength: 1, maxLength: 4, selector: ({ uuid }) => uuid }).map((parts) => ({
        name,
        key,
        columns,
        parts: parts.map(({ uuid, createdAt, held, rows }) => ({
          name: `part-${String(uuid).padStart(12, "0")}.parquet`,
          createdAt,
          held,
          rows: rows.map(({ sequence, spelling, values }) => ({
            key: spell(key, sequence, spelling),
            values: Object.fromEntries(
              names.flatMap((column, i) => (held.includes(column) ? [[column, values[i] ?? null]] : [])),
            ),
          })),
        })),
      }));
    });

function spell(key: NaiveKey, sequence: string, spelling: string): string | null {
  const plain = key === "id" ? idsOf([sequence])[0]! : sequence;
  if (spelling === "null") return null;
  if (spelling === "stranger") return `${plain}x`;
  if (spelling === "padded") return `\u00a0${plain} \t`;
  return spelling === "other case" && key === "sequence_ci" ? plain.toLowerCase() : plain;
}

export const dataset: fc.Arbitrary<RandomDataset> = fc
  .record({
    sequences: fc.shuffledSubarray(POOL, { maxLength: 25 }),
    namespaces: fc
      .shuffledSubarray(["alpha", "mock", "us", "zeta"], { maxLength: 3 })
      .chain((names) => fc.tuple(...names.map(namespace))),
    materialize: fc.boolean(),
    tombstones: fc.option(fc.array(fc.tuple(fc.nat(24), fc.option(fc.boolean(), { freq: 4 })), { maxLength: 8 })),
  })
  .chain(({ sequences, namespaces, materialize, tombstones }) => {
    const columns = materialize
      ? namespaces.flatMap(({ columns }) => Object.entries(columns)).filter((_, i) => i % 2 === 0)
      : [];
    const cells = fc.tuple(
      ...columns.map(([, type]) =>
        fc.array(fc.option(cell(type), { freq: 2 }), { minLength: sequences.length, maxLength: sequences.length }),
      ),
    );
    return cells.map((all) => ({
      sequences,
      namespaces,
      materialized: columns
        .toReversed()
        .map(([name, type], i): [string, string, Cells] => [name, type, all[columns.length - 1 - i]!]),
      tombstones: tombstones === null ? undefined : [...new Map(tombstones.filter(([row]) => row < sequences.length))],
    }));
  });

export async function objectsOf(random: RandomDataset): Promise<Readonly<Record<string, Uint8Array | string>>> {
  const objects: Record<string, Uint8Array | string> = {
    "registry.yaml": registryText(Object.fromEntries(random.namespaces.map(({ name, columns }) => [name, columns]))),
    "demo/records.parquet": await baseBytes({
      sequences: random.sequences,
      extra: Object.fromEntries(random.materialized.map(([name, type, cells]) => [name, [type, cells]])),
    }),
  };
  for (const { name, key, columns, parts } of random.namespaces) {
    for (const part of parts) {
      const held: Record<string, readonly [string, Cells]> = {};
      for (const column of part.held)
        held[column] = [columns[column]!, part.rows.map(({ values }) => values[column] ?? null)];
      const keys: readonly [string, Cells] = ["string", part.rows.map((row) => row.key)];
      const stamp = new Date(Number(part.createdAt / 1_000_000n)).toISOString().replace("Z", "");
      const micros = String((part.createdAt / 1000n) % 1000n).padStart(3, "0");
      // The position of the key column is free.
      const all = part.held.length > 1 ? { ...held, [key]: keys } : { [key]: keys, ...held };
      objects[`demo/_derived/${name}/${part.name}`] = await partBytes(name, key, `${stamp}${micros}Z`, all);
    }
  }
  if (random.tombstones !== undefined) {
    objects["demo/_derived/usr.parquet"] = await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", random.tombstones.map(([row]) => idsOf(random.sequences)[row]!)],
      usr__deleted: ["bool", random.tombstones.map(([, deleted]) => deleted)],
      usr__deleted_at: ["timestamp[us, UTC]", random.tombstones.map(([row]) => BigInt(row))],
      usr__deleted_reason: ["string", random.tombstones.map(() => null)],
    });
  }
  return objects;
}
