/// <reference types="node" />
import { randomBytes } from "node:crypto";
import { sequenceId } from "@usr/id";
import { parseColumnSpecs } from "@usr/registry";
import type { Batch } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { diskStorage } from "@usr/storage/node";
import { scan } from "../../src/index.ts";
import { compactOverlay, createSnapshot, listSnapshots, restoreSnapshot } from "../../src/maintain/index.ts";
import { deleteRows, restoreRows, setState } from "../../src/records/index.ts";
import { attach, importRows, materialize, registerNamespace, type WritableRoot } from "../../src/write/index.ts";
import { csv } from "../tables.ts";

export const DATASET = "demo";
export const COLUMNS = "kill__n:int64";

/** A verb with its arguments: all of them follow from a seed and a number, so that two processes speak of the same. */
export type Deed =
  | { readonly kind: "import"; readonly batch: number }
  | { readonly kind: "attach"; readonly every: number; readonly at: number; readonly value: number }
  | { readonly kind: "delete" | "restore"; readonly rows: readonly number[] }
  | { readonly kind: "state"; readonly rows: readonly number[]; readonly split: "train" | "test" }
  | { readonly kind: "compact" | "materialize" }
  | { readonly kind: "register"; readonly namespace: string; readonly description: string }
  | { readonly kind: "snapshot"; readonly label: string }
  | { readonly kind: "return"; readonly choice: number };

/** The file of the rows as it once was. */
export interface Base {
  /** The deed that wrote it: with the same one, the file is the same. */
  readonly version: number;
  /** The row number of each row it holds, in order; a number means the same row in every base. */
  readonly rows: readonly number[];
  /** Values that were folded in, row by row. */
  readonly values: readonly (number | null)[];
}

/** What a reader must see: plain values by row number, no cleverness. */
export interface Model {
  readonly base: Base;
  /** Values newer than those in the base, by row number; a row that the base lacks may come back with an older one. */
  readonly overlay: ReadonlyMap<number, number>;
  readonly deleted: ReadonlySet<number>;
  readonly splits: ReadonlyMap<number, string>;
  /** Snapshots that were asked for, with what they hold, oldest first. */
  readonly snapshots: readonly (readonly [label: string, base: Base])[];
  /** In how many parts the values of the overlay lie. */
  readonly parts: number;
  /** Events that the log must hold. */
  readonly commits: number;
}

/** Rows, nothing else. */
export const firstModel = (rows: number): Model => {
  const numbers = Array.from({ length: rows }, (_, row) => row);
  return {
    base: { version: -1, rows: numbers, values: numbers.map(() => null) },
    overlay: new Map(),
    deleted: new Set(),
    splits: new Map(),
    snapshots: [],
    parts: 0,
    commits: 0,
  };
};

/** 24 letters that spell a number. */
export const sequenceOf = (row: number): string =>
  Array.from({ length: 24 }, (_, digit) => "ACGT"[Math.floor(row / 4 ** (digit % 12)) % 4]).join("");

/** The number that a sequence spells. */
export const numberOf = (sequence: string): number =>
  Array.from(sequence.slice(0, 12)).reduceRight((sum, letter) => sum * 4 + "ACGT".indexOf(letter), 0);

const idOf = (row: number): string => sequenceId("dna", sequenceOf(row));

export const BATCH = 16;

const LAST_IMPORT = 200;

/** Of deeds, the likely ones several times. */
const KINDS = 22;

/** Of the row numbers of imports. */
const FIRST_IMPORTED = 10_000_000;

