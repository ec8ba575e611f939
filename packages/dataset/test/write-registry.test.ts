/// <reference types="node" />
import { canonicalRegistry, parseColumnSpecs, parseRegistry, registryHash } from "@usr/registry";
import { memoryStorage } from "@usr/storage";
import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import {
  freezeRegistry,
  initDataset,
  materialize,
  type RegisterOptions,
  registerNamespace,
  type WritableRoot,
} from "../src/write/index.ts";
import { registryText } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  chunkBytes,
  cloneStorage,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const textAt = async (root: WritableRoot, path: string): Promise<string> =>
  Buffer.from((await bytesUnder(root.storage)).get(path) ?? "", "base64").toString("utf8");

const columns = (text: string, namespace = "mock"): Pick<RegisterOptions, "namespace" | "columns"> => ({
  namespace,
  columns: parseColumnSpecs(namespace, text),
});

const MOCK = "mock__score:float64,mock__tag:string,mock__vec:list<float64>";

describe("register", () => {
  it("the first registration makes the file, with usr_state; the same again changes no byte", async () => {
    const root = writableRoot();
    const first = await registerNamespace(root, { ...columns(MOCK), owner: "me", description: "a mock" });
    expect(first).toMatchObject({ namespace: "mock", created: true, changed: [] });
    const text = await textAt(root, "registry.yaml");
    const registry = await parseRegistry(text);
    expect([...registry.namespaces.keys()].sort()).toEqual(["mock", "usr_state"]);
    expect(text).toBe(canonicalRegistry(registry));
    expect(first.registry_hash).toBe(await registryHash(registry));
    expect(registry.problems).toEqual([]);
    const before = await bytesUnder(root.storage);
    for (const again of [
      columns(MOCK),
      { ...columns(MOCK), owner: "me" },
      { namespace: "mock" },
      columns(" mock__score : float64, mock__tag:string,mock__vec:list< float64 >"),
    ]) {
      expect(await registerNamespace(root, again)).toMatchObject({ created: false, changed: [] });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    }
    expect([...before.keys()]).toEqual(["registry.yaml"]);
  });

  it("columns at the end and other words are changes that need no --overwrite", async () => {
    const root = await demoRoot();
    expect(await registerNamespace(root, columns(`${MOCK},mock__n:int8`))).toMatchObject({ changed: ["columns"] });
    const said = await registerNamespace(root, { namespace: "mock", owner: "me", description: "what it is" });
    expect([...said.changed].sort()).toEqual(["description", "owner"]);
    expect(said.columns).toHaveLength(4);
    const kept = (await parseRegistry(await textAt(root, "registry.yaml"))).namespaces.get("mock");
    expect(kept).toMatchObject({ owner: "me", description: "what it is" });
  });

  it("a dataset that cannot be looked into is named", async () => {
    const root = await demoRoot();
    await root.storage.put("other/records.parquet", new Uint8Array(3));
    const change = { ...columns("mock__score:float32"), overwrite: true };
    const { code, message, hint } = await refusal(root, () => registerNamespace(root, change));
    expect([code, message.startsWith("whether the dataset other holds data")]).toEqual(["CORRUPT", true]);
    expect(hint).toContain("usr validate other");
    expect(await registerNamespace(root, { ...change, force: true })).toMatchObject({ created: false });
  });

  it("anything else needs --overwrite, and --force while a dataset holds data of the changed columns", async () => {
    for (const fold of [false, true]) {
      const root = await demoRoot();
      await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
      if (fold) await materialize(root, "demo");
      const changes: readonly (readonly [string, boolean])[] = [
        ["mock__score:float32,mock__tag:string,mock__vec:list<float64>", true],
        ["mock__tag:string,mock__vec:list<float64>", true],
        ["mock__score:float64,mock__tag:int8,mock__vec:list<float64>", false],
        ["mock__score:float64,mock__tag:string", false],
      ];
      for (const [text, held] of changes) {
        expect((await refusal(root, () => registerNamespace(root, columns(text)))).code).toBe("NAMESPACE_EXISTS");
        const trial: WritableRoot = { ...root, storage: await cloneStorage(root.storage) };
        const overwrite = (o: Partial<RegisterOptions> = {}): Promise<unknown> =>
          registerNamespace(trial, { ...columns(text), overwrite: true, ...o });
        if (held) {
          for (const dryRun of [true, false]) {
            const refused = await refusal(trial, () => overwrite({ dryRun }));
            expect(refused).toMatchObject({ code: "NAMESPACE_EXISTS", details: { datasets: ["demo"] } });
          }
          await overwrite({ force: true });
        } else await overwrite();
        expect((await parseRegistry(await textAt(trial, "registry.yaml"))).namespaces.get("mock")?.columns).toEqual(
          parseColumnSpecs("mock", text),
        );
      }
    }
  });

  it("refuses reserved, malformed and ambiguous names and bad types", async () => {
    const root = await demoRoot();
    for (const [namespace, text, code] of [
      ["usr", "usr__a:int8", "NAMESPACE_RESERVED"],
      ["usr_state", "usr_state__masked:bool", "NAMESPACE_RESERVED"],
      ["Mock", "Mock__a:int8", "NAMESPACE_INVALID"],
      ["mock__x", "mock__x__a:int8", "NAMESPACE_INVALID"],
      ["t", "t__a:timestamp[s]", "BAD_TYPE"],
      ["t", "t__a:struct<a:int64,>", "BAD_TYPE"],
    ] as const) {
      const refused = await refusal(root, async () => registerNamespace(root, columns(text, namespace)));
      expect(refused.code, `${namespace} ${text}`).toBe(code);
    }
    const missing = await refusal(root, () => registerNamespace(root, { namespace: "unheard" }));
    expect(missing.code).toBe("USAGE");
  });

  it("a dry run says what the run says", async () => {
    const root = await demoRoot();
    for (const request of [columns(MOCK), columns(`${MOCK},mock__n:int8`), columns("other__a:int8", "other")]) {
      const before = await bytesUnder(root.storage);
      const dry = await registerNamespace(root, { ...request, dryRun: true });
      expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
      expect(await registerNamespace(root, request)).toEqual(dry);
    }
    const fresh = writableRoot();
    await registerNamespace(fresh, { ...columns(MOCK), dryRun: true });
    expect((await bytesUnder(fresh.storage)).size).toBe(0);
  });

  it("two at once both land: the file is read under the lock", async () => {
    const root = await demoRoot();
    const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
    await Promise.all(
      names.map((name) => registerNamespace({ ...root, lockTimeoutMs: 20_000 }, columns(`${name}__a:int8`, name))),
    );
    const registry = await parseRegistry(await textAt(root, "registry.yaml"));
    expect([...registry.namespaces.keys()].sort()).toEqual([...names, "mock", "usr_state"].sort());
  });

  it("a registry that cannot be read is not written over", async () => {
    const root = await demoRoot();
    await root.storage.put("registry.yaml", new TextEncoder().encode("namespaces: [\n"));
    expect((await refusal(root, () => registerNamespace(root, columns("a__a:int8", "a")))).code).toBe(
      "REGISTRY_INVALID",
    );
    for (const act of [
      () => importCsv(root, "demo", "sequence\nAC\n"),
      () => initDataset(root, "new"),
      () => materialize(root, "demo"),
      () => freezeRegistry(root, "demo"),
    ])
      expect((await refusal(root, act)).code).toBe("REGISTRY_INVALID");
  });
});

