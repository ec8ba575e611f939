import { tailEvents } from "@usr/events";
import { readAll, scopedStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { doctor, gardenEventLog } from "../src/maintain/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  historyOf,
  importCsv,
  refusal,
} from "./write-support.ts";

const LOG = "demo/.events.log";

const textAt = async (root: WritableRoot, path: string): Promise<string> => {
  const handle = await root.storage.open(path);
  if (handle === undefined) return "";
  await using opened = handle;
  return new TextDecoder().decode(await readAll(opened));
};

const archives = async (root: WritableRoot): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/.events.archive/")) found.push(path);
  return found;
};

test("whatever a log holds: archive and log are the old log, cut where asked", { timeout: 600_000 }, async () => {
  const line = fc.oneof(
    fc.constantFrom('{"event":"cluster_attach"}', "", "no json", "é\u2028ß", '{"a":\r', "\r"),
    fc.stringMatching(/^[ -~]{0,40}$/),
  );
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 12 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 14 }),
      async (lines, torn, keep) => {
        const root = await demoRoot();
        const text = lines.map((one) => `${one}\n`).join("") + (torn ? "torn" : "");
        await root.storage.put(LOG, new TextEncoder().encode(text));
        const total = lines.length + (torn ? 1 : 0);
        const before = await bytesUnder(root.storage);
        const plan = await gardenEventLog(root, "demo", { retainLast: keep, dryRun: true });
        expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
        const archived = Math.max(0, total - keep);
        expect(plan).toMatchObject({ total_lines: total, retained_lines: total - archived, archived_lines: archived });
        const done = await gardenEventLog(root, "demo", { retainLast: keep, reason: "tidy" });
        expect({ ...done, archive: null }).toEqual(plan);
        if (archived === 0) {
          expect(done.archive).toBeNull();
          expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
          return;
        }
        expect(done.archive).toMatch(/^\.events\.archive\/events-\d{8}T\d{12}Z-[0-9a-f]{12}\.jsonl$/);
        const old = await textAt(root, `demo/${done.archive}`);
        const live = await textAt(root, LOG);
        expect((old + live).startsWith(text)).toBe(true);
        expect(old.split("\n").length - 1).toBe(archived);
        expect([old.length, done.size_after]).toEqual([
          text.length - text.slice(old.length).length,
          new TextEncoder().encode(text.slice(old.length)).length,
        ]);
        expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
          action: "event_log_garden",
          args: { reason: "tidy", retain_last: keep, archive: done.archive, acknowledge_notify_cursor_reset: true },
          metrics: { total_lines: total, retained_lines: keep, archived_lines: archived, size_after: done.size_after },
          artifacts: { archive: { sha256: await root.storage.digest?.(`demo/${done.archive}`) } },
          maintenance: { notify_cursor_reset_required: true },
        });
        cut++;
      },
    ),
    { numRuns: testRuns(120) },
  );
  expect(cut).toBeGreaterThan(0);
});

test("again and again: every line is kept once, and the doctor still finds the events of all files", async () => {
  const root = await demoRoot();
  for (const [i, sequence] of ["AAAA", "CCCC", "GGGG", "TTTT"].entries()) {
    await attachCsv(root, "demo", `sequence,score\n${sequence},${i}\n`, { overwrite: true });
    const history = await historyOf(root, "demo");
    await gardenEventLog(root, "demo", { retainLast: 2 });
    expect(await historyOf(root, "demo")).toEqual(history);
  }
  expect((await archives(root)).length).toBeGreaterThan(1);
  expect(await doctor(root, "demo")).toEqual({ ok: true, findings: [] });
});

test("who follows the log gets every event once, before and after", { timeout: 60_000 }, async () => {
  const root = await demoRoot();
  const stop = new AbortController();
  const storage = scopedStorage(root.storage, "demo");
  const got: string[] = [];
  const following = (async (): Promise<void> => {
    const o = { n: 0, follow: true, pollMs: 2, signal: stop.signal };
    for await (const seen of tailEvents(storage, ".events.log", o))
      got.push(seen.kind === "event" ? seen.event.action : "?");
  })();
  const until = async (count: number): Promise<void> => {
    while (got.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await new Promise((resolve) => setTimeout(resolve, 20));
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  await until(1);
  await gardenEventLog(root, "demo", { retainLast: 1 });
  await until(2);
  await importCsv(root, "demo", "sequence\nACACAC\n");
  await gardenEventLog(root, "demo", { retainLast: 2 });
  await until(4);
  stop.abort();
  await following;
  expect(got).toEqual(["attach", "event_log_garden", "import_rows", "event_log_garden"]);
});

test("lines that an interrupted run has archived keep their place", async () => {
  const root = await demoRoot();
  const before = await textAt(root, LOG);
  const { archive } = await gardenEventLog(root, "demo", { retainLast: 1 });
  await root.storage.put(LOG, new TextEncoder().encode(before));
  expect((await gardenEventLog(root, "demo", { retainLast: 1 })).archive).toBe(archive);
  expect(await archives(root)).toEqual([`demo/${archive}`]);
});

test.each([0, -1, 1.5, Number.NaN])("refuses to retain %s lines", async (retainLast) => {
  const root = await demoRoot();
  expect((await refusal(root, () => gardenEventLog(root, "demo", { retainLast }))).code).toBe("USAGE");
});
