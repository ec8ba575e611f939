import { columnOf } from "@usr/schema/columns";
import type { Storage } from "@usr/storage";
import { faultStorage } from "@usr/storage/testing";
import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import { deleteRows } from "../src/records/index.ts";
import {
  importStream,
  openSession,
  type SessionOptions,
  type SessionTotals,
  type WriteSession,
} from "../src/session/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import {
  cloneStorage,
  csv,
  demoRoot,
  eventsOf,
  importCsv,
  jsonl,
  rowsOf,
  sequenceRows,
  writableRoot,
} from "./write-support.ts";

const RULES = { path: "model", bioType: "dna", alphabet: "dna_4" } as const;
const sessionOf = (root: WritableRoot, o: Partial<SessionOptions> = {}): WriteSession =>
  openSession(root, "demo", { ...RULES, ...o });

const sequence = (n: number): string =>
  Array.from({ length: 10 }, (_, i) => "ACGT"[Math.floor(n / 4 ** i) % 4]).join("");
const made = (start: number, end: number): string[] =>
  Array.from({ length: end - start }, (_, i) => sequence(start + i));
const FIRST = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
const sequencesOf = async (root: WritableRoot): Promise<unknown[]> =>
  (await rowsOf(root, "demo")).map((row) => row["sequence"]);
const importsOf = async (root: WritableRoot): Promise<number> =>
  (await eventsOf(root, "demo")).filter(({ action }) => action === "import_rows").length;

