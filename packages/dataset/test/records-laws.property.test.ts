/// <reference types="node" />
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAll } from "@usr/storage";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import type * as records from "../src/records/index.ts";
import {
  clearState,
  deleteRows,
  type QcStatus,
  restoreRows,
  type SetStateOptions,
  type Split,
  setState,
} from "../src/records/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { A, C, cellsAt, IDS, SEQUENCES, STATE, sequences, stateOf, T, TYPES, typesAt, USR } from "./records-support.ts";
import { linesOf } from "./support.ts";
import { attachCsv, demoRoot, eventsOf, register } from "./write-support.ts";

type Step =
  | { readonly verb: "delete"; readonly ids: readonly string[]; readonly reason: string | undefined }
  | { readonly verb: "restore"; readonly ids: readonly string[] }
  | { readonly verb: "clear"; readonly ids: readonly string[] }
  | ({ readonly verb: "set"; readonly ids: readonly string[] } & Pick<
      SetStateOptions,
      "masked" | "qcStatus" | "split" | "supersedes" | "lineage"
    >);

const someIds = fc.array(fc.constantFrom(...IDS), { minLength: 1, maxLength: 4 });
const text = fc.string({ minLength: 1, maxLength: 6 }).filter((value) => value.trim() !== "");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ verb: fc.constant("delete" as const), ids: someIds, reason: fc.option(fc.string(), { nil: undefined }) }),
  fc.record({ verb: fc.constant("restore" as const), ids: someIds }),
  fc.record({ verb: fc.constant("clear" as const), ids: someIds }),
  fc
    .record({
      verb: fc.constant("set" as const),
      ids: someIds,
      masked: fc.option(fc.boolean(), { nil: undefined }),
      qcStatus: fc.option(fc.constantFrom<QcStatus>("pass", "fail", "warn", "unknown"), { nil: undefined }),
      split: fc.option(fc.constantFrom<Split>("train", "val", "test", "holdout"), { nil: undefined }),
      supersedes: fc.option(text, { nil: undefined }),
      lineage: fc.option(fc.array(text, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    })
    .filter(({ verb: _, ids: __, ...values }) => Object.values(values).some((value) => value !== undefined)),
);

interface Model {
  readonly deleted: Map<string, string | null>;
  readonly state: Map<string, readonly unknown[]>;
}

/** Applies a step to the model; the number of rows that it changes. */
const applied = (model: Model, made: Step): number => {
  let changed = 0;
  for (const id of new Set(made.ids)) {
    const state = model.state.get(id);
    if (made.verb === "delete") {
      if (model.deleted.has(id)) continue;
      model.deleted.set(id, made.reason ?? null);
    } else if (made.verb === "restore") {
      if (!model.deleted.delete(id)) continue;
    } else if (made.verb === "clear") {
      if (state === undefined || JSON.stringify(state.map((cell) => cell || null)) === "[null,null,null,null,null]")
        continue;
      model.state.set(id, [false, null, null, null, null]);
    } else {
      const said = [
        made.masked,
        made.qcStatus,
        made.split,
        made.supersedes?.trim(),
        made.lineage?.map((item) => item.trim()),
      ];
      const next = said.map((value, c) => value ?? state?.[c] ?? null);
      if (JSON.stringify(next) === JSON.stringify(state)) continue;
      model.state.set(id, next);
    }
    changed++;
  }
  return changed;
};

const run = (root: WritableRoot, made: Step): Promise<records.RecordResult> => {
  switch (made.verb) {
    case "delete":
      return deleteRows(root, "demo", made);
    case "restore":
      return restoreRows(root, "demo", made);
    case "clear":
      return clearState(root, "demo", made);
    case "set":
      return setState(root, "demo", made);
  }
};

describe("laws", () => {
  it("any history gives what a map gives, with one event for each change and none else", async () => {
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (history) => {
        const root = await demoRoot();
        const model: Model = { deleted: new Map(), state: new Map() };
        let events = (await eventsOf(root, "demo")).length;
        const base = await readAll((await root.storage.open("demo/records.parquet"))!);
        for (const made of history) {
          const rows = applied(model, made);
          expect((await run(root, made)).rows).toBe(rows);
          if (rows > 0) events++;
          if (rows > 0) changes++;
        }
        expect(await eventsOf(root, "demo")).toHaveLength(events);
        expect(await readAll((await root.storage.open("demo/records.parquet"))!)).toEqual(base);
        expect(await sequences(root)).toEqual(SEQUENCES.filter((_, i) => !model.deleted.has(IDS[i]!)));
        if ((await root.storage.open(USR)) !== undefined) {
          expect(await typesAt(root, USR)).toEqual(TYPES[USR]);
          const dead = (await cellsAt(root, USR)).filter(([, deleted]) => deleted === true);
          expect(new Map(dead.map(([id, , , reason]) => [id, reason]))).toEqual(model.deleted);
        }
        expect(await stateOf(root, IDS)).toEqual(
          IDS.map((id) => {
            const [masked, ...others] = model.state.get(id) ?? [null, null, null, null, null];
            return [id, masked === true, ...others];
          }),
        );
        if ((await root.storage.open(STATE)) !== undefined)
          expect(new Map((await cellsAt(root, STATE)).map(([id, ...cells]) => [id, cells]))).toEqual(model.state);
      }),
      { numRuns: testRuns(60) },
    );
    expect(changes).toBeGreaterThan(50);
  });

  it("delete then restore is the identity of the merged view", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,2,\n');
    await setState(root, "demo", { ids: [A, T], qcStatus: "pass" });
    const before = await linesOf(root, "demo");
    await fc.assert(
      fc.asyncProperty(someIds, async (ids) => {
        const { rows } = await deleteRows(root, "demo", { ids });
        expect(await linesOf(root, "demo")).toEqual(before.filter((line) => !ids.some((id) => line.includes(id))));
        expect((await restoreRows(root, "demo", { ids })).rows).toBe(rows);
        expect(await linesOf(root, "demo")).toEqual(before);
      }),
      { numRuns: testRuns(25) },
    );
  });

  it("a new registry is frozen with the change, and logged before it", async () => {
    const root = await demoRoot();
    await register(root, "late", "late__n:int8");
    await deleteRows(root, "demo", { ids: [A] });
    expect((await eventsOf(root, "demo")).slice(-2).map(({ action }) => action)).toEqual([
      "registry_freeze",
      "tombstone",
    ]);
    expect((await validate(root, "demo", { strict: true, mode: "current" })).problems).toEqual([]);
  });
});

