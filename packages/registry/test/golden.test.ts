/// <reference types="node" />
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { canonicalRegistry, contractHash, parseRegistry, registryHash } from "@usr/registry";
import { GOLDEN_PATH } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { registryOf } from "../src/registry.ts";
import { USR_STATE } from "../src/reserved.ts";
import type { NamespaceEntry } from "../src/types.ts";
import { type Json, yamlOfJson } from "./json.ts";

const read = (path: string): string => readFileSync(GOLDEN_PATH + path, "utf8");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

interface VectorEntry {
  readonly owner: Json;
  readonly description: Json;
  readonly columns: NamespaceEntry["columns"];
}

interface Vector {
  readonly note: string;
  readonly registry?: { readonly namespaces: Readonly<Record<string, VectorEntry>> };
  readonly source?: string;
  readonly canonical: string;
  readonly sha256: string;
  readonly contract_hashes: Readonly<Record<string, string>>;
}

const { vectors }: { readonly vectors: readonly Vector[] } = JSON.parse(read("yaml-vectors.json"));

describe("canonical text of the golden documents", () => {
  it("has all of them", () => {
    expect(vectors.length).toBe(376);
  });

  it.each(vectors.map((vector, at) => [at, vector.note, vector] as const))("%i %s", async (_at, _note, vector) => {
    const given = vector.source ?? vector.canonical;
    const read = await parseRegistry(given);
    const registries = [read, await parseRegistry(canonicalRegistry(read))];
    if (vector.registry !== undefined) {
      const entries = Object.entries(vector.registry.namespaces).map(([namespace, entry]) => ({
        namespace,
        owner: yamlOfJson(entry.owner),
        description: yamlOfJson(entry.description),
        columns: entry.columns,
      }));
      registries.push(
        registryOf(entries.some(({ namespace }) => namespace === "usr_state") ? entries : [USR_STATE, ...entries]),
      );
    }
    for (const registry of registries) {
      expect(canonicalRegistry(registry)).toBe(vector.canonical);
      expect(await registryHash(registry)).toBe(vector.sha256);
      for (const [namespace, hash] of Object.entries(vector.contract_hashes)) {
        const entry = registry.namespaces.get(namespace);
        expect(entry && (await contractHash(entry))).toBe(hash);
      }
    }
  });
});

const roots = readdirSync(GOLDEN_PATH, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

interface Expected {
  readonly registry_hash: string;
  readonly canonical_sha256: string;
  readonly canonical_bytes: number;
  readonly contract_hashes: Readonly<Record<string, string>>;
  readonly frozen?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

describe("registries of the golden roots", () => {
  it("are found", () => {
    expect(roots.length).toBeGreaterThan(40);
  });

  it.each(roots)("%s", async (root) => {
    const expected: Expected = JSON.parse(read(`${root}/expected/registry.json`));
    const registry = await parseRegistry(read(`${root}/registry.yaml`));
    expect(await registryHash(registry)).toBe(expected.registry_hash);
    expect(sha256(canonicalRegistry(registry))).toBe(expected.canonical_sha256);
    expect(canonicalRegistry(registry).length).toBe(expected.canonical_bytes);
    const hashes = Array.from(registry.namespaces.values(), async (entry) => [
      entry.namespace,
      await contractHash(entry),
    ]);
    expect(Object.fromEntries(await Promise.all(hashes))).toEqual(expected.contract_hashes);
    for (const [dataset, frozen] of Object.entries(expected.frozen ?? {})) {
      for (const hash of Object.keys(frozen)) {
        const text = read(`${root}/${dataset}/_registry/registry.${hash}.yaml`);
        expect(await registryHash(await parseRegistry(text))).toBe(hash);
      }
    }
  });
});
