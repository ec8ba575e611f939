import { openParquet, readBatches } from "@usr/parquet";
import { contractHash, parseRegistry, registryHash } from "@usr/registry";
import { formatType } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { readAll } from "@usr/storage";
import { createSnapshot, listSnapshots, pinSnapshot } from "../src/maintain/index.ts";
import { deleteRows, setState } from "../src/records/index.ts";
import { initDataset, materialize, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, type Cells, idsOf, parquetBytes, partBytes } from "./make.ts";
import { attachCsv, importCsv, parquetAt, register, writableRoot } from "./write-support.ts";

export const SEQUENCES: readonly string[] = [
  "AAAA", "AAAC", "AAAG", "AAAT", "AACA", "AACC", "AACG", "AACT", "AAGA", "AAGC", "AAGG", "AAGT",
]; // biome-ignore format: a table
const IDS = idsOf(SEQUENCES);
const VALUES = SEQUENCES.map((_, i) => i);
export const BASE = "demo/records.parquet";
const STATE = "demo/_derived/usr_state.parquet";
const DELETED = "demo/_derived/usr.parquet";
const LOG = "demo/.events.log";
const PINS = "demo/_snapshots/pins.json";
const CREATED = "2026-03-01T00:00:00.000000Z";
/** Namespaces that are registered and empty, for faults to be planted in. */
const FREE = Array.from("abcdefghijklmnopqrstuvwxyz", (letter) => `free_${letter}`);

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const textAt = async (root: WritableRoot, path: string): Promise<string> => {
  await using handle = await root.storage.open(path);
  return handle === undefined ? "" : new TextDecoder().decode(await readAll(handle));
};

const put = async (root: WritableRoot, path: string, body: Uint8Array | string): Promise<void> =>
  void (await root.storage.put(path, typeof body === "string" ? bytesOf(body) : body));

/** A dataset with one of everything and nothing wrong. */
export const healthyRoot = async (): Promise<WritableRoot> => {
  const root = writableRoot();
  for (const namespace of FREE) await register(root, namespace, `${namespace}__v:float64`);
  await register(root, "mock", "mock__score:float64,mock__tag:string,mock__vec:list<float64>");
  await register(root, "fold", "fold__n:int64");
  await initDataset(root, "demo");
  await importCsv(root, "demo", `sequence\n${SEQUENCES.join("\n")}\n`);
  await attachCsv(root, "demo", "sequence,n\nAAAA,1\nAAAC,2\n", { namespace: "fold" });
  await materialize(root, "demo");
  await attachCsv(root, "demo", 'sequence,score,vec\nAAAA,1.5,"[1,2]"\nAAAC,2,\n');
  await attachCsv(root, "demo", "sequence,tag\nAAAA,t\n");
  await setState(root, "demo", { ids: IDS.slice(0, 4), qcStatus: "pass", split: "train", lineage: ["a"] });
  await deleteRows(root, "demo", { ids: IDS.slice(10), reason: "why" });
  await createSnapshot(root, "demo", { label: "kept" });
  await pinSnapshot(root, "demo", { name: (await listSnapshots(root, "demo")).at(-1)!.name });
  return root;
};

type Columns = Record<string, readonly [type: string, cells: Cells]>;

