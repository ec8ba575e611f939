import { describe, expect, test } from "vitest";
import type { WritableRoot } from "../src/write/index.ts";
import { baseBytes } from "./make.ts";
import { attachCsv, demoRoot, importCsv, refusal, rowsOf } from "./write-support.ts";

/** A dataset of dna with an overlay of that key. */
const keyed = async (key: "id" | "sequence" | "sequence_norm" | "sequence_ci"): Promise<WritableRoot> => {
  const root = await demoRoot();
  if (key === "id") await attachCsv(root, "demo", "id,score\n", { key });
  else await attachCsv(root, "demo", `${key},score\nAAAA,1\n`, { key, keyColumn: key });
  return root;
};

const PROTEIN = "sequence,bio_type,alphabet\nMKV,protein,protein_20\n";

describe.each([false, true])("an import beside overlays keyed by sequence, dry %s", (dryRun) => {
  test.each(["sequence", "sequence_norm", "sequence_ci"] as const)(
    "%s: another bio type is refused, with the row",
    async (key) => {
      const root = await keyed(key);
      const error = await refusal(root, () =>
        importCsv(root, "demo", `sequence\nACACAC\n`, { dryRun: true }).then(() =>
          importCsv(root, "demo", PROTEIN, { dryRun }),
        ),
      );
      expect(error).toMatchObject({
        code: "MULTIPLE_BIO_TYPES",
        details: { row: 1, value: "protein", bio_types: ["dna", "protein"], namespace: "mock", key },
      });
      expect(error.hint).toContain("a dataset of its own");
      await importCsv(root, "demo", "sequence\nACACAC\n");
      expect((await rowsOf(root, "demo"))[0]).toMatchObject({ sequence: "AAAA", mock__score: 1 });
    },
  );

  test("a key without letter case wants dna_4, and each sequence once but for case", async () => {
    const root = await keyed("sequence_ci");
    const other = "sequence,bio_type,alphabet\nACNT,dna,dna_5\n";
    expect(await refusal(root, () => importCsv(root, "demo", other, { dryRun }))).toMatchObject({
      code: "NOT_SUPPORTED",
      details: { row: 1, value: "dna_5", key: "sequence_ci" },
    });
    for (const text of ["sequence\naaaa\n", "sequence\nACACAC\nacacac\n"])
      expect(await refusal(root, () => importCsv(root, "demo", text, { dryRun }))).toMatchObject({
        code: "AMBIGUOUS_BASE_KEY",
      });
  });

  test("one keyed by id takes every bio type", async () => {
    const root = await keyed("id");
    expect(await importCsv(root, "demo", PROTEIN, { dryRun })).toMatchObject({ rows_added: 1 });
  });

  test("the first rows of an empty dataset say the bio type", async () => {
    const root = await keyed("sequence");
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences: [] }));
    expect(await refusal(root, () => importCsv(root, "demo", `${PROTEIN}ACGT,dna,dna_4\n`, { dryRun }))).toMatchObject({
      code: "MULTIPLE_BIO_TYPES",
      details: { row: 2, bio_types: ["protein", "dna"] },
    });
  });
});
