/// <reference types="node" />
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataType } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { encodeArrowSchema } from "@usr/schema/ipc";
import { countComparisons } from "@usr/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { FILE } from "../src/footer/format.ts";
import { openParquet, writeParquet } from "../src/index.ts";
import { WIRE } from "../src/thrift/read.ts";
import { list, struct } from "../src/thrift/write.ts";
import { bytesSource, collect, openFile, oracle, oracleTables, python, readAll } from "./canon.ts";
import { rebuilt, set } from "./rebuild.ts";

const dir = mkdtempSync(join(tmpdir(), "usr-arrow-"));
afterAll(() => rmSync(dir, { recursive: true }));

const utf8 = new TextEncoder();
const instant: DataType = { kind: "timestamp", unit: "us", timezone: "UTC" };
const pairs: DataType = { kind: "list", item: { kind: "int32" } };

async function withPairs(entries: readonly (readonly [string, string])[]): Promise<Uint8Array> {
  const fields = [
    { name: "t", type: instant, nullable: true },
    { name: "p", type: pairs, nullable: true },
  ];
  const columns = [
    columnOf(instant, [0n, null]),
    columnOf(pairs, [
      [1, 2],
      [3, 4],
    ]),
  ];
  const bytes = await collect(writeParquet({ fields, metadata: new Map() }, [{ numRows: 2, columns }]));
  const kvs = entries.map(([key, value]) =>
    struct([
      [1, utf8.encode(key)],
      [2, utf8.encode(value)],
    ]),
  );
  return rebuilt(bytes, (footer) => set(footer, FILE.keyValues, list(WIRE.struct, kvs)));
}

function arrow(
  types: readonly (readonly [string, DataType])[],
  metadata: Readonly<Record<string, string>>,
): readonly [string, string] {
  const fields = types.map(([name, type]) => ({ name, type, nullable: true }));
  return ["ARROW:schema", encodeArrowSchema({ fields, metadata: new Map(Object.entries(metadata)) })];
}

const raw = ["usr:x", "raw"] as const;
const berlin: DataType = { kind: "timestamp", unit: "us", timezone: "Europe/Berlin" };
const naive: DataType = { kind: "timestamp", unit: "ns" };
const fixed: DataType = { kind: "fixed_size_list", item: { kind: "int32" }, size: 2 };
const cases: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "no ARROW:schema": [raw],
  "the same types, other metadata": [
    raw,
    arrow(
      [
        ["t", instant],
        ["p", pairs],
      ],
      { "usr:x": "embedded", more: "é" },
    ),
  ],
  "no embedded metadata": [
    raw,
    arrow(
      [
        ["t", instant],
        ["p", pairs],
      ],
      {},
    ),
  ],
  "a zone and a fixed size": [
    raw,
    arrow(
      [
        ["t", berlin],
        ["p", fixed],
      ],
      { "usr:x": "embedded" },
    ),
  ],
  "other names": [
    raw,
    arrow(
      [
        ["a", berlin],
        ["b", fixed],
      ],
      {},
    ),
  ],
  "naive nanoseconds": [
    raw,
    arrow(
      [
        ["t", naive],
        ["p", pairs],
      ],
      {},
    ),
  ],
  "types that do not fit": [
    raw,
    arrow(
      [
        ["t", { kind: "string" }],
        ["p", { kind: "struct", fields: [{ name: "x", type: fixed }] }],
      ],
      {},
    ),
  ],
};

describe.skipIf(python === undefined)("ARROW:schema", () => {
  it("is applied as pyarrow applies it", async () => {
    const paths = Object.keys(cases).map((_, i) => join(dir, `case-${i}.parquet`));
    for (const [i, entries] of Object.values(cases).entries()) writeFileSync(paths[i]!, await withPairs(entries));
    const expected = oracleTables(paths.map((path) => ({ op: "read", path })));
    for (const [i, name] of Object.keys(cases).entries()) {
      expect(expected[i]!.error, name).toBeUndefined();
      expect(await readAll(await openFile(paths[i]!)), name).toEqual(expected[i]);
    }
    countComparisons("parquet-arrow-schema", paths.length);
  });

  it("with another number of fields is ignored, and is no metadata here", async () => {
    const table = await readAll(
      await openParquet(bytesSource(await withPairs([raw, arrow([["t", berlin]], { a: "b" })]))),
    );
    expect(table.types).toEqual(["timestamp[us, UTC]", "list<int32>"]);
    expect(table.metadata).toEqual({ "usr:x": "raw" });
  });

  it("that is none makes the file unreadable, as for pyarrow", async () => {
    const bytes = await withPairs([raw, ["ARROW:schema", "!!"]]);
    const path = join(dir, "broken.parquet");
    writeFileSync(path, bytes);
    expect(oracleTables([{ op: "read", path }])[0]!.error).toBeDefined();
    await expect(openFile(path)).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe.skipIf(python === undefined)("types outside of the vocabulary", () => {
  it("are named, and do not hinder the others", async () => {
    for (const store_schema of [true, false]) {
      const path = join(dir, `odd-${store_schema}.parquet`);
      const [, want] = oracle([{ op: "write-odd", path, store_schema }]).concat(
        oracleTables([{ op: "read-each", path }]),
      );
      // A duration is a plain integer to Parquet, and one to pyarrow too without ARROW:schema.
      const odd = ["date", "time", "decimal", "binary", "map", ...(store_schema ? ["duration"] : []), "deep"];
      const file = await openFile(path);
      expect([...file.unsupported.keys()]).toEqual(odd);
      const names = ["a date", "a time of day", "a decimal", "raw bytes, not marked as text", "a map"];
      expect([...file.unsupported.values()].slice(0, names.length)).toEqual(names);
      const got = await readAll(file);
      const expected = want as typeof got;
      for (const [i, name] of got.names.entries()) {
        const w = expected.names.indexOf(name);
        expect([name, got.types[i], got.columns[i]]).toEqual([name, expected.types[w], expected.columns[w]]);
      }
      for (const name of odd)
        await expect(readAll(file, { columns: [name] })).rejects.toMatchObject({
          code: "NOT_SUPPORTED",
          details: { column: name },
        });
      countComparisons("parquet-odd-types", got.names.length);
    }
  });

  it("are INT96 timestamps", async () => {
    const path = join(dir, "int96.parquet");
    expect(oracle([{ op: "write-int96", path }])).toEqual([{ ok: true }]);
    const file = await openFile(path);
    expect(file.unsupported).toEqual(new Map([["t", "an INT96 timestamp"]]));
    expect((await readAll(file)).columns).toEqual([["i:1", "i:2"]]);
  });
});
