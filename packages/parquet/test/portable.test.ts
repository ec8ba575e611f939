/// <reference types="node" />
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columnOf } from "@usr/schema/columns";
import { countComparisons } from "@usr/testkit";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { openParquet, writeParquet } from "../src/index.ts";
import { bytesSource, collect, oracle, python, readAll } from "./canon.ts";

const dir = mkdtempSync(join(tmpdir(), "usr-portable-"));
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const texts = Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? null : `s:${"ACGTé".repeat(i % 23)}${i % 1000}`));

describe("without a builtin of Node", () => {
  it.skipIf(python === undefined)("every codec is read alike", { timeout: 60_000 }, async () => {
    const codecs = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"];
    const paths = codecs.map((codec) => join(dir, `${codec}.parquet`));
    const arrays = [{ name: "s", type: "string", values: texts }];
    const jobs = codecs.map((compression, i) => ({
      op: "write",
      path: paths[i],
      arrays,
      options: { compression, use_dictionary: false, data_page_size: 20_000, write_page_checksum: true },
    }));
    for (const result of oracle(jobs)) expect(result).toEqual({ ok: true });
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    for (const path of paths) {
      const table = await readAll(await openParquet(bytesSource(new Uint8Array(readFileSync(path)), path)));
      expect(table.columns[0], path).toEqual(texts);
    }
    countComparisons("parquet-portable-codecs", codecs.length);
  });

  it("bytes that are no UTF-8 are refused, as with it", async () => {
    const type = { kind: "string" } as const;
    const schema = { fields: [{ name: "a", type, nullable: true }], metadata: new Map() };
    const write = (data: readonly number[], offsets: readonly number[]): Promise<Uint8Array> => {
      const column = {
        layout: "utf8",
        type,
        length: offsets.length - 1,
        offsets: Int32Array.from(offsets),
        data: Uint8Array.from(data),
      } as const;
      return collect(writeParquet(schema, [{ numRows: column.length, columns: [column] }], { codec: "uncompressed" }));
    };
    const bad = [
      await write([0x41, 0xff], [0, 1, 2]),
      await write([0xc3, 0xa9], [0, 1, 2]),
      await write([0xed, 0xa0, 0x80], [0, 3]),
    ];
    const good = await write([0xc3, 0xa9, 0x41, 0xf0, 0x9f, 0xa7, 0xac], [0, 2, 2, 3, 7]);
    for (const portable of [false, true]) {
      if (portable) vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
      for (const bytes of bad)
        await expect(readAll(await openParquet(bytesSource(bytes)))).rejects.toMatchObject({ code: "CORRUPT" });
      expect((await readAll(await openParquet(bytesSource(good)))).columns).toEqual([["s:é", "s:", "s:A", "s:🧬"]]);
    }
  });
});

describe("hyparquet", () => {
  it("reads what is written here", async () => {
    const columns = {
      s: columnOf({ kind: "string" }, ["a", null, "ACGT".repeat(30), "é"]),
      i: columnOf({ kind: "int32" }, [1, null, -5, 7]),
      big: columnOf({ kind: "int64" }, [2n ** 62n, null, -1n, 0n]),
      x: columnOf({ kind: "float64" }, [0.5, null, -1e300, 2]),
      flag: columnOf({ kind: "bool" }, [true, null, false, true]),
      v: columnOf({ kind: "list", item: { kind: "float64" } }, [[1, 2], [3], [], [4, 5, 6]]),
      p: columnOf({ kind: "struct", fields: [{ name: "a", type: { kind: "int8" } }] }, [
        { a: 1 },
        { a: null },
        { a: -3 },
        { a: 4 },
      ]),
    };
    const fields = Object.entries(columns).map(([name, c]) => ({ name, type: c.type, nullable: true }));
    const bytes = await collect(
      writeParquet({ fields, metadata: new Map() }, [{ numRows: 4, columns: Object.values(columns) }]),
    );
    const rows = await parquetReadObjects({ file: bytes.slice().buffer, compressors });
    expect(rows).toEqual([
      { s: "a", i: 1, big: 2n ** 62n, x: 0.5, flag: true, v: [1, 2], p: { a: 1 } },
      { s: null, i: null, big: null, x: null, flag: null, v: [3], p: { a: null } },
      { s: "ACGT".repeat(30), i: -5, big: -1n, x: -1e300, flag: false, v: [], p: { a: -3 } },
      { s: "é", i: 7, big: 0n, x: 2, flag: true, v: [4, 5, 6], p: { a: 4 } },
    ]);
  });
});
