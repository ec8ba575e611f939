import type { ReadableStorage, Storage } from "@usr/storage";
import { describe, expect, test } from "vitest";
import { scan } from "../src/index.ts";
import { deleteRows, setState } from "../src/records/index.ts";
import type { Query, Root } from "../src/types.ts";
import { initDataset, materialize, registerNamespace, transact, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, idsOf, parquetBytes, registryText, rootOf } from "./make.ts";
import { codeOf, watched } from "./support.ts";
import { prepared, seen, VERBS } from "./verbs.ts";
import { attachCsv, demoRoot, importCsv, register, writableRoot } from "./write-support.ts";

// Laws that the Python program breaks and that show themselves only below the command line: locks, reads beside writes, the cost of reads.
// The numbers are those of the published lists of its weaknesses; the others are in apps/cli/test.

const [A] = idsOf(["AAAA"]) as readonly [string];

/** A storage that lets `meanwhile` happen when a dataset lock is asked for the first time, before it is given. */
const interrupted = (storage: Storage, meanwhile: () => Promise<unknown>): Storage => {
  let first = true;
  return {
    ...storage,
    lock: async (path, o) => {
      if (first && path.endsWith("demo/.usr.lock")) {
        first = false;
        await meanwhile();
      }
      return storage.lock!(path, o);
    },
  };
};

/** A storage that calls `before` ahead of every change. */
const announced = (storage: Storage, before: () => Promise<void>): Storage => ({
  ...storage,
  put: async (path, body, o) => {
    await before();
    return storage.put(path, body, o);
  },
  delete: async (path) => {
    await before();
    return storage.delete(path);
  },
  rename: async (from, to) => {
    await before();
    return storage.rename(from, to);
  },
  link: async (from, to) => {
    await before();
    return storage.link!(from, to);
  },
  append: async (path, body) => {
    await before();
    return storage.append!(path, body);
  },
});

describe("core W-19: locks end, name their holder, and cover what is checked", () => {
  test("a verb inside the transaction of another is told who holds the lock, and ends", async () => {
    const root = await demoRoot();
    const inner = await transact(root, "demo", { command: "outer" }, async () => ({
      result: await deleteRows(root, "demo", { ids: [A] }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    }));
    expect(inner).toMatchObject({ code: "LOCKED", message: expect.stringContaining("test") });
    expect(await deleteRows(root, "demo", { ids: [A] })).toMatchObject({ rows: 1 });
  });

  test("what a verb checks it checks under the lock: what came between counts", async () => {
    const races: readonly {
      readonly between: (root: WritableRoot) => Promise<unknown>;
      readonly run: (root: WritableRoot) => Promise<unknown>;
      readonly code: string;
    }[] = [
      {
        between: async (root) => {
          await deleteRows(root, "demo", { ids: [A] });
          await materialize(root, "demo", { dropDeleted: true });
        },
        run: (root) => deleteRows(root, "demo", { ids: [A] }),
        code: "UNKNOWN_ID",
      },
      {
        between: async (root) => {
          await deleteRows(root, "demo", { ids: [A] });
          await materialize(root, "demo", { dropDeleted: true });
        },
        run: (root) => setState(root, "demo", { ids: [A], masked: true }),
        code: "UNKNOWN_ID",
      },
      {
        between: (root) => importCsv(root, "demo", "sequence\nACACAC\n"),
        run: (root) => importCsv(root, "demo", "sequence\nACACAC\n"),
        code: "DUPLICATE_ID",
      },
      {
        between: (root) => attachCsv(root, "demo", "sequence,score\nAAAA,1\n"),
        run: (root) => attachCsv(root, "demo", "sequence,score\nCCCC,1\n"),
        code: "COLUMN_EXISTS",
      },
      {
        between: (root) => attachCsv(root, "demo", `id,score\n${A},1\n`, { key: "id" }),
        run: (root) => attachCsv(root, "demo", "sequence,tag\nCCCC,x\n"),
        code: "KEY_MISMATCH",
      },
      {
        between: (root) =>
          registerNamespace(root, {
            namespace: "mock",
            columns: [{ name: "mock__tag", type: "int8" }],
            overwrite: true,
          }),
        run: (root) => attachCsv(root, "demo", "sequence,tag\nCCCC,x\n"),
        code: "TYPE_MISMATCH",
      },
    ];
    for (const { between, run, code } of races) {
      const root = await demoRoot();
      const other = { ...writableRoot(root.storage, 5), clock: root.clock };
      const storage = interrupted(root.storage, () => between(other));
      expect(await codeOf(run({ ...root, storage }))).toBe(code);
      const alone = await demoRoot();
      await run(alone);
    }
  });

  test("of two datasets made at once under one id one is made, and of two registrations none is lost", async () => {
    // Nobody gives up waiting, however busy the machine.
    const patient = { lockTimeoutMs: 60_000 };
    const root = { ...(await demoRoot()), ...patient };
    const other = { ...writableRoot(root.storage, 9), ...patient };
    const made = await Promise.allSettled([initDataset(root, "twin"), initDataset(other, "twin")]);
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = made.find(({ status }) => status === "rejected");
    expect(refused).toMatchObject({ reason: { code: "DATASET_EXISTS" } });
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => register(i % 2 === 0 ? root : other, `late${i}`, `late${i}__n:int8`)),
    );
    const text = Buffer.from(
      await (await root.storage.open("registry.yaml"))!.read(0, (await root.storage.open("registry.yaml"))!.meta.size),
    ).toString();
    for (let i = 0; i < 8; i++) expect(text).toContain(`late${i}__n`);
  });
});

