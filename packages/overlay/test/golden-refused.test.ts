import { goldenDatasets, goldenRoots } from "@usr/testkit";
import { expect, test } from "vitest";
import { assembleOverlay, buildKeyIndex, mergeOverlay, OverlayError } from "../src/index.ts";
import { goldenDataset } from "./support.ts";

/** What `error.json` may say beside code and gist. */
interface Expected {
  readonly code: string;
  readonly file?: string;
  readonly key?: string;
  readonly column?: string;
}

/** `UNSUPPORTED_VERSION` is about the base table, which is not read here. */
const refused = goldenRoots()
  .flatMap(goldenDatasets)
  .flatMap(({ root, dataset, error }): readonly (readonly [string, string, Expected])[] =>
    error === undefined || error.code === "UNSUPPORTED_VERSION" ? [] : [[root, dataset, error]],
  );

/** Opens, assembles and merges every overlay of a dataset; what it throws is the answer. */
async function readAll(root: string, dataset: string): Promise<void> {
  const { registry, entries, open, base } = await goldenDataset(root, dataset);
  for (const name of new Set(entries.map((entry) => entry.name))) {
    const group = entries.filter((entry) => entry.name === name);
    const parts = await open(group[0]!);
    const overlay = assembleOverlay(group, parts, registry.namespaces.get(parts[0]!.namespace));
    const batches = await base(overlay.key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"]);
    const index = await buildKeyIndex(overlay.key, batches);
    await using cursor = mergeOverlay(overlay, index, { columns: overlay.fields.map((field) => field.name) });
    await cursor.read(0, index.numRows);
  }
}

test("every refused root of the golden set is here", () => {
  expect(refused.length).toBe(10);
});

test.each(refused)("%s/%s", async (root, dataset, expected) => {
  const error = await readAll(root, dataset).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OverlayError)) throw error ?? new Error(`${root} was read`);
  expect(error.code).toBe(expected.code);
  if (expected.file !== undefined) expect(String(error.details["file"])).toContain(expected.file);
  if (expected.column !== undefined) expect(error.details["column"]).toBe(expected.column);
  if (expected.key !== undefined) expect(error.details["key"]).toBe(expected.key);
});
