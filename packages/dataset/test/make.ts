import { sequenceId } from "@usr/id";
import { type WriteOptions, writeParquet } from "@usr/parquet";
import { type DataType, parseType, type Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { memoryStorage, type Storage } from "@usr/storage";
import { BASE_FIELDS } from "../src/layout.ts";
import type { Root } from "../src/types.ts";

export type Cells = readonly Value[];

/** A type in the spelling of the registry, or Arrow's null type, which has none there. */
const typeOf = (text: string): DataType => (text === "null" ? { kind: "null" } : parseType(text));

/** The bytes of a Parquet file with the given columns. */
export async function parquetBytes(
  columns: Readonly<Record<string, readonly [type: string, cells: Cells]>>,
  metadata: Readonly<Record<string, string>>,
  groupRows = 7,
  write: WriteOptions = {},
): Promise<Uint8Array> {
  const names = Object.keys(columns);
  const types = names.map((name) => typeOf(columns[name]![0]));
  const rows = columns[names[0]!]![1].length;
  const groups = [];
  for (let at = 0; at < Math.max(rows, 1); at += groupRows) {
    const numRows = Math.min(groupRows, rows - at);
    groups.push({
      numRows,
      columns: names.map((name, i) => columnOf(types[i]!, columns[name]![1].slice(at, at + numRows))),
    });
  }
  const fields = names.map((name, i) => ({ name, type: types[i]!, nullable: true }));
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of writeParquet({ fields, metadata: new Map(Object.entries(metadata)) }, groups, write)) {
    chunks.push(chunk.slice());
    size += chunk.length;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

export interface BaseSpec {
  readonly sequences: readonly string[];
  readonly extra?: Readonly<Record<string, readonly [type: string, cells: Cells]>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Columns to put in place of the right ones. */
  readonly instead?: Readonly<Record<string, readonly [type: string, cells: Cells]>>;
  readonly groupRows?: number;
  readonly write?: WriteOptions;
}

export function idsOf(sequences: readonly string[]): readonly string[] {
  return sequences.map((sequence) => sequenceId("dna", sequence));
}

/** A base table of dna_4 sequences. */
export async function baseBytes(spec: BaseSpec): Promise<Uint8Array> {
  const { sequences } = spec;
  const cells: Readonly<Record<string, Cells>> = {
    id: idsOf(sequences),
    bio_type: sequences.map(() => "dna"),
    sequence: sequences,
    alphabet: sequences.map(() => "dna_4"),
    length: sequences.map((sequence) => sequence.length),
    source: sequences.map(() => "test"),
    created_at: sequences.map((_, i) => 1_700_000_000_000_000n + BigInt(i)),
  };
  const types: Readonly<Record<string, string>> = { length: "int32", created_at: "timestamp[us, UTC]" };
  const columns: Record<string, readonly [string, Cells]> = {};
  for (const { name } of BASE_FIELDS) columns[name] = spec.instead?.[name] ?? [types[name] ?? "string", cells[name]!];
  const metadata = { "usr:schema_version": "1", "usr:id_hash": "sha1_utf8_pipe", ...spec.metadata };
  return await parquetBytes({ ...columns, ...spec.extra }, metadata, spec.groupRows, spec.write);
}

/** An overlay file. */
export async function partBytes(
  namespace: string,
  key: string,
  createdAt: string,
  columns: Readonly<Record<string, readonly [type: string, cells: Cells]>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  return await parquetBytes(columns, {
    "usr:overlay_namespace": namespace,
    "usr:overlay_key": key,
    "usr:overlay_created_at": createdAt,
    ...metadata,
  });
}

const STATE = `  usr_state:
    columns:
    - {name: usr_state__masked, type: bool}
    - {name: usr_state__qc_status, type: string}
    - {name: usr_state__split, type: string}
    - {name: usr_state__supersedes, type: string}
    - {name: usr_state__lineage, type: list<string>}
`;

/** A registry of namespaces: column names and types. */
export function registryText(namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const entries = Object.entries(namespaces).map(
    ([name, columns]) =>
      `  ${name}:\n    columns:\n${Object.entries(columns)
        .map(([column, type]) => `    - {name: ${column}, type: '${type}'}\n`)
        .join("")}`,
  );
  return `namespaces:\n${STATE}${entries.join("")}`;
}

/** A root in memory with these objects. */
export async function rootOf(
  objects: Readonly<Record<string, Uint8Array | string>>,
): Promise<Root & { readonly storage: Storage }> {
  const storage = memoryStorage();
  for (const [path, body] of Object.entries(objects)) {
    await storage.put(path, typeof body === "string" ? new TextEncoder().encode(body) : body);
  }
  return { storage, label: "made" };
}

/** The file with a gap before its footer: too large to be read whole, as small ones are. */
export function spread(bytes: Uint8Array, gap: number = 256 * 1024): Uint8Array {
  const start = bytes.length - 8 - new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8).getUint32(0, true);
  const out = new Uint8Array(bytes.length + gap);
  out.set(bytes.subarray(0, start));
  out.set(bytes.subarray(start), start + gap);
  return out;
}
