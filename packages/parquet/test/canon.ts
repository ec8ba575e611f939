/// <reference types="node" />
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Column, DataType, Value } from "@usr/schema";
import { formatType } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { openParquet, type ParquetFile, type ReadOptions, readBatches } from "../src/index.ts";
import type { ByteSource } from "../src/source.ts";

export const python: string | undefined = process.env["USR_ORACLE_PYTHON"];

/** Values as the oracle spells them: exact for every type. */
export type Canon = null | boolean | string | readonly Canon[] | { readonly [key: string]: Canon };
export interface CanonTable {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: number;
  readonly columns: readonly (readonly Canon[] | null)[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly error?: string;
}

const bits = new DataView(new ArrayBuffer(8));

export function canonValue(value: Value, type: DataType): Canon {
  if (value === null) return null;
  switch (type.kind) {
    case "float16":
    case "float32":
    case "float64": {
      const number = Number(value);
      if (Number.isNaN(number)) return "f:nan";
      bits.setFloat64(0, number, true);
      return `f:${Array.from(new Uint8Array(bits.buffer), (b) => b.toString(16).padStart(2, "0")).join("")}`;
    }
    case "bool":
      return value === true;
    case "string":
      return `s:${String(value)}`;
    case "list":
    case "fixed_size_list":
      return Array.isArray(value) ? value.map((v: Value) => canonValue(v, type.item)) : null;
    case "struct": {
      const out: Record<string, Canon> = {};
      for (const field of type.fields) {
        out[field.name] = canonValue((value as { readonly [k: string]: Value })[field.name] ?? null, field.type);
      }
      return out;
    }
    case "null":
      return null;
    default:
      return `i:${String(value)}`;
  }
}

export function canonColumn(column: Column): readonly Canon[] {
  const out: Canon[] = [];
  for (let row = 0; row < column.length; row++) out.push(canonValue(valueAt(column, row), column.type));
  return out;
}

export function bytesSource(bytes: Uint8Array, path?: string): ByteSource {
  return {
    meta: { size: bytes.length, path },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

export function openFile(path: string): Promise<ParquetFile> {
  return openParquet(bytesSource(new Uint8Array(readFileSync(path)), path));
}

export async function readAll(file: ParquetFile, o?: ReadOptions): Promise<CanonTable> {
  const fields = (o?.columns ?? file.schema.fields.map((f) => f.name)).map(
    (name) => file.schema.fields.find((f) => f.name === name)!,
  );
  const columns: Canon[][] = fields.map(() => []);
  let rows = 0;
  for await (const batch of readBatches(file, o)) {
    rows += batch.numRows;
    for (const [i, column] of batch.columns.entries()) {
      if (column.length !== batch.numRows) throw new Error("a batch has columns of different lengths");
      columns[i]!.push(...canonColumn(column));
    }
  }
  return {
    names: fields.map((f) => f.name),
    types: fields.map((f) => formatType(f.type)),
    rows,
    columns,
    metadata: Object.fromEntries(file.schema.metadata),
  };
}

export type Job = Readonly<Record<string, unknown>>;

/** Runs the jobs in one Python process. */
export function oracle(jobs: readonly Job[]): readonly unknown[] {
  if (python === undefined) throw new Error("USR_ORACLE_PYTHON is not set");
  const script = fileURLToPath(new URL("oracle/canon.py", import.meta.url));
  const out = execFileSync(python, [script], { input: JSON.stringify(jobs), maxBuffer: 2 ** 30 }).toString();
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export function oracleTables(jobs: readonly Job[]): readonly CanonTable[] {
  return oracle(jobs) as readonly CanonTable[];
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part.slice());
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}
