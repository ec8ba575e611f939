/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { openPart } from "@usr/overlay";
import { formatType, type Schema, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { scan, validate } from "../src/index.ts";
import { BASE_FIELDS } from "../src/layout.ts";
import type { Query } from "../src/types.ts";
import {
  type AttachOptions,
  attach,
  importRows,
  initDataset,
  type MaterializeOptions,
  materialize,
  registerNamespace,
  type WritableRoot,
} from "../src/write/index.ts";
import type { Cells } from "./make.ts";
// Random histories of verbs against a model that is nothing but plain words: rows in import order, and for each cell the newest value that
// is not NULL. After every step a scan is the model; a refused or dry step changes no byte; a step that changes something leaves one event.
import {
  cellOf,
  type History,
  heldColumns,
  history,
  type Model,
  type Plan,
  POOL,
  predict,
  REFUSED,
  type Step,
  startModel,
} from "./write-laws-model.ts";
import {
  bytesUnder,
  changedPaths,
  csv,
  eventsOf,
  parquetAt,
  putTombstones,
  typedTable,
  writableRoot,
} from "./write-support.ts";

const perform = async (root: WritableRoot, plans: readonly Plan[], step: Step, dryRun: boolean): Promise<unknown> => {
  switch (step.kind) {
    case "register": {
      const { name, columns } = plans[step.namespace]!;
      return registerNamespace(root, {
        namespace: name,
        columns: columns.slice(0, step.columns).map((column) => ({ name: column.name, type: column.type })),
        dryRun,
      });
    }
    case "init":
      return initDataset(root, "demo", { dryRun });
    case "import": {
      const lines = step.rows.map((index) => (step.padded ? `"\t${POOL[index]}\u2003"\n` : `${POOL[index]}\n`));
      return importRows(root, "demo", await csv(`sequence\n${lines.join("")}`), {
        path: "input.csv",
        bioType: "dna",
        alphabet: "dna_4",
        onConflict: step.ignore ? "ignore" : "error",
        dryRun,
      });
    }
    case "attach": {
      const plan = plans[step.namespace]!;
      const key = step.otherKey ?? plan.key;
      const keys = step.rows.map(([index, spelling]) => {
        const text = key === "id" ? sequenceId("dna", POOL[index]!) : POOL[index]!;
        if (spelling === "padded") return `\u00a0${text} \n`;
        if (spelling === "plain") return text;
        return key === "id" ? text.toUpperCase() : text.toLowerCase();
      });
      const cells: Record<string, readonly [string, Cells]> = { key: ["string", keys] };
      for (const [i, [index, chosen]] of step.columns.entries()) {
        const column = plan.columns[index];
        if (column === undefined) continue;
        // The prefix may be left out.
        const name = i % 2 === 0 ? column.name : column.name.slice(plan.name.length + 2);
        cells[name] = [column.type, keys.map((_, row) => column.values[chosen[row]!]!)];
      }
      const o: AttachOptions = {
        path: "input.parquet",
        namespace: plan.name,
        key,
        keyColumn: "key",
        allowMissing: step.allowMissing,
        overwrite: step.overwrite,
        dryRun,
      };
      return attach(root, "demo", await typedTable(cells), o);
    }
    case "materialize": {
      const o: MaterializeOptions = {
        namespaces: step.namespaces?.map((index) => plans[index]!.name),
        overlays: step.overlays,
        dropDeleted: step.dropDeleted,
        dryRun,
      };
      return materialize(root, "demo", o);
    }
    case "mark":
      if (!dryRun) {
        await putTombstones(
          root,
          "demo",
          Object.fromEntries(step.rows.map(([index, deleted]) => [POOL[index]!, deleted])),
        );
      }
      return {};
  }
};

/** A value as text in which different values differ: bigints from numbers, zeros by sign, NaN, missing. */
const show = (value: Value): string => {
  if (value === null) return "null";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(show).join()}]`;
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}:${show(inner)}`)
    .join()}}`;
};

const isList = (value: object): value is readonly Value[] => Array.isArray(value);

interface Seen {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const scanned = async (root: WritableRoot, query: Query): Promise<Seen> => {
  let schema: Schema | undefined;
  const rows: string[][] = [];
  for await (const batch of scan(root, "demo", query)) {
    schema = batch.schema;
    for (let i = 0; i < batch.numRows; i++) rows.push(batch.columns.map((column) => show(valueAt(column, i))));
  }
  return { columns: schema?.fields.map(({ name, type }) => `${name}: ${formatType(type)}`) ?? [], rows };
};

/** What a scan must give, by the words of the rule. `created_at` is left to other tests. */
const expected = (model: Model, plans: readonly Plan[]): Seen => {
  const columns: { readonly label: string; readonly cell: (sequence: string, at: number) => Value }[] =
    BASE_FIELDS.filter(({ name }) => name !== "created_at").map(({ name, type }) => ({
      label: `${name}: ${formatType(type)}`,
      cell: (sequence, at) =>
        ({
          id: sequenceId("dna", sequence),
          bio_type: "dna",
          sequence,
          alphabet: "dna_4",
          length: sequence.length,
          source: model.rows[at]!.source,
        })[name]!,
    }));
  const planOf = (name: string): Plan => plans.find((plan) => name.startsWith(`${plan.name}__`))!;
  for (const { name, type } of model.stored)
    columns.push({ label: `${name}: ${type}`, cell: (sequence) => cellOf(model, planOf(name), name, sequence) });
  for (const namespace of [...model.overlays.keys(), ...(model.marks === undefined ? [] : ["usr"])].sort()) {
    if (namespace === "usr") {
      columns.push({ label: "usr__deleted: bool", cell: (sequence) => model.marks?.get(sequence) ?? null });
      continue;
    }
    const plan = plans.find(({ name }) => name === namespace)!;
    for (const { name, type } of heldColumns(model, plan)) {
      if (model.stored.some((column) => column.name === name)) continue;
      columns.push({ label: `${name}: ${type}`, cell: (sequence) => cellOf(model, plan, name, sequence) });
    }
  }
  return {
    columns: model.rows.length === 0 ? [] : columns.map(({ label }) => label),
    rows: model.rows.map(({ sequence }, at) => columns.map(({ cell }) => show(cell(sequence, at)))),
  };
};

const compare = async (root: WritableRoot, model: Model, plans: readonly Plan[]): Promise<void> => {
  const want = expected(model, plans);
  const found = await scanned(root, { includeDeleted: true });
  const kept = found.columns.flatMap((label, i) => (/^(created_at|usr__deleted_)/.test(label) ? [] : [i]));
  expect({
    columns: kept.map((i) => found.columns[i]),
    rows: found.rows.map((row) => kept.map((i) => row[i])),
  }).toEqual(want);
  const shown = await scanned(root, { columns: ["sequence"] });
  const visible = model.rows.filter(({ sequence }) => model.marks?.get(sequence) !== true);
  expect(shown.rows.flat()).toEqual(visible.map(({ sequence }) => show(sequence)));
};

/** Parts of a namespace as instants; their order must be the order of writing. */
const stampsOf = async (root: WritableRoot, namespace: string): Promise<ReadonlyMap<string, bigint>> => {
  const stamps = new Map<string, bigint>();
  for await (const { path } of root.storage.list(`demo/_derived/${namespace}/`))
    stamps.set(path, (await openPart((await parquetAt(root.storage, path)).source, { path })).createdAt);
  return stamps;
};

const actions = new Set<string>();
const counts = { steps: 0, refused: 0, changes: 0, nothing: 0, dry: 0 };

const play = async ({ plans, steps }: History): Promise<void> => {
  let now = 0n;
  const root: WritableRoot = { ...writableRoot(), clock: () => 1_780_000_000_000_000n + now };
  let model = startModel();
  await perform(root, plans, { kind: "register", namespace: 0, columns: 1 }, false);
  await initDataset(root, "demo");
  let frozen = [...model.registered].join();

  for (const [step, dryFirst, clock] of steps) {
    now = BigInt(clock);
    counts.steps++;
    const outcome = predict(model, plans, step);
    const before = await bytesUnder(root.storage);
    const log = await eventsOf(root, "demo");
    const unchanged = async (): Promise<void> =>
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    if (outcome === REFUSED) {
      counts.refused++;
      for (const dryRun of [true, false]) {
        const error = await perform(root, plans, step, dryRun).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error, "refused").toMatchObject({ code: expect.any(String) });
        await unchanged();
      }
      continue;
    }
    let dry: unknown;
    if (dryFirst && step.kind !== "mark") {
      counts.dry++;
      dry = await perform(root, plans, step, true);
      expect(dry).toMatchObject(outcome.result);
      await unchanged();
    }
    const stamps =
      step.kind === "attach" ? await stampsOf(root, plans[step.namespace]!.name) : new Map<string, bigint>();
    const result = await perform(root, plans, step, false);
    expect(result).toMatchObject(outcome.result);
    if (dry !== undefined)
      expect(dry).toEqual(step.kind === "attach" ? Object.assign({}, result, { part: null }) : result);
    model = outcome.next;
    await compare(root, model, plans);

    const fresh = (await eventsOf(root, "demo")).slice(log.length);
    const own = fresh.filter(({ action }) => action !== "registry_freeze");
    if (outcome.event === undefined) {
      expect(fresh).toEqual([]);
      if (step.kind !== "register" && step.kind !== "mark") await unchanged();
      counts.nothing++;
    } else {
      counts.changes++;
      actions.add(outcome.event.action);
      const registry = [...model.registered].join();
      expect(fresh.map(({ action }) => action)).toEqual(
        registry === frozen ? [outcome.event.action] : ["registry_freeze", outcome.event.action],
      );
      frozen = registry;
      expect(own[0]).toMatchObject(outcome.event);
      expect(own[0]!["metrics"]).toEqual(outcome.event.metrics);
    }
    if (step.kind === "attach" && outcome.event !== undefined) {
      const newest = [...stamps.values()].reduce((a, b) => (a > b ? a : b), 0n);
      const added = [...(await stampsOf(root, plans[step.namespace]!.name))].filter(([path]) => !stamps.has(path));
      expect(added).toHaveLength(1);
      expect(added[0]![1] > newest).toBe(true);
    }
  }
  const { problems } = await validate(root, "demo");
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
};

test("random histories: a scan is the model after every step", { timeout: 600_000 }, async () => {
  await fc.assert(fc.asyncProperty(history, play), { numRuns: testRuns(200) });
  // All kinds of steps came up, in numbers. How many change something depends on the seed: about a tenth.
  expect(counts.changes).toBeGreaterThan(counts.steps / 20);
  if (testRuns(200) >= 200) expect([...actions].sort()).toEqual(["attach", "import_rows", "materialize"]);
  expect(counts.refused).toBeGreaterThan(0);
  expect(counts.dry).toBeGreaterThan(0);
  expect(counts.nothing).toBeGreaterThan(0);
});
