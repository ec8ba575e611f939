import { type Format, openTable, type TableReader, writeTable } from "@usr/formats";
import { type DataType, formatType, parseType, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { readAll } from "@usr/storage";
import { anyType, anyValue, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { datasetSchema, scan, validate } from "../src/index.ts";
import { compactOverlay, createSnapshot, removeOverlay, restoreSnapshot } from "../src/maintain/index.ts";
import { deleteRows, restoreRows, setState } from "../src/records/index.ts";
import {
  attach,
  importRows,
  initDataset,
  materialize,
  registerNamespace,
  type WritableRoot,
} from "../src/write/index.ts";
import { type Cells, idsOf } from "./make.ts";
import { importCsv, register, typedTable, writableRoot } from "./write-support.ts";

// What must change nothing that a reader sees, over random datasets of random types: compacting, folding, deleting and restoring, exporting and
// attaching again; and a restored snapshot is the old file, byte for byte.

const SEQUENCES = Array.from({ length: 9 }, (_, i) => `AC${["AA", "CC", "GG", "TT", "AG", "GA", "CT", "TC", "GT"][i]}`);
const IDS = idsOf(SEQUENCES);
const NAMES = ["mock", "zeta"] as const;

interface RandomNamespace {
  readonly key: "id" | "sequence";
  readonly types: readonly DataType[];
  /** Column numbers held, and for each row number the values of all columns. */
  readonly parts: readonly {
    readonly held: readonly number[];
    readonly rows: readonly (readonly [row: number, values: readonly Value[]])[];
  }[];
}

type RandomDataset = readonly RandomNamespace[];

const namespace: fc.Arbitrary<RandomNamespace> = fc
  .array(anyType({ depth: 2 }), { minLength: 1, maxLength: 3 })
  .chain((types) =>
    fc.record({
      key: fc.constantFrom("id", "sequence"),
      types: fc.constant(types),
      parts: fc.array(
        fc.record({
          held: fc.shuffledSubarray(
            types.map((_, i) => i),
            { minLength: 1 },
          ),
          rows: fc.uniqueArray(fc.tuple(fc.nat(SEQUENCES.length - 1), fc.tuple(...types.map(anyValue))), {
            minLength: 1,
            maxLength: 6,
            selector: ([row]) => row,
          }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  );

const dataset: fc.Arbitrary<RandomDataset> = fc.array(namespace, { minLength: 1, maxLength: NAMES.length });

const columnName = (name: string, i: number): string => `${name}__${"zyx"[i]}`;

/** Writes it with the verbs. */
const written = async (random: RandomDataset): Promise<WritableRoot> => {
  const root = writableRoot();
  for (const [n, { types }] of random.entries()) {
    const columns = types.map((type, i) => ({ name: columnName(NAMES[n]!, i), type: formatType(type) }));
    await registerNamespace(root, { namespace: NAMES[n]!, columns });
  }
  await initDataset(root, "demo");
  await importCsv(root, "demo", `sequence\n${SEQUENCES.join("\n")}\n`);
  for (const [n, { key, types, parts }] of random.entries()) {
    for (const { held, rows } of parts) {
      const keys = rows.map(([row]) => (key === "id" ? IDS : SEQUENCES)[row]!);
      const columns: Record<string, readonly [string, Cells]> = { [key]: ["string", keys] };
      for (const i of held)
        columns[columnName(NAMES[n]!, i)] = [formatType(types[i]!), rows.map(([, values]) => values[i]!)];
      const o = { path: "in.parquet", namespace: NAMES[n]!, key, overwrite: true };
      await attach(root, "demo", await typedTable(columns), o);
    }
  }
  return root;
};

/** Everything a reader sees: type and cells of each column by name, in base order. The order of columns is left to other tests: folding changes it. */
const viewOf = async (root: WritableRoot): Promise<ReadonlyMap<string, readonly [string, readonly Value[]]>> => {
  const view = new Map<string, [string, Value[]]>();
  const { fields } = await datasetSchema(root, "demo");
  for (const { name, type, origin } of fields) if (origin !== "usr") view.set(name, [type, []]);
  for await (const batch of scan(root, "demo"))
    for (const [i, { name }] of batch.schema.fields.entries())
      for (let row = 0; row < batch.numRows; row++) view.get(name)?.[1].push(valueAt(batch.columns[i]!, row));
  return view;
};

const sound = async (root: WritableRoot): Promise<void> => {
  const { problems } = await validate(root, "demo", { strict: true });
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
};

const baseBytesOf = async (root: WritableRoot): Promise<string> => {
  await using handle = (await root.storage.open("demo/records.parquet"))!;
  return Buffer.from(await readAll(handle)).toString("base64");
};

test("compacting and folding, in any order and any form, are invisible to reads", { timeout: 600_000 }, async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("compact" as const), which: fc.nat(1), form: fc.constantFrom("parts", "file") }),
    fc.record({
      kind: fc.constant("fold" as const),
      which: fc.nat(1),
      overlays: fc.constantFrom("archive", "drop", "keep"),
    }),
  );
  await fc.assert(
    fc.asyncProperty(dataset, fc.array(step, { minLength: 1, maxLength: 4 }), async (random, steps) => {
      const root = await written(random);
      const before = await viewOf(root);
      const gone = new Set<string>();
      for (const made of steps) {
        const name = NAMES[made.which % random.length]!;
        if (gone.has(name)) continue;
        if (made.kind === "compact") await compactOverlay(root, "demo", { namespace: name, form: made.form });
        else {
          await materialize(root, "demo", { namespaces: [name], overlays: made.overlays });
          if (made.overlays !== "keep") gone.add(name);
        }
        expect(await viewOf(root)).toEqual(before);
      }
      await sound(root);
    }),
    { numRuns: testRuns(40) },
  );
});

test("deleting and restoring any rows is the identity, whatever is folded or compacted between", {
  timeout: 600_000,
}, async () => {
  const some = fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      dataset,
      some,
      fc.constantFrom("nothing", "fold", "compact", "import"),
      async (random, ids, between) => {
        const root = await written(random);
        const before = await viewOf(root);
        await deleteRows(root, "demo", { ids, reason: "why" });
        expect((await viewOf(root)).get("id")?.[1]).toEqual(IDS.filter((id) => !ids.includes(id)));
        if (between === "fold") await materialize(root, "demo");
        if (between === "compact") await compactOverlay(root, "demo", { namespace: NAMES[0] });
        if (between === "import")
          await importCsv(root, "demo", `sequence\n${SEQUENCES.join("\n")}\n`, { onConflict: "ignore" }).catch(
            () => undefined,
          );
        await restoreRows(root, "demo", { ids });
        expect(await viewOf(root)).toEqual(before);
        await sound(root);
      },
    ),
    { numRuns: testRuns(25) },
  );
});

test("a restored snapshot is the old file, byte for byte, whatever came between", { timeout: 600_000 }, async () => {
  const change = fc.constantFrom("import", "fold", "drop deleted", "freeze", "state", "snapshot");
  await fc.assert(
    fc.asyncProperty(dataset, fc.array(change, { minLength: 1, maxLength: 6 }), async (random, changes) => {
      const root = await written(random);
      const old = await baseBytesOf(root);
      const { name } = await createSnapshot(root, "demo");
      for (const [i, made] of changes.entries()) {
        if (made === "import") await importCsv(root, "demo", `sequence\nTTTT${"ACGTAC".slice(0, i + 1)}\n`);
        if (made === "fold") await materialize(root, "demo");
        if (made === "drop deleted") {
          const live = (await viewOf(root)).get("id")?.[1][0];
          if (typeof live === "string") await deleteRows(root, "demo", { ids: [live] });
          await materialize(root, "demo", { dropDeleted: true });
        }
        if (made === "freeze") {
          await register(root, `late${i}`, `late${i}__n:int8`);
          await deleteRows(root, "demo", { ids: IDS, allowMissing: true });
        }
        if (made === "state") await setState(root, "demo", { ids: IDS, allowMissing: true, masked: true });
        if (made === "snapshot") await createSnapshot(root, "demo", { label: `s${i}` });
      }
      await restoreSnapshot(root, "demo", { name });
      expect(await baseBytesOf(root)).toBe(old);
    }),
    { numRuns: testRuns(15) },
  );
});

/** Export of columns as the command line writes it. */
const exported = async (root: WritableRoot, columns: readonly string[], format: Format): Promise<Uint8Array> => {
  const { fields } = await datasetSchema(root, "demo");
  const schema = {
    fields: columns.map((name) => ({
      name,
      type: parseType(fields.find((f) => f.name === name)!.type),
      nullable: true,
    })),
    metadata: new Map<string, string>(),
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTable(schema, scan(root, "demo", { columns }), { format })) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
};

const tableOf = (bytes: Uint8Array, format: Format): Promise<TableReader> => {
  const read = async (offset: number, length: number): Promise<Uint8Array> => bytes.subarray(offset, offset + length);
  return openTable({ file: { meta: { size: bytes.length }, read } }, { format, name: `out.${format}` });
};

/** Every type that can be registered, once; random ones come beside them. */
const EVERY_TYPE: readonly string[] = [
  ...["string", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
  ...["float16", "float32", "float64"],
  ...["timestamp[ms]", "timestamp[us]", "timestamp[ns]"],
  ...[
    "timestamp[ms, UTC]",
    "timestamp[us, UTC]",
    "timestamp[ns, UTC]",
    "timestamp[us, Europe/Berlin]",
    "timestamp[us, +02:00]",
  ],
  ...["list<string>", "list<int64>", "list<float16>", "list<list<float64>>", "list<timestamp[ns, UTC]>"],
  ...["fixed_size_list<float32>[3]", "fixed_size_list<list<int8>>[2]"],
  ...[
    "struct<a:int64,b:string>",
    "list<struct<a:uint64,b:list<string>>>",
    "struct<at:timestamp[us],v:fixed_size_list<bool>[2]>",
  ],
];

/** csv holds no NUL in a cell of its own. */
const carried = (value: Value, format: Format): Value =>
  typeof value === "string" && (format === "csv" || format === "tsv") ? value.replaceAll("\0", "") : value;

describe.each<Format>(["csv", "tsv", "jsonl", "parquet", "arrow"])("export and attach through %s", (format) => {
  const again = async (random: RandomDataset): Promise<void> => {
    const root = await written(
      random.map((ns) => ({
        ...ns,
        parts: ns.parts.map((part) => ({
          ...part,
          rows: part.rows.map(([row, values]) => [row, values.map((value) => carried(value, format))] as const),
        })),
      })),
    );
    const before = await viewOf(root);
    for (const [n, { key }] of random.entries()) {
      const name = NAMES[n]!;
      const columns = [...before.keys()].filter((column) => column.startsWith(`${name}__`));
      const bytes = await exported(root, [key, ...columns], format);
      await removeOverlay(root, "demo", { namespace: name, how: "delete" });
      const table = await tableOf(bytes, format);
      await attach(root, "demo", table, { path: `out.${format}`, namespace: name, key });
      expect(await viewOf(root)).toEqual(before);
    }
    await sound(root);
  };

  test("is the identity for random tables", { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(dataset, again), { numRuns: testRuns(10) });
  });

  test("is the identity for every type", { timeout: 600_000 }, async () => {
    let types = 0;
    for (const text of EVERY_TYPE) {
      const type = parseType(text);
      const rows = fc.tuple(...SEQUENCES.map(() => anyValue(type)));
      for (const values of fc.sample(rows, { numRuns: testRuns(1) })) {
        const part = { held: [0], rows: values.map((value, row) => [row, [value]] as const) };
        await again([{ key: "id", types: [type], parts: [part] }]);
      }
      types++;
    }
    expect(types).toBe(EVERY_TYPE.length);
  });
});

test("an import of an export is the same base: ids, order, times, sources", async () => {
  const root = await written([{ key: "id", types: [{ kind: "int8" }], parts: [] }]);
  const before = await viewOf(root);
  for (const format of ["csv", "tsv", "jsonl", "parquet", "arrow"] as const) {
    const bytes = await exported(root, [...before.keys()], format);
    const copy = writableRoot();
    await register(copy, "mock", "mock__n:int8");
    await initDataset(copy, "demo");
    const o = { path: `out.${format}` };
    expect(await importRows(copy, "demo", await tableOf(bytes, format), o)).toMatchObject({
      rows_added: SEQUENCES.length,
    });
    expect([format, await viewOf(copy)]).toEqual([format, before]);
  }
});
