/// <reference types="node" />
import { sequenceId } from "@usr/id";
import { openPart } from "@usr/overlay";
import { formatType, type Schema, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { anyType, anyValue, testRuns } from "@usr/testkit";
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

// Random histories of verbs against a model that is nothing but plain words: rows in import order, and for each cell the newest value that
// is not NULL. After every step a scan is the model; a refused or dry step changes no byte; a step that changes something leaves one event.

const POOL = Array.from({ length: 24 }, (_, i) =>
  [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""),
);
const NAMES = ["alpha", "mock", "zeta"] as const;
const KEYS = ["id", "sequence", "sequence_norm", "sequence_ci"] as const;
type Key = (typeof KEYS)[number];

/** A namespace with all columns it will ever have, and for each column the values a history may write. */
interface Plan {
  readonly name: string;
  readonly key: Key;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly values: readonly Value[] }[];
}

type Step =
  | { readonly kind: "register"; readonly namespace: number; readonly columns: number }
  | { readonly kind: "init" }
  | { readonly kind: "import"; readonly rows: readonly number[]; readonly padded: boolean; readonly ignore: boolean }
  | {
      readonly kind: "attach";
      readonly namespace: number;
      readonly otherKey: Key | undefined;
      /** Column index and, for each row in turn, which of its values. */
      readonly columns: readonly (readonly [column: number, values: readonly number[]])[];
      readonly rows: readonly (readonly [row: number, spelling: "plain" | "padded" | "other case"])[];
      readonly overwrite: boolean;
      readonly allowMissing: boolean;
    }
  | {
      readonly kind: "materialize";
      readonly namespaces: readonly number[] | undefined;
      readonly overlays: "archive" | "drop" | "keep";
      readonly dropDeleted: boolean;
    }
  | { readonly kind: "mark"; readonly rows: readonly (readonly [row: number, deleted: boolean])[] };

interface History {
  readonly plans: readonly Plan[];
  readonly steps: readonly (readonly [step: Step, dryFirst: boolean, clock: number])[];
}

const VALUES = 6;

const plan = (name: string): fc.Arbitrary<Plan> =>
  fc.record({
    name: fc.constant(name),
    key: fc.constantFrom(...KEYS),
    columns: fc
      .array(
        anyType({ depth: 2 }).chain((type) =>
          fc.array(anyValue(type), { minLength: VALUES, maxLength: VALUES }).map((values) => ({ type, values })),
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((columns) =>
        columns.map(({ type, values }, i) => ({ name: `${name}__${"zyx"[i]}`, type: formatType(type), values })),
      ),
  });

const row = fc.nat(POOL.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("register" as const),
      namespace: fc.nat(2),
      columns: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "init" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("import" as const),
      rows: fc.array(row, { maxLength: 8 }),
      padded: fc.boolean(),
      ignore: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("attach" as const),
      namespace: fc.nat(2),
      otherKey: fc.option(fc.constantFrom(...KEYS), { nil: undefined, freq: 8 }),
      columns: fc.uniqueArray(fc.tuple(fc.nat(2), fc.array(fc.nat(VALUES - 1), { minLength: 10, maxLength: 10 })), {
        minLength: 1,
        maxLength: 3,
        selector: ([column]) => column,
      }),
      rows: fc.uniqueArray(fc.tuple(row, fc.constantFrom("plain", "plain", "padded", "other case")), {
        maxLength: 10,
        selector: ([index]) => index,
      }),
      overwrite: fc.constantFrom(true, true, false),
      allowMissing: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("materialize" as const),
      namespaces: fc.option(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 1 }),
      overlays: fc.constantFrom("archive", "drop", "keep"),
      dropDeleted: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("mark" as const),
      rows: fc.uniqueArray(fc.tuple(row, fc.boolean()), { minLength: 1, maxLength: 4, selector: ([index]) => index }),
    }),
  },
);

const history: fc.Arbitrary<History> = fc.record({
  plans: fc.tuple(...NAMES.map(plan)),
  // Less than the five minutes that two clocks may differ.
  steps: fc.array(fc.tuple(step, fc.boolean(), fc.integer({ min: -100_000_000, max: 100_000_000 })), {
    minLength: 4,
    maxLength: 14,
  }),
});

