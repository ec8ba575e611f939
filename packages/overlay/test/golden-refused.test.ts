/// <reference types="node" />
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRegistry } from "@usr/registry";
import { expect, test } from "vitest";
import { assembleOverlay, buildKeyIndex, mergeOverlay, OverlayError } from "../src/index.ts";
import { GOLDEN, goldenDataset } from "./support.ts";

interface Expected {
  readonly dataset: string;
  readonly code: string;
  readonly namespace?: string;
  readonly file?: string;
  readonly key?: string;
  readonly column?: string;
}

/** Roots whose base is refused, not an overlay. */
const OF_THE_BASE = ["refuse-id-hash", "refuse-schema-version"];
const roots = readdirSync(GOLDEN).filter((name) => name.startsWith("refuse-") && !OF_THE_BASE.includes(name));

/** Opens, assembles and merges every overlay of a dataset; what it throws is the answer. */
async function readAll(root: string, dataset: string): Promise<void> {
  const registry = await parseRegistry(await readFile(join(GOLDEN, root, "registry.yaml"), "utf8"));
  const { entries, open, base } = await goldenDataset(root, dataset);
  const byNamespace = Map.groupBy(entries, (entry) => entry.name);
  for (const group of byNamespace.values()) {
    const parts = await open(group[0]!);
    const overlay = assembleOverlay(group, parts, registry.namespaces.get(parts[0]!.namespace));
    const batches = await base(overlay.key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"]);
    const index = await buildKeyIndex(overlay.key, batches);
    await using cursor = mergeOverlay(overlay, index, { columns: overlay.fields.map((field) => field.name) });
    await cursor.read(0, index.numRows);
  }
}

test("every refused root of the golden set is here", () => {
  expect(roots.length).toBe(10);
});

test.each(roots)("%s", async (root) => {
  const expected: Expected = JSON.parse(await readFile(join(GOLDEN, root, "expected", "error.json"), "utf8"));
  const error = await readAll(root, expected.dataset).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OverlayError)) throw error ?? new Error(`${root} was read`);
  expect(error.code).toBe(expected.code);
  if (expected.file !== undefined) expect(String(error.details["file"])).toMatch(expected.file);
  if (expected.column !== undefined) expect(error.details["column"]).toBe(expected.column);
  if (expected.key !== undefined) expect(error.details["key"]).toBe(expected.key);
});
