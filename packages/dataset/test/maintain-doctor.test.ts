/// <reference types="node" />
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAll, type Storage, StorageError } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { DeadError, faultStorage } from "@usr/storage/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { doctor } from "../src/maintain/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { FAULTS, healthyRoot } from "./faults.ts";
import { partBytes } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  cloneStorage,
  demoRoot,
  eventsOf,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const attach = (root: WritableRoot): Promise<unknown> => attachCsv(root, "demo", "sequence,score\nAAAA,1\nTGCA,2\n");

const codes = async (root: WritableRoot, repair = false): Promise<readonly (readonly [string, boolean])[]> =>
  (await doctor(root, "demo", { repair })).findings.map(({ code, repaired }) => [code, repaired]);

const text = async (storage: Storage, path: string): Promise<string> => {
  await using handle = (await storage.open(path))!;
  return new TextDecoder().decode(await readAll(handle));
};

test("a healthy dataset has no findings, and nothing is changed by looking or by repairing", async () => {
  const root = await demoRoot();
  await attach(root);
  const before = await bytesUnder(root.storage);
  expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
  expect(await doctor(root, "demo", { repair: true })).toEqual({ ok: true, findings: [] });
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
});

test("looking needs no registry, names it as missing, and sees files that cannot be read", async () => {
  const root = await demoRoot();
  await attach(root);
  await root.storage.put("demo/_derived/mock/part-broken.parquet", new Uint8Array());
  await root.storage.put("demo/_snapshots/pins.json", new TextEncoder().encode("{"));
  const broken = await doctor(root, "demo");
  expect(broken.ok).toBe(false);
  expect(broken.findings.map(({ severity, code, where }) => [severity, code, where])).toEqual([
    ["error", "CORRUPT", "_derived/mock/part-broken.parquet"],
    ["error", "CORRUPT", "_snapshots/pins.json"],
  ]);
  for (const { hint } of broken.findings) expect(hint).not.toBeNull();
  await root.storage.delete("demo/_derived/mock/part-broken.parquet");
  await root.storage.delete("demo/_snapshots/pins.json");
  await root.storage.delete("registry.yaml");
  expect(await doctor(root, "demo")).toMatchObject({ ok: false, findings: [{ code: "NO_REGISTRY" }] });
  await expect(doctor(root, "demo", { repair: true })).rejects.toMatchObject({ code: "NO_REGISTRY" });
});

test("a registry that cannot be read is a finding; repairing wants it back first", async () => {
  const root = await demoRoot();
  await attach(root);
  const registry = await text(root.storage, "registry.yaml");
  for (const broken of ["namespaces: [", "", "\u0000", "hello"]) {
    await root.storage.put("registry.yaml", new TextEncoder().encode(broken));
    const { ok, findings } = await doctor(root, "demo");
    expect(ok).toBe(false);
    expect(new Set(findings.map(({ code, where }) => `${code} ${where}`))).toEqual(
      new Set(["REGISTRY_INVALID registry.yaml", "NO_REGISTRY registry.yaml"]),
    );
    for (const { hint } of findings) expect(hint).toMatch(/\S/);
    await expect(doctor(root, "demo", { repair: true })).rejects.toMatchObject({ code: "REGISTRY_INVALID" });
  }
  await root.storage.put("registry.yaml", new TextEncoder().encode(registry));
  expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
});

test("wherever an attach dies: looking changes nothing, repairing leaves a healthy dataset with every event", async () => {
  const origin = (await demoRoot()).storage;
  const whole = faultStorage(await cloneStorage(origin));
  await attach(writableRoot(whole.storage, 7));
  const seen = new Set<string>();
  for (let n = 1; n <= whole.calls.length; n++) {
    const inner = await cloneStorage(origin);
    const dead = faultStorage(inner, { kind: "die", on: "after", failAt: n, shortWrite: true });
    await attach(writableRoot(dead.storage, 7)).catch((error: unknown) => {
      if (!(error instanceof Error) || !(error instanceof DeadError || error.cause instanceof DeadError)) throw error;
    });
    const root = writableRoot(inner, 99);
    const rows = await rowsOf(root, "demo");
    const before = await bytesUnder(inner);
    for (const [code] of await codes(root)) seen.add(code);
    expect(changedPaths(before, await bytesUnder(inner)), `call ${n}`).toEqual([]);
    const report = await doctor(root, "demo", { repair: true });
    expect(report.ok, `call ${n}`).toBe(true);
    expect(report.findings.filter(({ repairable, repaired }) => repairable && !repaired)).toEqual([]);
    // The line that was torn is kept, ended: no event any more, and said so.
    const left = (await doctor(root, "demo")).findings.map(({ code }) => code);
    expect(
      left.filter((code) => code !== "EVENT_INVALID"),
      `call ${n}`,
    ).toEqual([]);
    expect(await rowsOf(root, "demo")).toEqual(rows);
    const attached = (await eventsOf(root, "demo")).filter(({ action }) => action === "attach");
    expect(attached, `call ${n}`).toHaveLength(rows.some((row) => "mock__score" in row) ? 1 : 0);
  }
  expect([...seen].sort()).toEqual(["DEBRIS", "EVENT_TORN", "INTERRUPTED_COMMIT"]);
});