describe("init", () => {
  it("leaves an empty base, its notes, the frozen registry and one event", async () => {
    const root = writableRoot();
    const { registry_hash: hash } = await registerNamespace(root, columns(MOCK));
    const found = await initDataset(root, "lab/run-1", { source: "the lab", notes: "first" });
    expect(found).toEqual({ dataset: "lab/run-1", path: "lab/run-1/records.parquet" });
    expect([...(await bytesUnder(root.storage)).keys()].sort()).toEqual([
      "lab/run-1/.events.log",
      `lab/run-1/_registry/registry.${hash}.yaml`,
      "lab/run-1/meta.md",
      "lab/run-1/records.parquet",
      "registry.yaml",
    ]);
    expect(await textAt(root, `lab/run-1/_registry/registry.${hash}.yaml`)).toBe(await textAt(root, "registry.yaml"));
    const file = await parquetAt(root.storage, found.path);
    const log = await eventsOf(root, "lab/run-1");
    expect(log.map(({ action }) => action)).toEqual(["registry_freeze", "init"]);
    const createdAt = log[1]!.timestamp_utc;
    expect(Object.fromEntries(file.schema.metadata)).toEqual({
      "usr:schema_version": "1",
      "usr:id_hash": "sha1_utf8_pipe",
      "usr:registry_hash": hash,
      "usr:dataset_created_at": createdAt,
    });
    expect(log[1]).toMatchObject({
      dataset: { name: "lab/run-1", root: "test-root" },
      args: { source: "the lab" },
      metrics: { rows: 0 },
      artifacts: { overlays: [] },
      fingerprint: { rows: 0, cols: 7, size_bytes: file.source.meta.size },
      registry_hash: hash,
      actor: root.actor,
    });
    const notes = await textAt(root, "lab/run-1/meta.md");
    expect(notes.split("\n").slice(0, 5)).toEqual([
      "name: lab/run-1",
      `created_at: ${createdAt}`,
      "source: the lab",
      "notes: first",
      "schema: USR v1",
    ]);
    expect(await rowsOf(root, "lab/run-1")).toEqual([]);
    expect((await validate(root, "lab/run-1")).problems).toEqual([]);
  });

  it("refuses taken, nested and illegal ids, a root without registry, notes of two lines", async () => {
    const bare = writableRoot();
    for (const dryRun of [true, false])
      expect((await refusal(bare, () => initDataset(bare, "demo", { dryRun }))).code).toBe("NO_REGISTRY");
    expect((await bytesUnder(bare.storage)).size).toBe(0);
    const root = await demoRoot();
    await initDataset(root, "lab/one");
    for (const dryRun of [true, false]) {
      for (const [id, code] of [
        ["demo", "DATASET_EXISTS"],
        ["lab/one", "DATASET_EXISTS"],
        ["demo/inside", "DATASET_EXISTS"],
        ["lab", "DATASET_EXISTS"],
        ["lab/one/two", "DATASET_ID_INVALID"],
        ["../x", "DATASET_ID_INVALID"],
        ["_x", "DATASET_ID_INVALID"],
        [".x", "DATASET_ID_INVALID"],
        ["archived", "DATASET_ID_INVALID"],
        ["a\\b", "DATASET_ID_INVALID"],
        ["", "DATASET_ID_INVALID"],
      ] as const)
        expect((await refusal(root, () => initDataset(root, id, { dryRun }))).code, id).toBe(code);
      expect((await refusal(root, () => initDataset(root, "two", { dryRun, notes: "a\nb" }))).code).toBe("USAGE");
    }
    const before = await bytesUnder(root.storage);
    expect(await initDataset(root, "lab/two", { dryRun: true })).toEqual({
      dataset: "lab/two",
      path: "lab/two/records.parquet",
    });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    expect(await initDataset(root, "lab/two")).toMatchObject({ dataset: "lab/two" });
  });
});

