/// <reference types="node" />
import zlib from "node:zlib";
import type { Column, Schema } from "@usr/schema";
import { columnOf, concatColumns } from "@usr/schema/columns";
import { afterEach, describe, expect, it, vi } from "vitest";
import { chunkOf, openParquet, type RowGroup, readBatches, writeParquet } from "../src/index.ts";
import { bytesSource, canonColumn, collect, readAll } from "./canon.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const ROWS = 9000;
const GROUPS = 5;
const schema: Schema = {
  fields: [
    { name: "text", type: { kind: "string" }, nullable: true },
    { name: "kind", type: { kind: "string" }, nullable: true },
    { name: "number", type: { kind: "int64" }, nullable: true },
    { name: "noise", type: { kind: "float64" }, nullable: true },
  ],
  metadata: new Map(),
};

/** Texts of 0 to 198 letters, so that pages are larger than what is compressed at once. */
const columns = (group: number): readonly Column[] => {
  const rows = Array.from({ length: ROWS }, (_, i) => i + group * ROWS);
  const random = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;
  return [
    columnOf(
      { kind: "string" },
      rows.map((i) =>
        random(i)
          .toString(2)
          .repeat(6)
          .slice(0, i % 199),
      ),
    ),
    columnOf(
      { kind: "string" },
      rows.map((i) => (i % 5 === 0 ? null : "dna")),
    ),
    columnOf(
      { kind: "int64" },
      rows.map((i) => (i % 7 === 0 ? null : BigInt(random(i) % 1000) * 1_000_003n)),
    ),
    columnOf(
      { kind: "float64" },
      rows.map((i) => Math.sin(random(i))),
    ),
  ];
};
const data = Array.from({ length: GROUPS }, (_, g) => columns(g));
const groups: readonly RowGroup[] = data.map((c) => ({ numRows: ROWS, columns: c }));
const whole = schema.fields.map(({ type }, i) =>
  canonColumn(
    concatColumns(
      type,
      data.map((c) => c[i]!),
    ),
  ),
);

/** The builtin modules with another `zstdCompress`. */
const withCompressor = (zstdCompress: typeof zlib.zstdCompress | undefined): void => {
  const original = process.getBuiltinModule;
  vi.spyOn(process, "getBuiltinModule").mockImplementation((name: string) =>
    name === "node:zlib" ? { ...zlib, zstdCompress } : original(name),
  );
};

describe("pages that are compressed beside the writer", () => {
  it.each([300, 40_000, 2 ** 20])("stand in their order, in pages of %i bytes", async (pageBytes) => {
    const file = await openParquet(bytesSource(await collect(writeParquet(schema, groups, { pageBytes }))));
    expect((await readAll(file)).columns).toEqual(whole);
    const part: Column[] = [];
    for await (const batch of readBatches(file, { columns: ["text"], start: ROWS - 3, end: ROWS + 4 }))
      part.push(batch.columns[0]!);
    expect(part.flatMap((column) => canonColumn(column))).toEqual(whole[0]!.slice(ROWS - 3, ROWS + 4));
  });

  it("are the same as those compressed one after the other", async () => {
    const beside = await collect(writeParquet(schema, groups, { pageBytes: 40_000 }));
    withCompressor(undefined);
    const alone = await collect(writeParquet(schema, groups, { pageBytes: 40_000 }));
    expect((await readAll(await openParquet(bytesSource(alone)))).columns).toEqual(whole);
    expect(Math.abs(alone.length - beside.length)).toBeLessThan(alone.length / 1000);
  });

  it("stand among chunks by reference", async () => {
    const file = await openParquet(bytesSource(await collect(writeParquet(schema, groups))));
    const mixed = groups.map(({ numRows, columns: encoded }, g) => ({
      numRows,
      columns: schema.fields.map(({ name }, i) => ((g + i) % 2 === 0 ? chunkOf(file, g, name) : encoded[i]!)),
    }));
    const copy = await openParquet(bytesSource(await collect(writeParquet(schema, mixed, { pageBytes: 40_000 }))));
    expect((await readAll(copy)).columns).toEqual(whole);
  });

  it("fail as the writer does, with nothing left unheard", async () => {
    const failing = (...o: unknown[]): void => {
      const done = o.at(-1);
      setTimeout(() => (typeof done === "function" ? done(new Error("no memory")) : undefined), 1);
    };
    withCompressor(Object.assign(failing, { __promisify__: zlib.zstdCompress.__promisify__ }));
    const unheard = vi.fn();
    process.on("unhandledRejection", unheard);
    try {
      await expect(collect(writeParquet(schema, groups))).rejects.toThrow("no memory");
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      process.off("unhandledRejection", unheard);
    }
    expect(unheard).not.toHaveBeenCalled();
  });
});
