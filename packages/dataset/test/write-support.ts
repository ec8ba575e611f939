/// <reference types="node" />
import { createHash } from "node:crypto";
import { decodeEvents, type LoggedEvent } from "@usr/events";
import { jsonRows, openTable, type TableReader } from "@usr/formats";
import { openParquet, type ParquetFile } from "@usr/parquet";
import { parseColumnSpecs } from "@usr/registry";
import { columnOf } from "@usr/schema/columns";
import { memoryStorage, type ObjectMeta, type ReadableStorage, readAll, type Storage } from "@usr/storage";
import { expect } from "vitest";
import { scan } from "../src/index.ts";
import type { SessionRows } from "../src/session/index.ts";
import type { Query } from "../src/types.ts";
import {
  type AttachOptions,
  attach,
  type ImportOptions,
  importRows,
  initDataset,
  registerNamespace,
  type WritableRoot,
} from "../src/write/index.ts";
import { type Cells, idsOf, parquetBytes, partBytes } from "./make.ts";
import { csv } from "./tables.ts";

export { csv, jsonl } from "./tables.ts";

/** A clock that ticks a millisecond at every look, and random bytes that repeat from run to run. */
export const writableRoot = (storage: Storage = memoryStorage(), seed = 1): WritableRoot => {
  let now = 1_780_000_000_000_000n;
  let state = seed;
  return {
    storage,
    label: "test-root",
    clock: () => (now += 1000n),
    random: (bytes) =>
      Uint8Array.from({ length: bytes }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return state >> 16;
      }),
    actor: { tool: "test", run_id: "run-1", host: "here", pid: 1 },
    owner: { host: "here", pid: 1, command: "test" },
    lockTimeoutMs: 200,
  };
};

export const register = (root: WritableRoot, namespace: string, columns: string): Promise<unknown> =>
  registerNamespace(root, { namespace, columns: parseColumnSpecs(namespace, columns) });

export const importCsv = async (
  root: WritableRoot,
  id: string,
  text: string,
  o: Partial<ImportOptions> = {},
): ReturnType<typeof importRows> =>
  importRows(root, id, await csv(text), { path: "input.csv", bioType: "dna", alphabet: "dna_4", ...o });

export const attachCsv = async (
  root: WritableRoot,
  id: string,
  text: string,
  o: Partial<AttachOptions> = {},
): ReturnType<typeof attach> =>
  attach(root, id, await csv(text), { path: "input.csv", namespace: "mock", key: "sequence", ...o });

/** Rows as a program brings them to a session. */
export const sequenceRows = (sequences: readonly string[]): SessionRows => ({
  numRows: sequences.length,
  columns: new Map([["sequence", columnOf({ kind: "string" }, sequences)]]),
});

/** `demo` with six dna sequences and the namespace mock (score, tag, vec) registered. */
export const demoRoot = async (storage?: Storage): Promise<WritableRoot> => {
  const root = writableRoot(storage);
  await register(root, "mock", "mock__score:float64,mock__tag:string,mock__vec:list<float64>");
  await initDataset(root, "demo");
  await importCsv(root, "demo", "sequence\nAAAA\nCCCC\nGGGG\nTTTT\nACGT\nTGCA\n");
  return root;
};

export const rowsOf = async (
  root: WritableRoot,
  id: string,
  query?: Query,
): Promise<readonly Record<string, unknown>[]> => {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of scan(root, id, query)) for (const line of jsonRows(batch)) rows.push(JSON.parse(line));
  return rows;
};

/** Whole events; a torn line is what an interrupted append leaves. */
export const eventsOf = async (root: WritableRoot, id: string): Promise<readonly LoggedEvent[]> => {
  const handle = await root.storage.open(`${id}/.events.log`);
  if (handle === undefined) return [];
  await using opened = handle;
  return decodeEvents(await readAll(opened)).events;
};

/** Every object of a storage, as path and bytes, but for what the contract calls runtime files. */
export const bytesUnder = async (storage: Storage, prefix = ""): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for await (const { path } of storage.list(prefix)) {
    if (/(^|\/)\.(usr\.lock|events\.lock|staging)/.test(path)) continue;
    const handle = await storage.open(path);
    if (handle === undefined) continue;
    await using opened = handle;
    found.set(path, Buffer.from(await readAll(opened)).toString("base64"));
  }
  return found;
};

