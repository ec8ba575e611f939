import { formatType, type Value } from "@usr/schema";
import { anyType, anyValue } from "@usr/testkit";
import fc from "fast-check";

// The plain model of random histories (write-laws): which steps there are, and what each should do to rows in import order and to cells.

export const POOL: readonly string[] = Array.from({ length: 24 }, (_, i) =>
  [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""),
);
const NAMES = ["alpha", "mock", "zeta"] as const;
const KEYS = ["id", "sequence", "sequence_norm", "sequence_ci"] as const;
type Key = (typeof KEYS)[number];

/** A namespace with all columns it will ever have, and for each column the values a history may write. */
export interface Plan {
  readonly name: string;
  readonly key: Key;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly values: readonly Value[] }[];
}

export type Step =
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

export interface History {
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

export const history: fc.Arbitrary<History> = fc.record({
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
export interface Model {
  rows: readonly { readonly sequence: string; readonly source: string }[];
  /** Columns folded into the base, in stored order: type, and values by row. */
  stored: readonly { readonly name: string; readonly type: string; readonly cells: ReadonlyMap<string, Value> }[];
  /** Oldest first. */
  overlays: Map<string, { readonly key: Key; readonly parts: readonly Part[] }>;
  registered: Map<string, number>;
  marks: Map<string, boolean> | undefined;
}

export const REFUSED = "refused";

export const startModel = (): Model => ({
  rows: [],
  stored: [],
  overlays: new Map(),
  registered: new Map([["alpha", 1]]),
  marks: undefined,
});

/** Columns of an overlay that are held, in registry order. */
export const heldColumns = (model: Model, plan: Plan): Plan["columns"] => {
  const parts = model.overlays.get(plan.name)?.parts ?? [];
  return plan.columns.filter(({ name }) => parts.some((part) => part.columns.includes(name)));
};

/** The newest value that is not NULL. */
export const cellOf = (model: Model, plan: Plan, name: string, sequence: string): Value => {
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

export const predict = (model: Model, plans: readonly Plan[], step: Step): Outcome | typeof REFUSED => {
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