const READ = `
import pyarrow.parquet as pq
def main(path):
    t = pq.read_table(path)
    return {"types": [str(f.type) for f in t.schema], "names": t.schema.names, "meta": sorted(k.decode() for k in t.schema.metadata), "rows": [[str(v) if hasattr(v, "isoformat") else v for v in r.values()] for r in t.to_pylist()]}
`;

describe.skipIf(oracle() === undefined)("pyarrow", () => {
  it("reads the files with the intended types", async () => {
    const root = await demoRoot();
    await deleteRows(root, "demo", { ids: [T, A], reason: "schlecht ü" });
    await restoreRows(root, "demo", { ids: [T] });
    await setState(root, "demo", { ids: [C, A], masked: true, lineage: ["p1", "p2"] });
    await setState(root, "demo", { ids: [C], split: "val" });
    const dir = await mkdtemp(join(tmpdir(), "usr-records-"));
    try {
      await using python = oracle()!.worker(READ);
      const seen = [];
      for (const path of [USR, STATE]) {
        const file = join(dir, "file.parquet");
        await writeFile(file, await readAll((await root.storage.open(path))!));
        seen.push(await python.ask(file));
      }
      expect(seen).toMatchObject([
        {
          types: ["string", "bool", "timestamp[us, tz=UTC]", "string"],
          names: ["id", "usr__deleted", "usr__deleted_at", "usr__deleted_reason"],
          rows: [
            [A, true, expect.stringMatching(/^2026-05-2\d .*\+00:00$/), "schlecht ü"],
            [T, false, null, null],
          ],
        },
        {
          types: ["string", "bool", "string", "string", "string", expect.stringMatching(/^list<\w+: string>$/)],
          rows: [
            [A, true, null, null, null, ["p1", "p2"]],
            [C, true, null, "val", null, ["p1", "p2"]],
          ],
        },
      ]);
      countComparisons("records", 2);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