interface Part {
  readonly columns: readonly string[];
  readonly rows: ReadonlyMap<string, Readonly<Record<string, Value>>>;
}

/** What a dataset is, said plainly. Rows are named by their sequence. */
interface Model {
  rows: readonly { readonly sequence: string; readonly source: string }[];
  /** Columns folded into the base, in stored order: type, and values by row. */
  stored: readonly { readonly name: string; readonly type: string; readonly cells: ReadonlyMap<string, Value> }[];
  /** Oldest first. */
  overlays: Map<string, { readonly key: Key; readonly parts: readonly Part[] }>;
  registered: Map<string, number>;
  marks: Map<string, boolean> | undefined;
}

const REFUSED = "refused";

const startModel = (): Model => ({
  rows: [],
  stored: [],
  overlays: new Map(),
  registered: new Map([["alpha", 1]]),
  marks: undefined,
});

/** Columns of an overlay that are held, in registry order. */
const heldColumns = (model: Model, plan: Plan): Plan["columns"] => {
  const parts = model.overlays.get(plan.name)?.parts ?? [];
  return plan.columns.filter(({ name }) => parts.some((part) => part.columns.includes(name)));
};

/** The newest value that is not NULL. */
const cellOf = (model: Model, plan: Plan, name: string, sequence: string): Value => {
  for (const part of (model.overlays.get(plan.name)?.parts ?? []).toReversed()) {
    const value = part.rows.get(sequence)?.[name] ?? null;
    if (value !== null) return value;
  }
  return model.stored.find((column) => column.name === name)?.cells.get(sequence) ?? null;
};

interface Outcome {
  /** What the verb answers, as far as the model knows. */
  readonly result: Readonly<Record<string, unknown>>;
  readonly next: Model;
  /** The own event of the step; `undefined` = nothing changes and nothing is logged. */
  readonly event: { readonly action: string; readonly metrics: Readonly<Record<string, unknown>> } | undefined;
}

const predict = (model: Model, plans: readonly Plan[], step: Step): Outcome | typeof REFUSED => {
  switch (step.kind) {
    case "register": {
      const { name, columns } = plans[step.namespace]!;
      const count = Math.min(step.columns, columns.length);
      const before = model.registered.get(name) ?? 0;
      if (count < before) return REFUSED;
      const changed = before > 0 && count > before ? ["columns"] : [];
      return {
        result: { namespace: name, created: before === 0, changed },
        next: { ...model, registered: new Map(model.registered).set(name, count) },
        event: undefined,
      };
    }
    case "init":
      return REFUSED;
    case "import": {
      const sequences = step.rows.map((index) => POOL[index]!);
      const known = (sequence: string): boolean => model.rows.some((other) => other.sequence === sequence);
      if (new Set(sequences).size < sequences.length) return REFUSED;
      if (sequences.some((sequence) => model.marks?.get(sequence) === true)) return REFUSED;
      if (!step.ignore && sequences.some(known)) return REFUSED;
      const added = sequences.filter((sequence) => !known(sequence));
      const skipped = sequences.length - added.length;
      return {
        result: { rows_read: sequences.length, rows_added: added.length, rows_skipped: skipped },
        next: { ...model, rows: [...model.rows, ...added.map((sequence) => ({ sequence, source: "input.csv" }))] },
        event:
          added.length === 0
            ? undefined
            : { action: "import_rows", metrics: { rows_written: added.length, rows_skipped: skipped } },
      };
    }
    case "attach":
      return predictAttach(model, plans[step.namespace]!, step);
    case "materialize":
      return predictMaterialize(model, plans, step);
    case "mark": {
      const marks = step.rows.map(([index, deleted]) => [POOL[index]!, deleted] as const);
      return { result: {}, next: { ...model, marks: new Map(marks) }, event: undefined };
    }
  }
};