describe("freeze", () => {
  it("an unrelated edit stamps the base by copying bytes; parts stay valid and untouched", async () => {
    const root = await demoRoot();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    const rows = await rowsOf(root, "demo");
    const old = await parquetAt(root.storage, "demo/records.parquet");
    const { registry_hash: hash } = await registerNamespace(root, { namespace: "mock", description: "reworded" });
    expect((await validate(root, "demo")).ok).toBe(true);
    const before = await bytesUnder(root.storage);
    const dry = await freezeRegistry(root, "demo", { dryRun: true });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    const found = await freezeRegistry(root, "demo");
    expect(found).toEqual({ registry_hash: hash, path: `_registry/registry.${hash}.yaml`, updated: true });
    expect(dry).toEqual(found);
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([
      "demo/.events.log",
      `demo/${found.path}`,
      "demo/records.parquet",
    ]);
    const now = await parquetAt(root.storage, "demo/records.parquet");
    expect(await chunkBytes(now, 0)).toEqual(await chunkBytes(old, 0));
    expect(now.footer.rowGroups.map(({ chunks }) => chunks.map(({ start }) => start))).toEqual(
      old.footer.rowGroups.map(({ chunks }) => chunks.map(({ start }) => start)),
    );
    expect(now.schema.fields).toEqual(old.schema.fields);
    expect([...now.schema.metadata]).toEqual(
      [...old.schema.metadata].map(([key, value]) => [key, key === "usr:registry_hash" ? hash : value]),
    );
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
      action: "registry_freeze",
      args: { registry_hash: hash, snapshot: found.path, auto: false, updated: true },
      metrics: { updated: 1 },
      artifacts: { registry_snapshot: found.path },
      maintenance: { reason: "registry_freeze" },
      fingerprint: { rows: 6, cols: 7, size_bytes: now.source.meta.size },
    });
    expect(await rowsOf(root, "demo")).toEqual(rows);
    expect((await validate(root, "demo")).problems).toEqual([]);
    const done = await bytesUnder(root.storage);
    expect(await freezeRegistry(root, "demo")).toEqual({ ...found, updated: false });
    expect(await freezeRegistry(root, "demo", { dryRun: true })).toEqual({ ...found, updated: false });
    expect(changedPaths(done, await bytesUnder(root.storage))).toEqual([]);
  });

  it("a damaged frozen copy is mended, by freeze and by any commit", async () => {
    for (const damage of ["", "namespaces: {}\n", "namespaces:\n  mo"]) {
      for (const mend of [
        (root: WritableRoot) => freezeRegistry(root, "demo"),
        (root: WritableRoot) => importCsv(root, "demo", "sequence\nAC\n"),
        (root: WritableRoot) => attachCsv(root, "demo", "sequence,score\nAAAA,1\n"),
      ]) {
        const root = await demoRoot();
        const whole = await bytesUnder(root.storage);
        const path = [...whole.keys()].find((name) => name.includes("_registry/"))!;
        await root.storage.put(path, new TextEncoder().encode(damage));
        expect((await validate(root, "demo")).ok).toBe(false);
        await mend(root);
        expect((await bytesUnder(root.storage)).get(path)).toBe(whole.get(path));
        expect((await validate(root, "demo")).ok).toBe(true);
        const { artifacts } = (await eventsOf(root, "demo")).findLast(({ action }) => action === "registry_freeze")!;
        expect(artifacts).toEqual({ registry_snapshot: path.slice("demo/".length) });
      }
    }
  });

  it("needs a dataset of a known version, dry or not", async () => {
    const root = await demoRoot();
    for (const dryRun of [true, false]) {
      expect((await refusal(root, () => freezeRegistry(root, "other", { dryRun }))).code).toBe("DATASET_NOT_FOUND");
      expect((await refusal(root, () => freezeRegistry(root, "../demo", { dryRun }))).code).toBe("DATASET_ID_INVALID");
    }
    const { baseBytes } = await import("./make.ts");
    const file = await baseBytes({ sequences: ["AC"], metadata: { "usr:schema_version": "9" } });
    await root.storage.put("demo/records.parquet", file);
    for (const dryRun of [true, false])
      expect((await refusal(root, () => freezeRegistry(root, "demo", { dryRun }))).code).toBe("UNSUPPORTED_VERSION");
  });

  it("a registry of other hands is frozen in canonical form", async () => {
    const root = await demoRoot();
    const text = `# by hand\n${registryText({ mock: { mock__score: "float64" } })}`;
    await root.storage.put("registry.yaml", new TextEncoder().encode(text));
    const { path, registry_hash: hash } = await freezeRegistry(root, "demo");
    const registry = await parseRegistry(text);
    expect(await textAt(root, `demo/${path}`)).toBe(canonicalRegistry(registry));
    expect(hash).toBe(await registryHash(registry));
    expect(await textAt(root, "registry.yaml")).toBe(text);
  });
});

