/// <reference types="node" />

import { info, scan } from "@usr/dataset";
import { compactOverlay } from "@usr/dataset/maintain";
import { deleteRows, restoreRows, setState } from "@usr/dataset/records";
import { attach, importRows, initDataset, registerNamespace, type WritableRoot } from "@usr/dataset/write";
import { decodeEvents } from "@usr/events";
import { jsonRows, openTable, type TableReader } from "@usr/formats";
import { parseColumnSpecs } from "@usr/registry";
import { memoryStorage, type ReadableStorage, readAll, type Storage } from "@usr/storage";
import type { SyncContext, SyncResult } from "../src/index.ts";
import { storageSite, syncDataset } from "../src/index.ts";
import type { Site, SyncOptions } from "../src/types.ts";

/** One place where people work: a root, and how it looks from elsewhere. */
export interface Place {
  readonly root: WritableRoot;
  readonly site: Site;
}

/** The clock of a test: both places share it, and it ticks a millisecond at every look. */
export interface World {
  now: bigint;
  seed: number;
}

export const world = (): World => ({ now: 1_780_000_000_000_000n, seed: 1 });

export const place = (w: World, label: string, storage: Storage = memoryStorage()): Place => {
  const root: WritableRoot = {
    storage,
    label,
    clock: () => (w.now += 1000n),
    random: (bytes) =>
      Uint8Array.from({ length: bytes }, () => {
        w.seed = (Math.imul(w.seed, 1_103_515_245) + 12_345) & 0x7fffffff;
        return w.seed >> 16;
      }),
    actor: { tool: "test", run_id: "run-1", host: label, pid: 1 },
    owner: { host: label, pid: 1, command: "test" },
    lockTimeoutMs: 100,
  };
  return { root, site: storageSite(storage, { label }) };
};

export const contextOf = ({ root }: Place): SyncContext => ({
  clock: root.clock,
  random: root.random,
  actor: root.actor,
  owner: root.owner,
  lockTimeoutMs: root.lockTimeoutMs,
});

type Options = Partial<SyncOptions> & { readonly dryRun?: boolean };

export const pull = (local: Place, remote: Place, o: Options = {}, dataset = "demo"): Promise<SyncResult> =>
  syncDataset({ dataset, local: local.site, remote: remote.site, direction: "pull" }, contextOf(local), {
    verify: "hash",
    ...o,
  });

export const push = (local: Place, remote: Place, o: Options = {}, dataset = "demo"): Promise<SyncResult> =>
  syncDataset({ dataset, local: local.site, remote: remote.site, direction: "push" }, contextOf(local), {
    verify: "hash",
    ...o,
  });

const csv = (text: string): Promise<TableReader> =>
  openTable({ stream: bytes(text) }, { format: "csv", name: "input.csv" });

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

export const registerMock = ({ root }: Place, namespace = "mock", columns?: string): Promise<unknown> =>
  registerNamespace(root, {
    namespace,
    columns: parseColumnSpecs(namespace, columns ?? `${namespace}__score:float64,${namespace}__tag:string`),
  });

export const SEQUENCES: readonly string[] = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];

/** `demo` with six sequences, and the namespace `mock`. */
export const demo = async (at: Place, dataset = "demo"): Promise<void> => {
  await registerMock(at);
  await initDataset(at.root, dataset);
  await add(at, SEQUENCES, dataset);
};

export const add = async ({ root }: Place, sequences: readonly string[], dataset = "demo"): Promise<unknown> =>
  importRows(root, dataset, await csv(`sequence\n${sequences.join("\n")}\n`), {
    path: "input.csv",
    bioType: "dna",
    alphabet: "dna_4",
    onConflict: "ignore",
  });

export const score = async (
  { root }: Place,
  values: Readonly<Record<string, number>>,
  o: { readonly namespace?: string; readonly dataset?: string } = {},
): Promise<unknown> => {
  const { namespace = "mock", dataset = "demo" } = o;
  const rows = Object.entries(values).map(([sequence, value]) => `${sequence},${value}`);
  return attach(root, dataset, await csv(`sequence,score\n${rows.join("\n")}\n`), {
    path: "input.csv",
    namespace,
    key: "sequence",
    overwrite: true,
    allowMissing: true,
  });
};

/** One part of some megabytes: a vector for each of the six sequences, in the namespace `vec`. */
export const vectors = async ({ root }: Place): Promise<unknown> => {
  let seed = 7;
  const next = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 2 ** 31;
  };
  const rows = SEQUENCES.map((sequence) =>
    JSON.stringify({ sequence, v: Array.from({ length: 60_000 }, () => next() * next()) }),
  );
  const input = await openTable({ stream: bytes(rows.join("\n")) }, { format: "jsonl", name: "input.jsonl" });
  return attach(root, "demo", input, { path: "input.jsonl", namespace: "vec", key: "sequence" });
};

export const compact = ({ root }: Place, namespace = "mock", form?: "parts" | "file"): Promise<unknown> =>
  compactOverlay(root, "demo", { namespace, form });

export const remove = ({ root }: Place, ids: readonly string[], reason: string): Promise<unknown> =>
  deleteRows(root, "demo", { ids, reason, allowMissing: true });

export const bringBack = ({ root }: Place, ids: readonly string[]): Promise<unknown> =>
  restoreRows(root, "demo", { ids, allowMissing: true });

export const state = (
  { root }: Place,
  ids: readonly string[],
  qcStatus: "pass" | "fail" | "warn" | "unknown",
): Promise<unknown> => setState(root, "demo", { ids, qcStatus, allowMissing: true });

/** The merged view, deleted rows too, by id: two sites are equal where these are. */
export const viewOf = async (
  { root }: Place,
  dataset = "demo",
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of scan(root, dataset, { includeDeleted: true }))
    for (const line of jsonRows(batch)) rows.push(JSON.parse(line));
  return rows;
};

export const idsOf = async (at: Place, dataset = "demo"): Promise<readonly string[]> =>
  (await viewOf(at, dataset)).map(({ id }) => String(id));

export const partsOf = async ({ root }: Place, namespace = "mock"): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list(`demo/_derived/${namespace}`)) found.push(path.slice("demo/".length));
  return found;
};

/** Names of events, in order; transfers left out. */
export const eventsOf = async ({ root }: Place, dataset = "demo"): Promise<readonly string[]> => {
  const bytes = await bytesAt(root.storage, `${dataset}/.events.log`);
  const { events } = decodeEvents(bytes ?? new Uint8Array(0));
  return events
    .filter(({ action }) => !["pull", "push"].includes(action))
    .map((event) => `${event.action} ${event.event_id}`);
};

export const bytesAt = async (storage: ReadableStorage, path: string): Promise<Uint8Array | undefined> => {
  await using handle = await storage.open(path);
  return handle === undefined ? undefined : await readAll(handle);
};

/** Every file of a storage but runtime files, as text that can be compared. */
export const filesOf = async ({ root: { storage } }: Place): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for await (const { path } of storage.list("")) {
    if (/(^|\/)\.(usr\.lock|events\.lock|staging|incoming)/.test(path)) continue;
    found.set(path, Buffer.from((await bytesAt(storage, path)) ?? []).toString("base64"));
  }
  return found;
};

export const cloneStorage = async (storage: Storage): Promise<Storage> => {
  const copy = memoryStorage();
  for await (const { path } of storage.list(""))
    await copy.put(path, (await bytesAt(storage, path)) ?? new Uint8Array(0));
  return copy;
};

export const rowsAt = async ({ root }: Place): Promise<number> => (await info(root, "demo")).rows_base;