/** Bytes that a query reads, by file. */
const bytesRead = async (
  root: Root & { readonly storage: ReadableStorage },
  query: Query,
): Promise<Map<string, number>> => {
  const read = new Map<string, number>();
  const storage = watched(root.storage, {
    read: (path, _, length) => void read.set(path, (read.get(path) ?? 0) + length),
  });
  for await (const batch of scan({ ...root, storage }, "demo", query)) if (batch.numRows < 0) throw new Error();
  return read;
};

/** Four thousand rows in eight row groups, under twenty parts of long texts that do not compress well. */
const large = async (): Promise<{
  readonly root: Root & { readonly storage: Storage };
  readonly ids: readonly string[];
}> => {
  let state = 1;
  const noise = (length: number): string => {
    let text = "";
    while (text.length < length) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      text += state.toString(4).replace(/./g, (digit) => "ACGT"[Number(digit)]!);
    }
    return text.slice(0, length);
  };
  const sequences = Array.from({ length: 4000 }, () => noise(600));
  const ids = idsOf(sequences);
  const part = (namespace: string, second: number, columns: Parameters<typeof parquetBytes>[0]): Promise<Uint8Array> =>
    parquetBytes(
      columns,
      {
        "usr:overlay_namespace": namespace,
        "usr:overlay_key": "id",
        "usr:overlay_created_at": `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000Z`,
      },
      4000,
    );
  const objects: Record<string, Uint8Array | string> = {
    "registry.yaml": registryText({ mock: { mock__text: "string" }, other: { other__n: "int64" } }),
    "demo/records.parquet": await baseBytes({ sequences, groupRows: 500 }),
    "demo/_derived/other/part-0.parquet": await part("other", 0, {
      id: ["string", ids],
      other__n: ["int64", ids.map((_, i) => BigInt(i))],
    }),
  };
  for (let k = 0; k < 20; k++) {
    const mine = ids.filter((_, i) => i % 20 === k);
    const columns = { id: ["string", mine], mock__text: ["string", mine.map(() => noise(3000))] } as const;
    objects[`demo/_derived/mock/part-${k}.parquet`] = await part("mock", k, columns);
  }
  return { root: await rootOf(objects), ids };
};

const sum = (read: ReadonlyMap<string, number>, part = ""): number =>
  [...read].reduce((total, [path, bytes]) => total + (path.includes(part) ? bytes : 0), 0);

test("overlay W25: the first rows, and one row, cost what they are, under forty parts too", {
  timeout: 60_000,
}, async () => {
  const { root } = await large();
  const all = await bytesRead(root, {});
  const base = await bytesRead(root, { columns: ["sequence"] });
  const first = await bytesRead(root, { columns: ["sequence"], limit: 5 });
  expect(sum(first)).toBeLessThan(sum(base) / 4);
  const texts = await bytesRead(root, { columns: ["mock__text"] });
  // Keys say which part holds the newest value; of the values only those shown are read.
  const rows = await bytesRead(root, { columns: ["mock__text"], limit: 5 });
  expect(sum(rows, "_derived/mock")).toBeLessThan(sum(texts, "_derived/mock") / 2);
  // What is not asked for is not opened.
  expect(sum(rows, "_derived/other")).toBe(0);
  expect(sum(all)).toBeGreaterThan(sum(rows));
});

test("overlay W27: one cell does not read its column", { timeout: 60_000 }, async () => {
  const { root, ids: all } = await large();
  const one = [all[2777]!];
  const ids = await bytesRead(root, { columns: ["id"] });
  const cell = await bytesRead(root, { columns: ["sequence"], ids: one });
  const column = await bytesRead(root, { columns: ["id", "sequence"] });
  // The ids say where the row is; beyond them one row group of the column is read.
  expect(sum(cell) - sum(ids)).toBeLessThan((sum(column) - sum(ids)) / 4);
  const texts = await bytesRead(root, { columns: ["mock__text"] });
  const text = await bytesRead(root, { columns: ["mock__text"], ids: one });
  expect(sum(text, "_derived/mock")).toBeLessThan(sum(texts, "_derived/mock") / 2);
});

describe("overlay W28: a reader beside a writer sees the state before or the state after, and never goes back", () => {
  test.each(VERBS)("$name", async (verb) => {
    const storage = await prepared(verb);
    const before = (await seen(storage, verb)).view;
    const views: string[] = [];
    const look = async (): Promise<void> => void views.push((await seen(storage, verb)).view);
    await verb.run(writableRoot(announced(storage, look), 7));
    await look();
    const after = views.at(-1);
    const turn = views.indexOf(after!);
    expect(views.length).toBeGreaterThan(1);
    expect(views.every((view, i) => view === (i < turn ? before : after))).toBe(true);
  });
});