describe("a write session", () => {
  it("commits every flushRows rows and at its end, each flush one event, and gives what imports would", async () => {
    const [root, other] = [await demoRoot(), await demoRoot()];
    const told: number[] = [];
    const session = sessionOf(root, { flushRows: 32, onFlush: ({ rows_added }) => told.push(rows_added) });
    for (let n = 0; n < 100; n += 10) await session.write(sequenceRows(made(n, n + 10)));
    expect([session.totals.rows_added, session.waiting]).toEqual([80, 20]);
    const totals = await session.close();
    expect(totals).toMatchObject({ dataset: "demo", rows_read: 100, rows_added: 100, rows_skipped: 0, flushes: 3 });
    expect(told).toEqual([40, 80, 100]);
    expect(await importsOf(root)).toBe(1 + 3);
    await importCsv(other, "demo", `sequence\n${made(0, 100).join("\n")}\n`);
    expect(await sequencesOf(root)).toEqual(await sequencesOf(other));
    expect((await validate(root, "demo")).problems).toEqual([]);
  });

  it("asks nothing of the base again but its footer, as long as nobody else writes", async () => {
    const root = await demoRoot();
    const { storage, calls } = faultStorage(root.storage);
    const session = sessionOf({ ...root, storage });
    const costs: number[] = [];
    for (let n = 0; n < 12; n++) {
      const before = calls.length;
      await session.write(sequenceRows(made(n * 4, n * 4 + 4)));
      await session.flush();
      costs.push(calls.length - before);
    }
    expect(new Set(costs.slice(2)).size).toBe(1);
  });

  it("knows the rows of other writers and of its own earlier flushes", async () => {
    const root = await demoRoot();
    const session = sessionOf(root, { onConflict: "ignore" });
    await session.write(sequenceRows(["ACACAC", "AAAA"]));
    await session.flush();
    await importCsv(root, "demo", "sequence\nGTGTGT\n");
    await session.write(sequenceRows(["GTGTGT", "ACACAC", "CTCTCT"]));
    expect(await session.close()).toMatchObject({ rows_read: 5, rows_added: 2, rows_skipped: 3, flushes: 2 });
    expect(await sequencesOf(root)).toEqual([...FIRST, "ACACAC", "GTGTGT", "CTCTCT"]);
  });

  it("knows what was deleted meanwhile", async () => {
    const root = await demoRoot();
    const session = sessionOf(root, { onConflict: "ignore" });
    await session.write(sequenceRows(["ACACAC"]));
    await session.flush();
    await deleteRows(root, "demo", { ids: idsOf(["ACACAC"]) });
    await session.write(sequenceRows(["ACACAC"]));
    await expect(session.close()).rejects.toMatchObject({ code: "DELETED_ID", details: { rows_committed: 1 } });
  });

  it("two at once take turns, and no row is lost", async () => {
    const root = await demoRoot();
    const sessions = [sessionOf({ ...root, lockTimeoutMs: 20_000 }), sessionOf({ ...root, lockTimeoutMs: 20_000 })];
    await Promise.all(
      sessions.map(async (session, k) => {
        for (let n = 0; n < 10; n++) {
          await session.write(sequenceRows(made(1000 * k + n * 3, 1000 * k + n * 3 + 3)));
          await session.flush();
        }
        await session.close();
      }),
    );
    const rows = (await sequencesOf(root)).slice(FIRST.length);
    expect(rows.toSorted()).toEqual([...made(0, 30), ...made(1000, 1030)].toSorted());
    expect(await importsOf(root)).toBe(21);
  });

  it("names row and committed rows where a row is wrong, keeps the flushes before it and ends", async () => {
    const root = await demoRoot();
    const session = sessionOf(root, { flushRows: 4 });
    await session.write(sequenceRows(made(0, 4)));
    const error = await session.write(sequenceRows([...made(4, 6), "ACXT", "GG"])).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "BAD_SYMBOL", details: { row: 7, rows_committed: 4, flushes: 1 } });
    expect(String(error)).toMatch(/row 7.*; 4 row\(s\) of 1 flush\(es\) before it are committed/);
    await expect(session.write(sequenceRows(["GG"]))).rejects.toBe(error);
    await expect(session.close()).rejects.toBe(error);
    expect(await sequencesOf(root)).toEqual([...FIRST, ...made(0, 4)]);
  });

  it("tells the rows of a sequence that comes twice in one flush", async () => {
    const session = sessionOf(await demoRoot(), { flushRows: 3 });
    await session.write(sequenceRows(["AC", "AG", "AT"]));
    await expect(session.write(sequenceRows(["CA", "CG", "CA"]))).rejects.toMatchObject({
      code: "DUPLICATE_ID",
      details: { samples: [{ rows: [4, 6] }], rows_committed: 3 },
    });
  });

  it("flushes when the first waiting row is old enough", async () => {
    let now = 1_780_000_000_000_000n;
    const root = { ...(await demoRoot()), clock: () => now };
    const session = sessionOf(root, { flushMs: 5_000 });
    await session.write(sequenceRows(["AC"]));
    now += 4_000_000n;
    expect([session.dueMs, session.totals.flushes]).toEqual([1_000, 0]);
    now += 1_000_000n;
    await session.write(sequenceRows(["AG"]));
    expect([session.dueMs, session.totals]).toMatchObject([undefined, { rows_added: 2, flushes: 1 }]);
  });

  const LONG = "A".repeat(2 ** 20);
  it.each([
    ["four full row groups", {}, { rows: 16_384, writes: 17, letters: "" }, [262_144]],
    ["fewer rows that take 64 MiB", {}, { rows: 16, writes: 5, letters: LONG }, [64]],
    ["as many rows as are asked for, however large", { flushRows: 70 }, { rows: 16, writes: 5, letters: LONG }, [80]],
    [
      "any number that is asked for",
      { flushRows: Number.POSITIVE_INFINITY },
      { rows: 16_384, writes: 17, letters: "" },
      [],
    ],
  ])("commits %s", async (_, o, { rows, writes, letters }, expected) => {
    const flushed: number[] = [];
    const onFlush = ({ rows_added }: SessionTotals): void => void flushed.push(rows_added);
    await using session = sessionOf(await demoRoot(), { ...o, onFlush });
    for (let n = 0; n < writes; n++)
      await session.write(sequenceRows(made(n * rows, (n + 1) * rows).map((end) => letters + end)));
    expect([flushed, session.waiting]).toEqual([expected, rows * writes - (expected[0] ?? 0)]);
  });

  it("commits what has waited ten seconds, unless it may wait as long as it takes", async () => {
    let now = 1_780_000_000_000_000n;
    const root = { ...(await demoRoot()), clock: () => now };
    const [usual, patient] = [sessionOf(root), sessionOf(root, { flushMs: Number.POSITIVE_INFINITY })];
    await usual.write(sequenceRows(["AC"]));
    await patient.write(sequenceRows(["AG"]));
    expect([usual.dueMs, patient.dueMs]).toEqual([10_000, undefined]);
    now += 10_000_000n;
    await usual.write(sequenceRows(["CA"]));
    await patient.write(sequenceRows(["CC"]));
    expect([usual.waiting, patient.waiting]).toEqual([0, 2]);
  });

  it.each([{ flushRows: 0 }, { flushRows: Number.NaN }, { flushMs: -1 }, { flushMs: Number.NaN }])(
    "refuses %j",
    async (o) => {
      const root = await demoRoot();
      expect(() => sessionOf(root, o)).toThrow(expect.objectContaining({ code: "USAGE", details: o }));
    },
  );

  it("refuses columns that are not what a base holds, and a closed session takes nothing", async () => {
    const root = await demoRoot();
    const wrong = { numRows: 1, columns: new Map([["sequence", columnOf({ kind: "int32" }, [1])]]) };
    await expect(sessionOf(root).write(wrong)).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
    const short = { ...sequenceRows(["A"]), numRows: 2 };
    await expect(sessionOf(root).write(short)).rejects.toMatchObject({ code: "LENGTH_MISMATCH" });
    const session = sessionOf(root);
    expect((await session.close()).flushes).toBe(0);
    await expect(session.write(sequenceRows(["A"]))).rejects.toMatchObject({ code: "USAGE" });
  });

  it("disposal drops what waits", async () => {
    const root = await demoRoot();
    {
      await using session = sessionOf(root);
      await session.write(sequenceRows(["AC"]));
    }
    expect(await sequencesOf(root)).toEqual(FIRST);
  });
});