/** A digest of everything in a storage, what the contract calls runtime files too: equal states have equal ones. */
export const contentOf = async (storage: Storage): Promise<string> => {
  const hash = createHash("sha256");
  for await (const { path } of storage.list("")) {
    const handle = await storage.open(path);
    if (handle === undefined) continue;
    await using opened = handle;
    const bytes = await readAll(opened);
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
};

/** An independent copy of a storage in memory. Its objects keep their etags: a record of a commit that stopped half way knows files by them. */
export const cloneStorage = async (storage: Storage): Promise<Storage> => {
  const copy = memoryStorage();
  const given = new Map<string, string>();
  for await (const { path } of storage.list("")) {
    const handle = await storage.open(path);
    if (handle === undefined) continue;
    await using opened = handle;
    const { etag } = await copy.put(path, await readAll(opened));
    given.set(etag, opened.meta.etag);
  }
  const own = new Map(Array.from(given, ([inside, outside]) => [outside, inside]));
  const generation = ++clones;
  const shown = (meta: ObjectMeta): ObjectMeta => ({
    ...meta,
    etag: given.get(meta.etag) ?? `${generation}-${meta.etag}`,
  });
  const inside = (etag: string): string => own.get(etag) ?? etag.replace(`${generation}-`, "");
  return {
    ...copy,
    async open(path, o) {
      const handle = await copy.open(path, o);
      return handle && { ...handle, meta: shown(handle.meta) };
    },
    async *list(prefix, o) {
      for await (const meta of copy.list(prefix, o)) yield shown(meta);
    },
    async put(path, body, o = {}) {
      const { mode } = o;
      const how = typeof mode === "object" ? { ...o, mode: { ifMatch: inside(mode.ifMatch) } } : o;
      return shown(await copy.put(path, body, how));
    },
    async extend(path, from, body, o) {
      return shown(await copy.extend(path, { ...from, etag: inside(from.etag) }, body, o));
    },
  };
};

let clones = 0;

/** A table that declares its types, as a Parquet file brings it. */
export const typedTable = async (
  columns: Readonly<Record<string, readonly [type: string, cells: Cells]>>,
  name = "input.parquet",
): Promise<TableReader> => {
  const bytes = await parquetBytes(columns, {});
  const file = {
    meta: { size: bytes.length },
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  return openTable({ file }, { format: "parquet", name });
};

/** A Parquet file of a storage, in memory. */
export const parquetAt = async (storage: ReadableStorage, path: string): Promise<ParquetFile> => {
  const handle = await storage.open(path);
  if (handle === undefined) throw new Error(`no ${path}`);
  await using opened = handle;
  const bytes = await readAll(opened);
  return openParquet({
    meta: { size: bytes.length, path },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });
};

/** The bytes of every column chunk of a row group, in column order. */
export const chunkBytes = async (file: ParquetFile, rowGroup: number): Promise<readonly string[]> => {
  const chunks: string[] = [];
  for (const { start, length } of file.footer.rowGroups[rowGroup]!.chunks)
    chunks.push(Buffer.from(await file.source.read(start, length)).toString("base64"));
  return chunks;
};

/** Marks rows of a dna dataset as deleted (or, with `false`, as restored), as another program would have. */
export const putTombstones = async (
  root: WritableRoot,
  id: string,
  marks: Readonly<Record<string, boolean>>,
): Promise<void> => {
  const sequences = Object.keys(marks);
  const file = await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
    id: ["string", idsOf(sequences)],
    usr__deleted: ["bool", Object.values(marks)],
    usr__deleted_at: ["timestamp[us, UTC]", sequences.map((_, i) => BigInt(i))],
    usr__deleted_reason: ["string", sequences.map((_, i) => (i % 2 === 0 ? null : "why"))],
  });
  await root.storage.put(`${id}/_derived/usr.parquet`, file);
};

/** Runs `act`, which must throw, and holds that no byte has changed. The error comes back as plain data. */
export const refusal = async (
  root: WritableRoot,
  act: () => Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string; readonly hint: string; readonly details: unknown }> => {
  const before = await bytesUnder(root.storage);
  let failed: unknown;
  try {
    await act();
  } catch (error) {
    failed = error;
  }
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  if (!(failed instanceof Error) || !("code" in failed)) throw failed ?? new Error("nothing was thrown");
  return {
    code: String(failed.code),
    message: failed.message,
    hint: "hint" in failed ? String(failed.hint) : "",
    details: "details" in failed ? failed.details : undefined,
  };
};

/** Files that came, went or changed between two states of a storage. */
export const changedPaths = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path)).sort();

/** What lies at a path of fields in plain data; `undefined` where there is nothing. */
export const fieldAt = (value: unknown, ...path: readonly string[]): unknown => {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, name)?.value;
  }
  return found;
};

/** The events of the archives of an event log and of the log, `event_log_garden` apart, each once, in the order they were written. */
export const historyOf = async (root: WritableRoot, id: string): Promise<readonly string[]> => {
  const paths: string[] = [];
  for await (const { path } of root.storage.list(`${id}/.events.archive/`)) paths.push(path);
  const lines: string[] = [];
  for (const path of [...paths, `${id}/.events.log`]) {
    const handle = await root.storage.open(path);
    if (handle === undefined) continue;
    await using opened = handle;
    lines.push(...decodeEvents(await readAll(opened)).events.map((event) => JSON.stringify(event)));
  }
  return [...new Set(lines)].filter((line) => !line.includes('"action":"event_log_garden"'));
};