test("an event that is gone from the log is appended again under its id; torn lines are ended, foreign ones kept", async () => {
  const root = await demoRoot();
  await attach(root);
  const log = await text(root.storage, "demo/.events.log");
  const lines = log.trimEnd().split("\n");
  const lost: { readonly event_id: string } = JSON.parse(lines.at(-1)!);
  const mangled = `${lines.slice(0, -1).join("\n")}\nnot an event\n{"torn`;
  await root.storage.put("demo/.events.log", new TextEncoder().encode(mangled));
  expect(await doctor(root, "demo")).toMatchObject({ ok: false });
  expect(await codes(root, true)).toEqual([
    ["MISSING_EVENT", true],
    ["EVENT_INVALID", false],
    ["EVENT_TORN", true],
  ]);
  expect((await text(root.storage, "demo/.events.log")).startsWith(`${mangled}\n`)).toBe(true);
  const [recovered, own] = (await eventsOf(root, "demo")).slice(-2);
  expect(recovered).toMatchObject({
    action: "repair",
    event_id: lost.event_id,
    recovered: true,
    args: { namespace: "mock" },
  });
  expect(own).toMatchObject({ action: "repair", args: { repaired: ["MISSING_EVENT", "EVENT_TORN"] } });
});

test("a held lock and a late part are said, not touched", async () => {
  const root = await demoRoot();
  await root.storage.put("demo/.usr.lock.owner", new TextEncoder().encode('{"pid":7}'));
  {
    await using _held = await root.storage.lock!("demo/.usr.lock", {});
    expect((await doctor(root, "demo")).findings).toMatchObject([{ code: "LOCKED", severity: "warning", message: expect.stringContaining('"pid":7') }]); // biome-ignore format: a row
    await expect(doctor(root, "demo", { repair: true })).rejects.toMatchObject({ code: "LOCKED" });
  }
  const part = (createdAt: string, metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array> =>
    partBytes(
      "mock",
      "sequence",
      createdAt,
      { sequence: ["string", ["AAAA"]], mock__score: ["float64", [1]] },
      metadata,
    );
  const from = [{ name: "part-0.parquet", created_at: "2026-01-01T00:00:00Z", sha256: "0".repeat(64) }];
  const compacted = await part("2026-02-01T00:00:00.000000Z", { "usr:compacted_from": JSON.stringify(from) });
  await root.storage.put("demo/_derived/mock/part-1.parquet", compacted);
  await root.storage.put("demo/_derived/mock/part-2.parquet", await part("2026-01-02T00:00:00.000000Z"));
  const before = await bytesUnder(root.storage);
  const report = await doctor(root, "demo", { repair: true });
  expect(report.ok).toBe(false);
  expect(report.findings.map(({ code, repairable }) => [code, repairable])).toEqual([["LATE_PART", false]]);
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
});

describe("what can be mended is mended, and what it was is kept", () => {
  let healthy: Storage;
  beforeAll(async () => {
    healthy = (await healthyRoot()).storage;
  });
  const view = (root: WritableRoot): Promise<unknown> =>
    rowsOf(root, "demo", { includeDeleted: true }).catch((error: unknown) =>
      error instanceof Error && "code" in error ? error.code : error,
    );

  test.each(FAULTS.filter(({ where }) => where !== "registry.yaml"))("$name", async ({ plant }) => {
    const root = writableRoot(await cloneStorage(healthy), 99);
    await plant(root);
    const seen = await view(root);
    const bytes = await bytesUnder(root.storage);
    const plan = await doctor(root, "demo");
    expect(changedPaths(bytes, await bytesUnder(root.storage))).toEqual([]);
    const { findings } = await doctor(root, "demo", { repair: true });
    expect(findings.map(({ code, where, repairable }) => [code, where, repairable])).toEqual(
      plan.findings.map(({ code, where, repairable }) => [code, where, repairable]),
    );
    expect(findings.filter(({ repairable, repaired }) => repairable !== repaired)).toEqual([]);
    const again = await doctor(root, "demo", { repair: true });
    expect(again.findings.filter(({ repairable }) => repairable)).toEqual([]);
    // No value is lost or changed; what could not be read before may be readable now.
    if (typeof seen !== "string") expect(await view(root)).toEqual(seen);
    const kept = [...(await bytesUnder(root.storage))].map(([, content]) => content);
    for (const [path, content] of bytes)
      if (!path.endsWith(".events.log") && !path.includes("/pins.json")) expect(kept, path).toContain(content);
  });

  test("a folder, a file beside it, a frozen registry, pins and a commit record, all at once", async () => {
    const root = writableRoot(await cloneStorage(healthy), 99);
    const names = ["a folder named unlike its namespace", "a namespace in two places", "a frozen registry that was altered", "pins that cannot be read", "a torn last line of the log", "a commit that stopped half way"]; // biome-ignore format: a row
    for (const { name, plant } of FAULTS) if (names.includes(name)) await plant(root);
    await root.storage.put("demo/.staging/0193-0", new TextEncoder().encode("staged"));
    expect((await doctor(root, "demo", { repair: true })).findings.filter(({ repaired }) => repaired)).toHaveLength(7);
    expect(await doctor(root, "demo")).toMatchObject({ ok: true, findings: [{ code: "EVENT_INVALID" }] });
    expect((await validate(root, "demo")).ok).toBe(true);
    const archived = [...(await bytesUnder(root.storage, "demo/_derived/_archived/")).keys()].map((path) => path.replace(/.*repair-[^/]+\//, "")); // biome-ignore format: a row
    expect(
      archived.map((path) => path.replace(/[0-9a-f]{64}/, "HASH")).filter((path) => !path.startsWith("demo/")),
    ).toEqual(["_registry/registry.HASH.yaml", "_snapshots/pins.json", "staging/0193-0", "staging/pending.json"]);
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({ action: "repair" });
    expect(await attachCsv(root, "demo", "sequence,score\nAAAA,9\n", { overwrite: true })).toMatchObject({
      rows_matched: 1,
    });
  });
});

test("locks that keep nobody out are said loudly, and so are file systems without", async () => {
  const root = await demoRoot();
  const free = { [Symbol.asyncDispose]: async (): Promise<void> => {} };
  const open: WritableRoot = { ...root, storage: { ...root.storage, lock: async () => free } };
  expect(await doctor(open, "demo")).toMatchObject({ ok: false, findings: [{ code: "NOT_SUPPORTED", where: ".usr.lock", repairable: false }] }); // biome-ignore format: a row
  const none = async (): Promise<AsyncDisposable> => {
    throw new StorageError("NOT_SUPPORTED", "Cannot lock: flock said ENOLCK.");
  };
  expect(await doctor({ ...root, storage: { ...root.storage, lock: none } }, "demo")).toMatchObject({ ok: false, findings: [{ code: "NOT_SUPPORTED", message: "Cannot lock: flock said ENOLCK." }] }); // biome-ignore format: a row
});

test("temporaries beside the registry are found and go", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-doctor-"));
  const root = await demoRoot(diskStorage(folder));
  for (const path of [".registry.yaml.1.ab.tmp", "demo/..usr.lock.owner.1.ab.tmp"]) await writeFile(join(folder, path), "x"); // biome-ignore format: a row
  expect(await codes(root)).toEqual([["DEBRIS", false], ["DEBRIS", false]]); // biome-ignore format: a row
  expect((await doctor(root, "demo", { repair: true })).findings.every(({ repaired }) => repaired)).toBe(true);
  expect((await readdir(folder, { recursive: true })).filter((path) => path.endsWith(".tmp"))).toEqual([]);
  await rm(folder, { recursive: true });
});
