/// <reference types="node" />
import { randomBytes } from "node:crypto";
import { sequenceId } from "@usr/id";
import { parseColumnSpecs } from "@usr/registry";
import { valueAt } from "@usr/schema/columns";
import { diskStorage } from "@usr/storage/node";
import { scan } from "../../src/index.ts";
import { compactOverlay } from "../../src/maintain/index.ts";
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
  | { readonly kind: "register"; readonly description: string };

/** What a reader must see: plain values by row number, no cleverness. */
export interface Model {
  readonly batches: readonly number[];
  readonly values: readonly (number | null)[];
  readonly deleted: ReadonlySet<number>;
  readonly splits: ReadonlyMap<number, string>;
  /** Values newer than those in the base, in how many parts. */
  readonly parts: number;
  /** Events that the log must hold. */
  readonly commits: number;
}

/** 24 letters that spell a number. */
export const sequenceOf = (row: number): string =>
  Array.from({ length: 24 }, (_, digit) => "ACGT"[Math.floor(row / 4 ** (digit % 12)) % 4]).join("");

const idOf = (row: number): string => sequenceId("dna", sequenceOf(row));

export const BATCH = 16;

const LAST_IMPORT = 200;

export const deedOf = (seed: number, number: number, baseRows: number): Deed => {
  let state = (Math.imul(seed, 2_654_435_761) ^ Math.imul(number, 40_503)) >>> 0;
  const choose = (n: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  choose(1);
  const kind = choose(20);
  const rows = [...new Set(Array.from({ length: 8 }, () => choose(Math.min(baseRows, 400))))];
  // A long history goes on without growing: what a read costs must not depend on how long ago it began.
  if (kind < 8 || (kind < 11 && number >= LAST_IMPORT)) {
    const every = 2 + choose(40);
    return { kind: "attach", every, at: choose(every), value: number };
  }
  if (kind < 11) return { kind: "import", batch: number };
  if (kind < 13) return { kind: "delete", rows };
  if (kind < 15) return { kind: "restore", rows };
  if (kind < 17) return { kind: "state", rows, split: choose(2) === 0 ? "train" : "test" };
  if (kind === 17) return { kind: "register", description: `as of deed ${number}` };
  return { kind: kind === 18 ? "materialize" : "compact" };
};

/** The model after a deed. */
export const told = (model: Model, deed: Deed): Model => {
  const { commits, parts } = model;
  switch (deed.kind) {
    case "import": {
      const values = [...model.values, ...Array.from({ length: BATCH }, () => null)];
      return { ...model, batches: [...model.batches, deed.batch], values, commits: commits + 1 };
    }
    case "attach": {
      const values = model.values.map((value, row) => (row % deed.every === deed.at ? deed.value : value));
      return { ...model, values, parts: parts + 1, commits: commits + 1 };
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
    case "materialize":
      return parts > 0 ? { ...model, parts: 0, commits: commits + 1 } : model;
  }
};

/** Row number → sequence, given which batches have been imported after the first rows. */
export const rowSequence = (model: Pick<Model, "batches">, baseRows: number, row: number): string => {
  if (row < baseRows) return sequenceOf(row);
  const batch = model.batches[Math.floor((row - baseRows) / BATCH)] ?? 0;
  return sequenceOf(10_000_000 + batch * BATCH + ((row - baseRows) % BATCH));
};

/** Does the deed. `model` is the state before it. */
export const perform = async (root: WritableRoot, model: Model, baseRows: number, deed: Deed): Promise<void> => {
  switch (deed.kind) {
    case "import": {
      const after = told(model, deed);
      const rows = Array.from({ length: BATCH }, (_, n) => rowSequence(after, baseRows, model.values.length + n));
      const table = await csv(`sequence\n${rows.join("\n")}\n`);
      await importRows(root, DATASET, table, { path: "input.csv", bioType: "dna", alphabet: "dna_4" });
      return;
    }
    case "attach": {
      const lines: string[] = ["sequence,n"];
      for (let row = deed.at; row < model.values.length; row += deed.every)
        lines.push(`${rowSequence(model, baseRows, row)},${deed.value}`);
      const table = await csv(`${lines.join("\n")}\n`);
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
    case "register":
      await registerNamespace(root, {
        namespace: "other",
        columns: parseColumnSpecs("other", "n:int64"),
        description: deed.description,
      });
      return;
    case "compact":
      if (model.parts > 1) await compactOverlay(root, DATASET, { namespace: "kill" });
      return;
    case "materialize":
      await materialize(root, DATASET, { overlays: "drop" });
      return;
  }
};

/** A model and the number of the next deed, for the other process. */
export const textOf = (model: Model, number: number): string =>
  JSON.stringify({ ...model, deleted: [...model.deleted], splits: [...model.splits], number });

export const modelOf = (text: string): { readonly model: Model; readonly number: number } => {
  const { number, deleted, splits, ...rest }: Parsed = JSON.parse(text);
  return { model: { ...rest, deleted: new Set(deleted), splits: new Map(splits) }, number };
};

interface Parsed extends Omit<Model, "deleted" | "splits"> {
  readonly number: number;
  readonly deleted: readonly number[];
  readonly splits: readonly (readonly [number, string])[];
}

/** What a reader sees, as text to compare with {@link expected}. Columns of overlays that nothing has been written to yet are not there. */
export const viewOf = async (root: WritableRoot): Promise<string> => {
  const values: unknown[] = [];
  const deleted: number[] = [];
  const splits: (readonly [number, unknown])[] = [];
  for await (const batch of scan(root, DATASET, { includeDeleted: true })) {
    const columns = ["kill__n", "usr__deleted", "usr_state__split"].map(
      (name) => batch.columns[batch.schema.fields.findIndex((field) => field.name === name)],
    );
    for (let row = 0; row < batch.numRows; row++) {
      const at = values.length;
      const [n = null, gone, split = null] = columns.map((column) => column && valueAt(column, row));
      values.push(n === null ? null : Number(n));
      if (gone === true) deleted.push(at);
      if (split !== null) splits.push([at, split]);
    }
  }
  return JSON.stringify([values, deleted, splits]);
};

/** What a reader must see. */
export const expected = (model: Model): string =>
  JSON.stringify([model.values, [...model.deleted].sort((a, b) => a - b), [...model.splits].sort(([a], [b]) => a - b)]);

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
