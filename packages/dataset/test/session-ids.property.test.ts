import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { DatasetError } from "../src/index.ts";
import { deleteRows, restoreRows } from "../src/records/index.ts";
import { openSession } from "../src/session/index.ts";
import { importRows, type WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import { demoRoot, importCsv, rowsOf, sequenceRows } from "./write-support.ts";

/** Few sequences, so that rows come twice, are stored already by this writer or by another, and are deleted. */
const POOL = Array.from({ length: 64 }, (_, n) => [0, 1, 2].map((i) => "ACGT"[(n >> (2 * i)) % 4]).join(""));
const STORED = POOL.slice(0, 12);
const sequence = fc.constantFrom(...POOL);
const some = fc.array(sequence, { minLength: 1, maxLength: 5 });
const old = fc.uniqueArray(fc.constantFrom(...STORED), { minLength: 1 });
const fresh = fc.uniqueArray(sequence, { minLength: 1, maxLength: 5 });

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("write"), sequences: fresh }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("write"), sequences: some }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("flush"), sequences: fc.constant([]) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("import"), sequences: fresh }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("delete", "delete", "restore"), sequences: old }) },
);

/** What another writer does. Rows that are there already are no matter. */
const elsewhere = async (root: WritableRoot, kind: string, sequences: readonly string[]): Promise<void> => {
  const ids = await idsOf(sequences);
  if (kind === "delete") await deleteRows(root, "demo", { ids, allowMissing: true });
  if (kind === "restore") await restoreRows(root, "demo", { ids, allowMissing: true });
  if (kind !== "import") return;
  const text = `sequence\n${sequences.join("\n")}\n`;
  await importCsv(root, "demo", text, { onConflict: "ignore" }).catch((error: unknown) => {
    expect(error).toMatchObject({ code: "DELETED_ID" });
  });
};

/** What an import or a flush does, as what is added to the dataset or as the error that it is. */
const outcome = async (
  act: () => Promise<{ readonly rows_added: number; readonly rows_skipped: number }>,
  firstRow: number,
): Promise<Outcome> => {
  try {
    const { rows_added: count, rows_skipped } = await act();
    return { kind: rows_skipped > 0 ? "some skipped" : "added", count, samples: [] };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    const details = error.details as { count: number; samples: Sample[] };
    const samples = details.samples.map(({ id, row, rows }) => ({
      id,
      rows: (rows ?? [row ?? 0]).map((at) => at - firstRow),
    }));
    return { kind: /twice|deleted here|stored already/.exec(error.message)![0], count: details.count, samples };
  }
};

interface Outcome {
  readonly kind: string;
  readonly count: number;
  readonly samples: readonly unknown[];
}

interface Sample {
  readonly id: string;
  readonly row?: number;
  readonly rows?: readonly number[];
}

it("a flush of a session does what an import of its rows does, also where ids are known from earlier flushes", async () => {
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.constantFrom("error", "ignore"),
      async (steps, onConflict) => {
        const [root, other] = [await demoRoot(), await demoRoot()];
        for (const at of [root, other]) await elsewhere(at, "import", STORED);
        const rules = { path: "model", bioType: "dna", alphabet: "dna_4", onConflict } as const;
        const session = openSession(root, "demo", { ...rules, flushRows: Number.POSITIVE_INFINITY });
        let waiting: string[] = [];
        let taken = 0;
        for (const { kind, sequences } of [...steps, { kind: "flush", sequences: [] }]) {
          if (kind === "write") {
            await session.write(sequenceRows(sequences));
            waiting.push(...sequences);
          } else if (kind === "flush") {
            const batch = sequenceRows(waiting);
            const table = {
              columns: undefined,
              async *batches() {
                if (batch.numRows > 0) yield { firstRow: 1, ...batch };
              },
            };
            const wanted = await outcome(() => importRows(other, "demo", table, rules), 1);
            const before = session.totals;
            const found = await outcome(async () => {
              await session.flush();
              const { rows_added, rows_skipped } = session.totals;
              return {
                rows_added: rows_added - before.rows_added,
                rows_skipped: rows_skipped - before.rows_skipped,
              };
            }, taken + 1);
            expect(found).toEqual(wanted);
            met.add(wanted.kind);
            if (wanted.kind !== "added" && wanted.kind !== "some skipped") break;
            taken += waiting.length;
            waiting = [];
          } else for (const at of [root, other]) await elsewhere(at, kind, sequences);
        }
        const stored = async (of: WritableRoot): Promise<unknown> =>
          (await rowsOf(of, "demo", { includeDeleted: true })).map((row) => row["sequence"]);
        expect(await stored(root)).toEqual(await stored(other));
      },
    ),
    { numRuns: testRuns(120) },
  );
  expect([...met].toSorted()).toEqual(["added", "deleted here", "some skipped", "stored already", "twice"]);
});
