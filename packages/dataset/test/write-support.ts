/// <reference types="node" />

import { decodeEvents, type LoggedEvent } from "@usr/events";
import { jsonRows, openTable, type TableReader } from "@usr/formats";
import { parseColumnSpecs } from "@usr/registry";
import { memoryStorage, readAll, type Storage } from "@usr/storage";
import { scan } from "../src/index.ts";
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

export const csv = (text: string, name = "input.csv"): Promise<TableReader> =>
  openTable({ stream: bytesOf(text) }, { format: "csv", name });

export const jsonl = (text: string, name = "input.jsonl"): Promise<TableReader> =>
  openTable({ stream: bytesOf(text) }, { format: "jsonl", name });

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

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

/** An independent copy of a storage in memory. */
export const cloneStorage = async (storage: Storage): Promise<Storage> => {
  const copy = memoryStorage();
  for await (const { path } of storage.list("")) {
    const handle = await storage.open(path);
    if (handle === undefined) continue;
    await using opened = handle;
    await copy.put(path, await readAll(opened));
  }
  return copy;
};