/** Writes a Parquet file anew with other columns or metadata; what is `undefined` goes. */
const rewrite = async (
  root: WritableRoot,
  path: string,
  change: (columns: Columns) => Readonly<Record<string, readonly [string, Cells] | undefined>>,
  metadata: Readonly<Record<string, string | undefined>> = {},
): Promise<void> => {
  const file = await parquetAt(root.storage, path);
  const cells = file.schema.fields.map((): unknown[] => []);
  const columns: Columns = {};
  for await (const batch of readBatches(file))
    for (const [c, column] of batch.columns.entries())
      for (let row = 0; row < batch.numRows; row++) cells[c]!.push(valueAt(column, row));
  for (const [c, { name, type }] of file.schema.fields.entries())
    columns[name] = [type.kind === "null" ? "null" : formatType(type), cells[c] as Cells];
  const changed = Object.entries({ ...columns, ...change(columns) });
  const kept = Object.entries({ ...Object.fromEntries(file.schema.metadata), ...metadata });
  await put(
    root,
    path,
    await parquetBytes(
      Object.fromEntries(changed.flatMap(([name, column]) => (column === undefined ? [] : [[name, column]]))),
      Object.fromEntries(kept.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
    ),
  );
};

/** Puts other cells into rows (from 1) of a column. */
const cells = (
  root: WritableRoot,
  path: string,
  column: string,
  at: Readonly<Record<number, Cells[number]>>,
): Promise<void> =>
  rewrite(root, path, (columns) => {
    const [type, old] = columns[column]!;
    return { [column]: [type, old.map((cell, i) => (Object.hasOwn(at, i + 1) ? at[i + 1]! : cell))] };
  });

/** Overwrites the pages of a column with zeros. */
const zeroPages = async (root: WritableRoot, path: string, column: string): Promise<void> => {
  const file = await parquetAt(root.storage, path);
  const at = file.columnNames.indexOf(column);
  const { start, length } = file.footer.rowGroups[0]!.chunks[at]!;
  await using handle = await root.storage.open(path);
  const bytes = Uint8Array.from(await readAll(handle!));
  bytes.fill(0, start, start + length);
  await put(root, path, bytes);
};

/** Clears the bits of the bloom filter of a file's ids: it says that none is there. */
const clearFilter = async (root: WritableRoot, path: string): Promise<void> => {
  const file = await parquetAt(root.storage, path);
  const { offset, length } = file.footer.rowGroups[0]!.chunks[file.columnNames.indexOf("id")]!.filter!;
  await using handle = await root.storage.open(path);
  const bytes = Uint8Array.from(await readAll(handle!));
  bytes.fill(0, offset + length - 32, offset + length);
  await put(root, path, bytes);
};

/** Overwrites the header of the bloom filter of a file's ids: nobody can read it. */
const breakFilter = async (root: WritableRoot, path: string): Promise<void> => {
  const file = await parquetAt(root.storage, path);
  const { offset, length } = file.footer.rowGroups[0]!.chunks[file.columnNames.indexOf("id")]!.filter!;
  await using handle = await root.storage.open(path);
  const bytes = Uint8Array.from(await readAll(handle!));
  bytes.fill(0xff, offset, offset + length - 32);
  await put(root, path, bytes);
};

/** A part that is right in every respect, but for what is given. */
const part = async (
  root: WritableRoot,
  namespace: string,
  o: {
    readonly columns?: Columns;
    readonly key?: string;
    readonly createdAt?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly name?: string;
    readonly folder?: string;
  } = {},
): Promise<string> => {
  const registry = await parseRegistry(await textAt(root, "registry.yaml"));
  const columns = o.columns ?? { id: ["string", IDS], [`${namespace}__v`]: ["float64", VALUES] };
  const path = `demo/_derived/${o.folder ?? `${namespace}/`}${o.name ?? "part-1.parquet"}`;
  const metadata = {
    "usr:registry_hash": await registryHash(registry),
    "usr:namespace_contract_hash": await contractHash(registry.namespaces.get(namespace)!),
    ...o.metadata,
  };
  await put(root, path, await partBytes(namespace, o.key ?? "id", o.createdAt ?? CREATED, columns, metadata));
  return path;
};

const frozenPath = async (root: WritableRoot, nth: number): Promise<string> => {
  const paths: string[] = [];
  for await (const { path } of root.storage.list("demo/_registry/")) paths.push(path);
  return paths.at(nth)!;
};

export interface Fault {
  readonly name: string;
  readonly code: string;
  readonly severity?: "warning";
  /** Where it is found; a text that the place begins with. */
  readonly where: string;
  /** What the message says, where code and place do not tell it from others. */
  readonly says?: string;
  /** It hides others: planted alone only. */
  readonly hides?: true;
  readonly plant: (root: WritableRoot) => Promise<unknown>;
}

const at = (row: number, column: string): string => `${BASE} row ${row} column ${column}`;
const inPart = (namespace: string, rest = ""): string => `demo/_derived/${namespace}/part-1.parquet${rest}`;
const plain = (namespace: string, ids: Cells): Columns => ({
  id: ["string", ids],
  [`${namespace}__v`]: ["float64", VALUES.slice(0, ids.length)],
});
const ZEROS = "0".repeat(64);

/** What may be wrong with a dataset, each told by its code and place. */
export const FAULTS: readonly Fault[] = [
  { name: "an id that is not of its sequence", code: "ID_MISMATCH", where: at(1, "id"), plant: (r) => cells(r, BASE, "id", { 1: "0".repeat(40) }) },
  { name: "an id in upper case", code: "ID_MISMATCH", where: at(2, "id"), plant: (r) => cells(r, BASE, "id", { 2: IDS[1]!.toUpperCase() }) },
  { name: "an id that comes twice", code: "DUPLICATE_ID", where: at(4, "id"), plant: (r) => cells(r, BASE, "id", { 4: IDS[2]! }) },
  { name: "a row without id", code: "MISSING_ID", where: at(5, "id"), plant: (r) => cells(r, BASE, "id", { 5: null }) },
  { name: "a bio type that is none", code: "BAD_BIO_TYPE", where: at(6, "bio_type"), plant: (r) => cells(r, BASE, "bio_type", { 6: "DNA" }) },
  { name: "an alphabet that is none", code: "BAD_ALPHABET", where: at(7, "alphabet"), plant: (r) => cells(r, BASE, "alphabet", { 7: "dna_9" }) },
  { name: "a blank sequence", code: "EMPTY_SEQUENCE", where: at(8, "sequence"), plant: (r) => cells(r, BASE, "sequence", { 8: " \t" }) },
  { name: "a symbol of no base", code: "BAD_SYMBOL", where: at(9, "sequence"), plant: (r) => cells(r, BASE, "sequence", { 9: "AAGZ" }) },
  { name: "a length that is not the sequence's", code: "LENGTH_MISMATCH", where: at(10, "length"), plant: (r) => cells(r, BASE, "length", { 10: 5 }) },
  { name: "a row without length", code: "LENGTH_MISMATCH", where: at(3, "length"), plant: (r) => cells(r, BASE, "length", { 3: null }) },

  { name: "a base without a column", code: "CORRUPT", where: `${BASE} column source`, hides: true, plant: (r) => rewrite(r, BASE, () => ({ source: undefined })) },
  { name: "a base column of another type", code: "TYPE_MISMATCH", where: `${BASE} column length`, hides: true, plant: (r) => rewrite(r, BASE, ({ length }) => ({ length: ["int64", length![1].map((n) => BigInt(Number(n)))] })) },
  { name: "a time without zone in the base", code: "TYPE_MISMATCH", where: `${BASE} column created_at`, hides: true, plant: (r) => rewrite(r, BASE, ({ created_at }) => ({ created_at: ["timestamp[us]", created_at![1]] })) },
  { name: "a base that is no table", code: "CORRUPT", where: BASE, hides: true, plant: (r) => put(r, BASE, "PAR1 nothing PAR1") },
  { name: "pages of the base that cannot be read", code: "CORRUPT", where: `${BASE} column source`, hides: true, plant: (r) => zeroPages(r, BASE, "source") },
  { name: "pages of the sequences that cannot be read", code: "CORRUPT", where: BASE, hides: true, plant: (r) => zeroPages(r, BASE, "sequence") },
  { name: "columns of the base in another order", code: "COLUMN_ORDER", severity: "warning", where: `${BASE} column id`, hides: true, plant: (r) => r.storage.put(BASE, new Uint8Array()).then(async () => put(r, BASE, await turned())) },
  { name: "another schema version", code: "UNSUPPORTED_VERSION", where: BASE, says: "usr:schema_version is '2'", plant: (r) => rewrite(r, BASE, () => ({}), { "usr:schema_version": "2" }) },
  { name: "another id hash", code: "UNSUPPORTED_VERSION", where: BASE, says: "usr:id_hash is 'md5'", plant: (r) => rewrite(r, BASE, () => ({}), { "usr:id_hash": "md5" }) },
  { name: "a creation time that is none", code: "MISSING_METADATA", severity: "warning", where: BASE, says: "yesterday", plant: (r) => rewrite(r, BASE, () => ({}), { "usr:dataset_created_at": "yesterday" }) },
  { name: "a base that names a registry that is gone", code: "NO_REGISTRY", where: `demo/_registry/registry.${ZEROS}.yaml`, says: BASE, plant: (r) => rewrite(r, BASE, () => ({}), { "usr:registry_hash": ZEROS }) },
  { name: "a folded column of no namespace", code: "NAMESPACE_INVALID", where: `${BASE} column plain`, plant: (r) => rewrite(r, BASE, () => ({ plain: ["int32", VALUES] })) },
  { name: "a folded column that is not registered", code: "COLUMN_NOT_REGISTERED", where: `${BASE} column stranger__x`, plant: (r) => rewrite(r, BASE, () => ({ stranger__x: ["int32", VALUES] })) },
  { name: "a folded column of another type", code: "TYPE_MISMATCH", where: `${BASE} column fold__n`, plant: (r) => rewrite(r, BASE, () => ({ fold__n: ["string", SEQUENCES] })) },

  { name: "a key that comes twice in a part", code: "DUPLICATE_KEY", where: inPart("free_a", " row 2 column id"), plant: (r) => part(r, "free_a", { columns: plain("free_a", [IDS[11]!, ` ${IDS[11]} `]) }) },
  { name: "a key that no row has", code: "UNKNOWN_KEY", severity: "warning", where: inPart("free_b", " column id"), plant: (r) => part(r, "free_b", { columns: plain("free_b", ["stranger"]) }) },
  { name: "a part row without key", code: "MISSING_KEY", severity: "warning", where: inPart("free_c", " column id"), plant: (r) => part(r, "free_c", { columns: plain("free_c", [null]) }) },
  { name: "values of another type", code: "TYPE_MISMATCH", where: inPart("free_d", " column free_d__v"), plant: (r) => part(r, "free_d", { columns: { id: ["string", IDS], free_d__v: ["int64", VALUES.map(BigInt)] } }) },
  { name: "keys that are no text", code: "TYPE_MISMATCH", where: inPart("free_e", " column id"), plant: (r) => part(r, "free_e", { columns: { id: ["int64", [1n]], free_e__v: ["float64", [1]] } }) },
  { name: "a part column that is not registered", code: "COLUMN_NOT_REGISTERED", where: inPart("free_f", " column free_f__z"), plant: (r) => part(r, "free_f", { columns: { ...plain("free_f", IDS), free_f__z: ["string", IDS] } }) },
  { name: "parts keyed differently", code: "KEY_MISMATCH", where: "demo/_derived/free_g/", plant: async (r) => [await part(r, "free_g"), await part(r, "free_g", { key: "sequence", name: "part-2.parquet", columns: { sequence: ["string", [SEQUENCES[10]!]], free_g__v: ["float64", [1]] } })] },
  { name: "a part without its key column", code: "KEY_MISMATCH", where: inPart("free_h", " column id"), plant: (r) => part(r, "free_h", { columns: { free_h__v: ["float64", VALUES] } }) },
  { name: "a part whose time is none", code: "MISSING_METADATA", where: inPart("free_i"), plant: (r) => part(r, "free_i", { createdAt: "yesterday" }) },
  { name: "a part whose key is none", code: "MISSING_METADATA", where: inPart("free_j"), plant: (r) => part(r, "free_j", { key: "by heart" }) },
  { name: "a part from the future", code: "CLOCK_SKEW", severity: "warning", where: inPart("free_k"), plant: (r) => part(r, "free_k", { createdAt: "2126-01-01T00:00:00.000000Z" }) },
  { name: "a folder named unlike its namespace", code: "NAME_MISMATCH", severity: "warning", where: "demo/_derived/elsewhere/", plant: (r) => part(r, "free_l", { folder: "elsewhere/" }) },
  { name: "a folder that bears the name of another namespace", code: "NAME_MISMATCH", severity: "warning", where: "demo/_derived/free_z/", plant: async (r) => [await part(r, "free_y"), await part(r, "free_y", { folder: "free_z/", name: "part-2.parquet" })] },
  { name: "a namespace in two places", code: "OVERLAY_BOTH_FORMS", where: "demo/_derived/free_m", plant: async (r) => [await part(r, "free_m"), await part(r, "free_m", { folder: "", name: "free_m.parquet" })] },
  { name: "a part that came after its compaction", code: "LATE_PART", where: "demo/_derived/free_n/", plant: async (r) => [await part(r, "free_n", { createdAt: "2026-01-01T00:00:00.000000Z" }), await part(r, "free_n", { name: "part-2.parquet", metadata: { "usr:compacted_from": JSON.stringify([{ name: "part-0.parquet", created_at: CREATED, sha256: ZEROS }]) } })] },
  { name: "a compaction that does not say of what", code: "CORRUPT", where: inPart("free_o"), says: "usr:compacted_from", plant: (r) => part(r, "free_o", { metadata: { "usr:compacted_from": "nothing" } }) },
  { name: "a part that is no table", code: "CORRUPT", where: inPart("free_p"), plant: (r) => put(r, inPart("free_p"), "garbage") },
  { name: "pages of a part that cannot be read", code: "CORRUPT", where: inPart("free_q", " column free_q__v"), plant: async (r) => zeroPages(r, await part(r, "free_q"), "free_q__v") },
  { name: "pages of keys that cannot be read", code: "CORRUPT", where: inPart("free_r"), plant: async (r) => zeroPages(r, await part(r, "free_r"), "id") },
  { name: "a part written under another definition", code: "CONTRACT_MISMATCH", where: inPart("free_s"), plant: (r) => part(r, "free_s", { metadata: { "usr:namespace_contract_hash": ZEROS } }) },
  { name: "a part that names a registry that is gone", code: "NO_REGISTRY", where: `demo/_registry/registry.${"1".repeat(64)}.yaml`, plant: (r) => part(r, "free_t", { metadata: { "usr:registry_hash": "1".repeat(64) } }) },
  { name: "a part under no contract", code: "MISSING_METADATA", severity: "warning", where: inPart("free_u"), plant: (r) => part(r, "free_u", { metadata: { "usr:namespace_contract_hash": "", "usr:registry_hash": "" } }) },
  { name: "a namespace that is not registered", code: "NAMESPACE_NOT_REGISTERED", where: "demo/_derived/nobody/", plant: async (r) => put(r, "demo/_derived/nobody/part-1.parquet", await partBytes("nobody", "id", CREATED, { id: ["string", IDS], nobody__v: ["float64", VALUES] })) },
  { name: "a part whose event is not in the log", code: "MISSING_EVENT", where: inPart("free_v"), plant: (r) => part(r, "free_v", { metadata: { "usr:event_id": "01930000-0000-7000-8000-000000000000" } }) },
  { name: "a part that the log says was written, and that is gone", code: "MISSING_PART", severity: "warning", where: "demo/_derived/mock/part-", plant: async (r) => { for await (const { path } of r.storage.list("demo/_derived/mock/")) return r.storage.delete(path); return undefined; } },

  { name: "a QC status that is none", code: "BAD_VALUE", where: `${STATE} row 1 column usr_state__qc_status`, plant: (r) => cells(r, STATE, "usr_state__qc_status", { 1: "PASS" }) },
  { name: "a split that is none", code: "BAD_VALUE", where: `${STATE} row 2 column usr_state__split`, plant: (r) => cells(r, STATE, "usr_state__split", { 2: "dev" }) },
  { name: "a lineage with nothing in it", code: "BAD_VALUE", where: `${STATE} row 3 column usr_state__lineage`, plant: (r) => cells(r, STATE, "usr_state__lineage", { 3: [] }) },
  { name: "a blank supersedes", code: "BAD_VALUE", where: `${STATE} row 4 column usr_state__supersedes`, plant: (r) => cells(r, STATE, "usr_state__supersedes", { 4: " " }) },
  { name: "a mask that is no boolean", code: "TYPE_MISMATCH", where: `${STATE} column usr_state__masked`, plant: (r) => rewrite(r, STATE, ({ usr_state__masked }) => ({ usr_state__masked: ["string", usr_state__masked![1].map(() => "no")] })) },
  { name: "an id that comes twice among the states", code: "DUPLICATE_KEY", where: `${STATE} row 2 column id`, plant: (r) => cells(r, STATE, "id", { 1: IDS[10]!, 2: IDS[10]! }) },
  { name: "a tombstone that does not say whether", code: "BAD_VALUE", severity: "warning", where: `${DELETED} row 1 column usr__deleted`, plant: (r) => cells(r, DELETED, "usr__deleted", { 1: null }) },
  { name: "tombstones without flags", code: "CORRUPT", where: `${DELETED} column usr__deleted`, hides: true, plant: (r) => rewrite(r, DELETED, () => ({ usr__deleted: undefined })) },
  { name: "tombstones of another type", code: "TYPE_MISMATCH", where: DELETED, plant: (r) => rewrite(r, DELETED, ({ usr__deleted_reason }) => ({ usr__deleted_reason: ["bool", usr__deleted_reason![1].map(() => true)] })) },

  { name: "no registry", code: "NO_REGISTRY", where: "registry.yaml", hides: true, plant: (r) => r.storage.delete("registry.yaml") },
  { name: "a registry that cannot be read", code: "REGISTRY_INVALID", where: "registry.yaml", hides: true, plant: (r) => put(r, "registry.yaml", "namespaces: [") },
  { name: "a frozen registry that was altered", code: "CORRUPT", where: "demo/_registry/", says: "altered", plant: async (r) => put(r, await frozenPath(r, 0), (await textAt(r, await frozenPath(r, 0))).replace("mock__tag", "mock__gat")) },
  { name: "a frozen registry under a strange name that is none", code: "REGISTRY_INVALID", where: `demo/_registry/registry.${"2".repeat(64)}.yaml`, plant: (r) => put(r, `demo/_registry/registry.${"2".repeat(64)}.yaml`, "[") },

  { name: "a line of the log that is no event", code: "EVENT_INVALID", severity: "warning", where: `${LOG} row `, plant: async (r) => put(r, LOG, `${await textAt(r, LOG)}nonsense\n`) },
  { name: "a torn last line of the log", code: "EVENT_TORN", severity: "warning", where: LOG, plant: async (r) => put(r, LOG, `${await textAt(r, LOG)}{"event_ver`) },
  { name: "a snapshot that is no table", code: "CORRUPT", where: "demo/_snapshots/records-20260101T000000000000.parquet", plant: (r) => put(r, "demo/_snapshots/records-20260101T000000000000.parquet", "garbage") },
  { name: "a snapshot that is no base", code: "CORRUPT", where: "demo/_snapshots/records-20260102T000000000000.parquet column sequence", plant: async (r) => put(r, "demo/_snapshots/records-20260102T000000000000.parquet", await parquetBytes({ id: ["string", IDS] }, {})) },
  { name: "pins of a snapshot that is gone", code: "SNAPSHOT_NOT_FOUND", severity: "warning", where: PINS, plant: (r) => put(r, PINS, '{"pinned": ["records-gone.parquet"]}') },
  { name: "pins that cannot be read", code: "CORRUPT", where: PINS, hides: true, plant: (r) => put(r, PINS, "[]") },
  { name: "a commit that stopped half way", code: "INTERRUPTED_COMMIT", severity: "warning", where: "demo/.staging/pending.json", plant: (r) => put(r, "demo/.staging/pending.json", "{}") },
  { name: "a bloom filter of the base that hides rows", code: "CORRUPT", where: `${BASE} row 1 column id`, says: "bloom filter", hides: true, plant: (r) => clearFilter(r, BASE) },
  { name: "a bloom filter of an overlay that hides rows", code: "CORRUPT", where: `${STATE} row 1 column id`, says: "bloom filter", hides: true, plant: (r) => clearFilter(r, STATE) },
  { name: "a bloom filter of the base that cannot be read", code: "CORRUPT", severity: "warning", where: `${BASE} column id`, says: "bloom filter of row group 0 cannot be read", hides: true, plant: (r) => breakFilter(r, BASE) },
  { name: "a bloom filter of an overlay that cannot be read", code: "CORRUPT", severity: "warning", where: `${STATE} column id`, says: "bloom filter", hides: true, plant: (r) => breakFilter(r, STATE) },
  { name: "a dataset inside", code: "DATASET_NESTED", where: "demo/inner/records.parquet", plant: async (r) => put(r, "demo/inner/records.parquet", await baseBytes({ sequences: ["ACGT"] })) },
]; // biome-ignore format: a table

/** A base whose columns stand the other way round. */
const turned = async (): Promise<Uint8Array> => {
  const bytes = await baseBytes({ sequences: SEQUENCES });
  const file = await openParquet({ meta: { size: bytes.length }, read: async (o, n) => bytes.subarray(o, o + n) });
  const columns: Columns = {};
  for (const { name, type } of [...file.schema.fields].reverse()) {
    const values: Cells[number][] = [];
    for await (const batch of readBatches(file, { columns: [name] }))
      for (let row = 0; row < batch.numRows; row++) values.push(valueAt(batch.columns[0]!, row));
    columns[name] = [formatType(type), values];
  }
  return parquetBytes(columns, Object.fromEntries(file.schema.metadata));
};