export const deedOf = (seed: number, number: number, baseRows: number): Deed => {
  let state = (Math.imul(seed, 2_654_435_761) ^ Math.imul(number, 40_503)) >>> 0;
  const choose = (n: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  choose(1);
  // Each kind comes once, then they come as it happens.
  const kind = number < KINDS ? (number * 5 + seed) % KINDS : choose(KINDS);
  const rows = [...new Set(Array.from({ length: 8 }, () => choose(Math.min(baseRows, 400))))];
  // A long history goes on without growing: what a read costs must not depend on how long ago it began.
  if (kind < 8 || ((kind < 11 || kind === 20) && number >= LAST_IMPORT)) {
    const every = 2 + choose(40);
    return { kind: "attach", every, at: choose(every), value: number };
  }
  if (kind < 11) return { kind: "import", batch: number };
  if (kind < 13) return { kind: "delete", rows };
  if (kind < 15) return { kind: "restore", rows };
  if (kind < 17) return { kind: "state", rows, split: choose(2) === 0 ? "train" : "test" };
  if (kind === 17) return { kind: "register", namespace: `other_${choose(9)}`, description: `as of deed ${number}` };
  if (kind === 20) return { kind: "snapshot", label: `deed-${number}` };
  if (kind === 21) return { kind: "return", choice: choose(LAST_IMPORT) };
  return { kind: kind === 18 ? "materialize" : "compact" };
};

/** The model after a deed. */
export const told = (model: Model, deed: Deed, number: number): Model => {
  const { base, commits, parts } = model;
  switch (deed.kind) {
    case "import": {
      const rows = [...base.rows, ...importedRows(deed.batch)];
      const values = [...base.values, ...importedRows(deed.batch).map(() => null)];
      return { ...model, base: { version: number, rows, values }, commits: commits + 1 };
    }
    case "attach": {
      const overlay = new Map(model.overlay);
      for (const row of attachedRows(model, deed)) overlay.set(row, deed.value);
      return { ...model, overlay, parts: parts + 1, commits: commits + 1 };
    }
    case "delete":
    case "restore": {
      const deleted = new Set(model.deleted);
      for (const row of deed.rows) {
        if (deed.kind === "delete") deleted.add(row);
        else deleted.delete(row);
      }
      return { ...model, deleted, commits: commits + (deleted.size === model.deleted.size ? 0 : 1) };
    }
    case "state": {
      const splits = new Map(model.splits);
      for (const row of deed.rows) splits.set(row, deed.split);
      const changes = deed.rows.some((row) => model.splits.get(row) !== deed.split);
      return { ...model, splits, commits: commits + (changes ? 1 : 0) };
    }
    case "register":
      return model;
    case "compact":
      return parts > 1 ? { ...model, parts: 1, commits: commits + 1 } : model;
    case "materialize": {
      if (parts === 0) return model;
      const folded: Base = { version: number, rows: base.rows, values: shownValues(model) };
      return { ...model, base: folded, overlay: new Map(), parts: 0, commits: commits + 1 };
    }
    case "snapshot":
      return { ...model, snapshots: [...model.snapshots, [deed.label, base]], commits: commits + 1 };
    case "return": {
      const [, kept] = chosenSnapshot(model, deed) ?? [];
      return kept === undefined || kept.version === base.version
        ? model
        : { ...model, base: kept, commits: commits + 1 };
    }
  }
};

const importedRows = (batch: number): readonly number[] =>
  Array.from({ length: BATCH }, (_, n) => FIRST_IMPORTED + batch * BATCH + n);

const attachedRows = (
  { base }: Model,
  { every, at }: { readonly every: number; readonly at: number },
): readonly number[] => base.rows.filter((_, place) => place % every === at);

const shownValues = ({ base, overlay }: Model): readonly (number | null)[] =>
  base.rows.map((row, place) => overlay.get(row) ?? base.values[place] ?? null);

const chosenSnapshot = (
  { snapshots }: Model,
  { choice }: { readonly choice: number },
): Model["snapshots"][number] | undefined => snapshots[choice % snapshots.length];

/** Does the deed. `model` is the state before it. */
export const perform = async (root: WritableRoot, model: Model, deed: Deed): Promise<void> => {
  switch (deed.kind) {
    case "import": {
      const table = await csv(`sequence\n${importedRows(deed.batch).map(sequenceOf).join("\n")}\n`);
      await importRows(root, DATASET, table, { path: "input.csv", bioType: "dna", alphabet: "dna_4" });
      return;
    }
    case "attach": {
      const lines = attachedRows(model, deed).map((row) => `${sequenceOf(row)},${deed.value}\n`);
      const table = await csv(`sequence,n\n${lines.join("")}`);
      await attach(root, DATASET, table, { path: "input.csv", namespace: "kill", key: "sequence", overwrite: true });
      return;
    }
    case "delete":
      await deleteRows(root, DATASET, { ids: deed.rows.map(idOf) });
      return;
    case "restore":
      await restoreRows(root, DATASET, { ids: deed.rows.map(idOf) });
      return;
    case "state":
      await setState(root, DATASET, { ids: deed.rows.map(idOf), split: deed.split });
      return;
    case "register": {
      const { namespace, description } = deed;
      await registerNamespace(root, { namespace, columns: parseColumnSpecs(namespace, "n:int64"), description });
      return;
    }
    case "compact":
      if (model.parts > 1) await compactOverlay(root, DATASET, { namespace: "kill" });
      return;
    case "materialize":
      await materialize(root, DATASET, { overlays: "drop" });
      return;
    case "snapshot":
      await createSnapshot(root, DATASET, { label: deed.label });
      return;
    case "return": {
      const [label, kept] = chosenSnapshot(model, deed) ?? [];
      // The same rows may lie there under the name of another registry, which a commit or a dead one has stamped since: whether going back is a
      // change then, the model does not know.
      if (label === undefined || kept?.version === model.base.version) return;
      const entry = (await listSnapshots(root, DATASET)).find(({ name }) => name.endsWith(`-${label}.parquet`));
      if (entry === undefined) throw new Error(`the snapshot ${label} is not there`);
      await restoreSnapshot(root, DATASET, { name: entry.name });
      return;
    }
  }
};

/** A model and the number of the next deed, for the other process. */
export const textOf = (model: Model, number: number): string =>
  JSON.stringify({
    ...model,
    overlay: [...model.overlay],
    deleted: [...model.deleted],
    splits: [...model.splits],
    number,
  });

export const modelOf = (text: string): { readonly model: Model; readonly number: number } => {
  const { number, overlay, deleted, splits, ...rest }: Parsed = JSON.parse(text);
  const model = { ...rest, overlay: new Map(overlay), deleted: new Set(deleted), splits: new Map(splits) };
  return { model, number };
};

interface Parsed extends Omit<Model, "overlay" | "deleted" | "splits"> {
  readonly number: number;
  readonly overlay: readonly (readonly [number, number])[];
  readonly deleted: readonly number[];
  readonly splits: readonly (readonly [number, string])[];
}

/** A row as it is seen. */
export type SeenRow = readonly [row: number, n: number | null, split: string | null, deleted: boolean];

/** The rows of batches with the columns `sequence`, and where they are there, `kill__n`, `usr_state__split` and `usr__deleted`. */
export const seenRows = async (batches: AsyncIterable<Batch>): Promise<readonly SeenRow[]> => {
  const rows: SeenRow[] = [];
  for await (const batch of batches) {
    // Columns of overlays that nothing has been written to yet are not there.
    const columns = ["sequence", "kill__n", "usr_state__split", "usr__deleted"].map(
      (name) => batch.columns[batch.schema.fields.findIndex((field) => field.name === name)],
    );
    for (let row = 0; row < batch.numRows; row++) {
      const [sequence, n = null, split = null, gone] = columns.map((column) => column && valueAt(column, row));
      const number = numberOf(String(sequence));
      rows.push([number, n === null ? null : Number(n), split === null ? null : String(split), gone === true]);
    }
  }
  return rows;
};

/** The rows that a state holds, deleted ones too. */
export const expectedRows = (model: Model): readonly SeenRow[] => {
  const values = shownValues(model);
  return model.base.rows.map((row, place) => [
    row,
    values[place] ?? null,
    model.splits.get(row) ?? null,
    model.deleted.has(row),
  ]);
};

/** What a reader sees, as text to compare with {@link expected}. */
export const viewOf = async (root: WritableRoot): Promise<string> =>
  JSON.stringify(await seenRows(scan(root, DATASET, { includeDeleted: true })));

/** What a reader must see. */
export const expected = (model: Model): string => JSON.stringify(expectedRows(model));

/** A root on the disk, with the real clock. */
export const rootAt = (folder: string): WritableRoot => ({
  storage: diskStorage(folder),
  label: folder,
  clock: () => BigInt(Date.now()) * 1000n,
  random: (bytes) => randomBytes(bytes),
  actor: { tool: "test", run_id: "kill", host: "here", pid: process.pid },
  owner: { host: "here", pid: process.pid, command: "test" },
  lockTimeoutMs: 10_000,
});
