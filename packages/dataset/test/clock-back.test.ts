import { parseTimestamp } from "@usr/schema";
import { expect, test } from "vitest";
import { scan, validate } from "../src/index.ts";
import { compactOverlay, createSnapshot, doctor, listSnapshots } from "../src/maintain/index.ts";
import { setState } from "../src/records/index.ts";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  demoRoot,
  eventsOf,
  importCsv,
  parquetAt,
  refusal,
  register,
  rowsOf,
} from "./write-support.ts";

const HOUR_US = 3_600_000_000n;
const MINUTE_US = 60_000_000n;

/** The same root, on a machine whose clock is set by hand. */
const clocked = async (): Promise<{ readonly root: WritableRoot; readonly step: (us: bigint) => bigint }> => {
  const root = await demoRoot();
  let nowUs = root.clock();
  const step = (us: bigint): bigint => {
    nowUs += us;
    return nowUs;
  };
  return { root: { ...root, clock: () => step(1000n) }, step };
};

const createdAts = async (root: WritableRoot): Promise<readonly bigint[]> => {
  const events = (await eventsOf(root, "demo")).flatMap(({ event_id }) => event_id ?? []);
  const parts: { readonly event: number; readonly at: bigint }[] = [];
  for (const path of (await bytesUnder(root.storage, "demo/_derived/mock/")).keys()) {
    const { metadata } = (await parquetAt(root.storage, path)).schema;
    const at = parseTimestamp(metadata.get("usr:overlay_created_at")!)!.epochNs;
    parts.push({ event: events.indexOf(metadata.get("usr:event_id")!), at });
  }
  return parts.sort((a, b) => a.event - b.event).map(({ at }) => at);
};

test("a clock that goes back minutes between attaches: the last one still wins, times go up", async () => {
  const { root, step } = await clocked();
  for (let i = 0; i < 4; i++) {
    await attachCsv(root, "demo", `sequence,score\nAAAA,${i}\n`, { overwrite: true });
    step(-MINUTE_US);
  }
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 3 });
  const times = await createdAts(root);
  expect(times).toHaveLength(4);
  for (const [i, at] of times.entries()) if (i > 0) expect(at > times[i - 1]!).toBe(true);
  expect((await validate(root, "demo", { nowUs: root.clock() })).problems).toEqual([]);
});

test("an hour back: a part is refused, for it could not be newer than those of the future; the way out is said; later it works", async () => {
  const { root, step } = await clocked();
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  step(-HOUR_US);
  const again = (): Promise<unknown> => attachCsv(root, "demo", "sequence,score\nAAAA,2\n", { overwrite: true });
  expect(await refusal(root, again)).toMatchObject({ code: "CLOCK_SKEW", hint: expect.stringMatching(/clock/) });
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 1 });
  step(HOUR_US);
  await again();
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 2 });
});

test("an hour back: verbs that order nothing by time go on, and every commit has its own event", async () => {
  const { root, step } = await clocked();
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  await attachCsv(root, "demo", "sequence,score\nCCCC,2\n", { overwrite: true });
  const before = await eventsOf(root, "demo");
  step(-HOUR_US);
  await importCsv(root, "demo", "sequence\nACACAC\n");
  await setState(root, "demo", { ids: idsOf(["AAAA"]), masked: true });
  await register(root, "late", "late__n:int64");
  await attachCsv(root, "demo", "sequence,n\nAAAA,1\n", { namespace: "late" });
  await materialize(root, "demo", { namespaces: ["mock"] });
  const after = await eventsOf(root, "demo");
  expect(after.slice(0, before.length)).toEqual(before);
  expect(new Set(after.map(({ event_id }) => event_id)).size).toBe(after.length);
  expect(after.slice(before.length).map(({ action }) => action)).toEqual([
    "import_rows", "state_set", "registry_freeze", "attach", "materialize",
  ]); // biome-ignore format: a list
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 1, late__n: 1, usr_state__masked: true });
  expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
});

test("a compaction after the clock went back keeps the order of values", async () => {
  const { root, step } = await clocked();
  for (const score of [1, 2]) await attachCsv(root, "demo", `sequence,score\nAAAA,${score}\n`, { overwrite: true });
  step(-2n * MINUTE_US);
  await compactOverlay(root, "demo", { namespace: "mock" });
  await attachCsv(root, "demo", "sequence,score\nAAAA,3\n", { overwrite: true });
  expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 3 });
});

test("snapshots: the newest five stay, however the clock goes", async () => {
  const { root, step } = await clocked();
  const rows: number[] = [];
  for (let i = 0; i < 9; i++) {
    await attachCsv(root, "demo", `sequence,score\nAAAA,${i}\n`, { overwrite: true, namespace: "mock" });
    let stored = 0;
    for await (const { numRows } of scan(root, "demo", { columns: ["id"] })) stored += numRows;
    rows.push(stored);
    await materialize(root, "demo");
    await importCsv(root, "demo", `sequence\n${"C".repeat(i + 10)}\n`);
    step(-HOUR_US);
  }
  const kept = await listSnapshots(root, "demo");
  expect(kept.map((entry) => entry.rows)).toEqual(rows.slice(-5));
  const made = await createSnapshot(root, "demo");
  expect((await listSnapshots(root, "demo")).at(-1)?.name).toBe(made.name);
  const names = (await listSnapshots(root, "demo")).map(({ name }) => name);
  expect(names).toEqual([...names].sort());
});
