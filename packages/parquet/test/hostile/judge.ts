import type { DataType, Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import {
  chunkOf,
  columnBounds,
  type DecodeLimits,
  nullCount,
  openParquet,
  ParquetError,
  type ParquetFile,
  type ReadOptions,
  readBatches,
  writeParquet,
} from "../../src/index.ts";
import { rowGroupsWith } from "../../src/lookup.ts";
import { bytesSource } from "../canon.ts";
import { oneOf, type Pick } from "./random.ts";

/** What the decoder may take for the small files of these tests. */
export const LIMITS: DecodeLimits = {
  footerBytes: 2 ** 20,
  footerValues: 2 ** 18,
  pageBytes: 2 ** 20,
  pageValues: 2 ** 16,
  chunkBytes: 2 ** 24,
};

const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32_768n, 32_767n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  timestamp: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65_535n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Whether a value is one of its type. */
function isOf(value: Value, type: DataType): boolean {
  if (value === null) return true;
  const range = INTEGERS[type.kind];
  if (range !== undefined) {
    if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value))) return false;
    return BigInt(value) >= range[0] && BigInt(value) <= range[1];
  }
  switch (type.kind) {
    case "bool":
      return typeof value === "boolean";
    case "float16":
    case "float32":
    case "float64":
      return typeof value === "number";
    case "string":
      return typeof value === "string" && !/\p{Surrogate}/u.test(value);
    case "list":
    case "fixed_size_list":
      return (
        Array.isArray(value) &&
        (type.kind === "list" || value.length === type.size) &&
        value.every((item: Value) => isOf(item, type.item))
      );
    case "struct":
      return (
        typeof value === "object" &&
        type.fields.every(({ name, type: inner }) => {
          const found: unknown = Reflect.get(value, name);
          return found !== undefined && isOf(found as Value, inner);
        })
      );
    default:
      return false;
  }
}

async function readExact(file: ParquetFile, o: ReadOptions): Promise<void> {
  const start = Math.min(o.start ?? 0, file.numRows);
  const expected = Math.max(0, Math.min(o.end ?? file.numRows, file.numRows) - start);
  let rows = 0;
  for await (const { numRows, schema, columns } of readBatches(file, o)) {
    rows += numRows;
    for (const [i, column] of columns.entries()) {
      const field = schema.fields[i];
      if (field === undefined || column.length !== numRows) throw new Error("a batch with columns of other lengths");
      for (let row = 0; row < numRows; row++) {
        if (!isOf(valueAt(column, row), column.type))
          throw new Error(`row ${row} of ${field.name} is no ${column.type.kind}`);
      }
    }
  }
  if (rows !== expected) throw new Error(`${rows} rows instead of ${expected}`);
}

/** Column chunks taken over as they are, as a materialization does. */
async function copyChunks(file: ParquetFile): Promise<void> {
  const groups = file.rowGroups.map(({ numRows }, rowGroup) => ({
    numRows,
    columns: file.schema.fields.map(({ name }) => chunkOf(file, rowGroup, name)),
  }));
  for await (const _bytes of writeParquet(file.schema, groups));
}

/** Reads a file in one of the ways there are. A `ParquetError` is an answer; anything else thrown is a fault of the decoder. */
export async function verdict(
  bytes: Uint8Array,
  pick: Pick,
  limits: DecodeLimits = LIMITS,
): Promise<"exact" | "refused"> {
  try {
    const file = await openParquet(bytesSource(bytes), { limits });
    const names = file.schema.fields.map(({ name }) => name);
    for (const name of names) {
      for (let group = 0; group < file.rowGroups.length; group++) columnBounds(file, group, name);
      nullCount(file, name);
      if (file.schema.fields.find((field) => field.name === name)?.type.kind === "string")
        await rowGroupsWith(file, name, [new Uint8Array(0), new Uint8Array(40)]);
    }
    const way = pick(8);
    if (way === 0) await copyChunks(file);
    else if (way < 5 || names.length === 0) await readExact(file, {});
    else {
      const start = pick(file.numRows + 1);
      await readExact(file, {
        columns: way === 5 ? [oneOf(pick, names)] : names,
        start: Math.min(start, 2 ** 40),
        end: start + pick(100),
        batchRows: 1 + pick(50),
        windowBytes: way === 7 ? 1 : undefined,
      });
    }
    return "exact";
  } catch (error) {
    if (error instanceof ParquetError) return "refused";
    throw error;
  }
}