const predictAttach = (model: Model, plan: Plan, step: Extract<Step, { kind: "attach" }>): Outcome | typeof REFUSED => {
  const registered = model.registered.get(plan.name);
  const overlay = model.overlays.get(plan.name);
  const key = step.otherKey ?? plan.key;
  const columns = step.columns.flatMap(([index, values]) => {
    const column = plan.columns[index];
    return column === undefined ? [] : [{ ...column, index, chosen: values }];
  });
  if (registered === undefined || columns.some(({ index }) => index >= registered)) return REFUSED;
  if (overlay !== undefined && overlay.key !== key) return REFUSED;
  if (columns.length === 0) return REFUSED;
  const held = [...heldColumns(model, plan).map(({ name }) => name), ...model.stored.map(({ name }) => name)];
  if (!step.overwrite && columns.some(({ name }) => held.includes(name))) return REFUSED;
  const found = step.rows.flatMap(([index, spelling], i) => {
    const sequence = POOL[index]!;
    const strange = spelling === "other case" && key !== "sequence_ci";
    return strange || !model.rows.some((other) => other.sequence === sequence) ? [] : [[sequence, i] as const];
  });
  const missing = step.rows.length - found.length;
  if (missing > 0 && !step.allowMissing) return REFUSED;
  const names = plan.columns.map(({ name }) => name).filter((name) => columns.some((column) => column.name === name));
  const counts = { rows_incoming: step.rows.length, rows_matched: found.length, rows_missing: missing };
  const part: Part = {
    columns: names,
    rows: new Map(
      found.map(([sequence, i]) => [
        sequence,
        Object.fromEntries(columns.map(({ name, values, chosen }) => [name, values[chosen[i]!]!])),
      ]),
    ),
  };
  const parts = found.length === 0 ? overlay?.parts : [...(overlay?.parts ?? []), part];
  return {
    result: { namespace: plan.name, key, columns: names, ...counts },
    next: {
      ...model,
      overlays: parts === undefined ? model.overlays : new Map(model.overlays).set(plan.name, { key, parts }),
    },
    event: found.length === 0 ? undefined : { action: "attach", metrics: counts },
  };
};

const predictMaterialize = (
  model: Model,
  plans: readonly Plan[],
  step: Extract<Step, { kind: "materialize" }>,
): Outcome | typeof REFUSED => {
  const asked = step.namespaces?.map((index) => plans[index]!) ?? plans;
  if (step.namespaces !== undefined && asked.some(({ name }) => !model.overlays.has(name))) return REFUSED;
  const folded = [...asked].filter(({ name }) => model.overlays.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const columns = folded.flatMap((plan) => heldColumns(model, plan).map((column) => ({ ...column, plan })));
  const rows = model.rows.filter(({ sequence }) => !(step.dropDeleted && model.marks?.get(sequence) === true));
  const dropped = model.rows.filter((row) => !rows.includes(row)).map(({ sequence }) => sequence);
  const cells = ({ name, plan }: { readonly name: string; readonly plan: Plan }): ReadonlyMap<string, Value> =>
    new Map(rows.map(({ sequence }) => [sequence, cellOf(model, plan, name, sequence)]));
  const stored = [
    ...model.stored.map((column) => {
      const newer = columns.find(({ name }) => name === column.name);
      return newer === undefined ? column : { ...column, cells: cells(newer) };
    }),
    ...columns
      .filter(({ name }) => !model.stored.some((column) => column.name === name))
      .map((column) => ({ name: column.name, type: column.type, cells: cells(column) })),
  ];
  const overlays = new Map(model.overlays);
  if (step.overlays !== "keep") for (const { name } of folded) overlays.delete(name);
  const marks = new Map([...(model.marks ?? [])].filter(([sequence]) => !dropped.includes(sequence)));
  const nothing = folded.length === 0 && dropped.length === 0;
  return {
    result: {
      namespaces: folded.map(({ name }) => name),
      columns: columns.map(({ name }) => name),
      rows: rows.length,
      rows_dropped: dropped.length,
      overlays: folded.length === 0 ? "none" : { archive: "archived", drop: "dropped", keep: "kept" }[step.overlays],
    },
    next: {
      ...model,
      rows,
      stored,
      overlays,
      marks: model.marks && marks,
    },
    event: nothing
      ? undefined
      : {
          action: "materialize",
          metrics: { overlays: folded.length, rows: rows.length, rows_dropped: dropped.length },
        },
  };
};

/** Does a step with the real thing. */
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