describe("locks", () => {
  it("a held lock ends in LOCKED with its owner, and nothing is changed", async () => {
    const root: WritableRoot = { ...(await demoRoot()), lockTimeoutMs: 20 };
    const acts: readonly (readonly [path: string, act: () => Promise<unknown>])[] = [
      ["demo/.usr.lock", () => importCsv(root, "demo", "sequence\nAC\n")],
      ["demo/.usr.lock", () => attachCsv(root, "demo", "sequence,score\nAAAA,1\n")],
      ["demo/.usr.lock", () => materialize(root, "demo")],
      ["demo/.usr.lock", () => freezeRegistry(root, "demo")],
      [".usr.lock", () => register(root, "late", "late__n:int8")],
    ];
    for (const [path, act] of acts) {
      await using _held = await root.storage.lock!(path, {});
      await root.storage.put(
        `${path}.owner`,
        new TextEncoder().encode('{"host":"there","pid":7,"command":"import","since":"then"}\n'),
      );
      const refused = await refusal(root, act);
      expect(refused.code).toBe("LOCKED");
      expect(refused.message).toContain("usr import (process 7 on there, since then)");
      expect(refused.message).toMatch(path === ".usr.lock" ? /^the registry of test-root is / : /^demo is /);
    }
    // The record of a writer that is gone says nothing: only the kernel's lock does.
    await importCsv(root, "demo", "sequence\nAC\n");
    expect(await root.storage.open("demo/.usr.lock.owner")).toBeUndefined();
    expect(await root.storage.open("demo/.usr.lock")).toBeDefined();
  });

  it("dry runs take no lock; a store without locks takes no writes", async () => {
    const root: WritableRoot = { ...(await demoRoot()), lockTimeoutMs: 20 };
    await using _held = await root.storage.lock!("demo/.usr.lock", {});
    expect(await importCsv(root, "demo", "sequence\nAC\n", { dryRun: true })).toMatchObject({ rows_added: 1 });
    expect(await attachCsv(root, "demo", "sequence,score\nAAAA,1\n", { dryRun: true })).toMatchObject({
      rows_matched: 1,
    });
    const { lock: _lock, ...lockless } = memoryStorage();
    const bare: WritableRoot = { ...writableRoot(), storage: lockless };
    expect((await refusal(bare, () => register(bare, "late", "late__n:int8"))).code).toBe("NOT_SUPPORTED");
  });

  it("writers of one dataset take turns; those of two do not wait for each other", async () => {
    const root: WritableRoot = { ...(await demoRoot()), lockTimeoutMs: 20_000 };
    await initDataset(root, "two");
    const sequences = Array.from({ length: 10 }, (_, i) => `AC${"A".repeat(i)}C`);
    await Promise.all(sequences.map((sequence) => importCsv(root, "demo", `sequence\n${sequence}\n`)));
    expect(
      (await rowsOf(root, "demo"))
        .map((row) => row["sequence"])
        .slice(6)
        .sort(),
    ).toEqual([...sequences].sort());
    await using _held = await root.storage.lock!("demo/.usr.lock", {});
    expect(await importCsv(root, "two", "sequence\nAC\n")).toMatchObject({ rows_added: 1 });
  });
});