describe("two flushes, stopped at every storage call", () => {
  it.each(["error-once", "die"] as const)(
    "%s: whole flushes, an event each, and the totals never say more",
    async (kind) => {
      const work = async (root: WritableRoot, seen: { added: number }): Promise<void> => {
        const onFlush = ({ rows_added }: SessionTotals): void => {
          seen.added = rows_added;
        };
        const session = sessionOf(root, { onFlush });
        for (const rows of [["ACACAC", "GTGTGT"], ["CTCTCT"]]) {
          await session.write(sequenceRows(rows));
          await session.flush();
        }
        await session.close();
      };
      const origin: Storage = (await demoRoot()).storage;
      const whole = faultStorage(await cloneStorage(origin));
      await work(writableRoot(whole.storage, 7), { added: 0 });
      const states = new Set<number>();
      for (let failAt = 1; failAt <= whole.calls.length; failAt++) {
        const inner = await cloneStorage(origin);
        const seen = { added: 0 };
        await work(writableRoot(faultStorage(inner, { kind, failAt }).storage, 7), seen).catch(() => undefined);
        const root = writableRoot(inner, 99);
        const rows = (await sequencesOf(root)).slice(FIRST.length);
        const where = `call ${failAt}: ${whole.calls[failAt - 1]}`;
        expect([[], ["ACACAC", "GTGTGT"], ["ACACAC", "GTGTGT", "CTCTCT"]], where).toContainEqual(rows);
        expect(seen.added, where).toBeLessThanOrEqual(rows.length);
        states.add(rows.length);
        await importCsv(root, "demo", "sequence\nTTTTTTTTTT\n");
        expect(await importsOf(root), where).toBe(2 + [0, 2, 3].indexOf(rows.length));
      }
      expect([...states].toSorted()).toEqual([0, 2, 3]);
    },
  );
});

describe("a stream", () => {
  it("is imported as it comes: csv, jsonl", async () => {
    for (const table of [
      await csv(
        `sequence,note\n${made(0, 10)
          .map((s) => `${s},x`)
          .join("\n")}\n`,
      ),
      await jsonl(
        made(0, 10)
          .map((s) => `{"sequence":"${s}","note":1}\n`)
          .join(""),
      ),
    ]) {
      const root = await demoRoot();
      const result = await importStream(root, "demo", table, { ...RULES, flushRows: 4 });
      expect(result).toMatchObject({ rows_read: 10, rows_added: 10, flushes: 1, ignored_columns: ["note"] });
      expect(await sequencesOf(root)).toEqual([...FIRST, ...made(0, 10)]);
    }
  });

  it("without a column sequence is refused before anything is read", async () => {
    const table = await csv("seq\nAC\n");
    await expect(importStream(await demoRoot(), "demo", table, RULES)).rejects.toMatchObject({
      code: "MISSING_COLUMN",
    });
  });

  it("waits for an input as long as it takes, also longer than a timer can", async () => {
    const root = await demoRoot();
    const table = {
      columns: [{ name: "sequence" }],
      async *batches() {
        yield { firstRow: 1, ...sequenceRows(["AC"]) };
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield { firstRow: 2, ...sequenceRows(["AG"]) };
      },
    };
    for (const flushMs of [2 ** 31, Number.POSITIVE_INFINITY])
      expect(await importStream(root, "demo", table, { ...RULES, onConflict: "ignore", flushMs })).toMatchObject({
        rows_read: 2,
        flushes: flushMs === 2 ** 31 ? 1 : 0,
      });
  });

  it("commits what has come while the input is silent", async () => {
    const root = {
      ...(await demoRoot()),
      clock: () => BigInt(Math.round(performance.now() * 1000)) + 1_780_000_000_000_000n,
    };
    let flushed = (): void => {};
    const committed = new Promise<void>((resolve) => {
      flushed = resolve;
    });
    const table = {
      columns: [{ name: "sequence" }],
      async *batches() {
        yield { firstRow: 1, ...sequenceRows(["AC"]) };
        // Nothing comes until the first row is in.
        await committed;
        yield { firstRow: 2, ...sequenceRows(["AG"]) };
      },
    };
    const result = await importStream(root, "demo", table, { ...RULES, flushMs: 20, onFlush: () => flushed() });
    expect(result).toMatchObject({ rows_added: 2, flushes: 2 });
  });
});
