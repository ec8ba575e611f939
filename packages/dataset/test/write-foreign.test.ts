/// <reference types="node" />
import { describe, expect, it } from "vitest";
import { datasetSchema, validate } from "../src/index.ts";
import { freezeRegistry, importRows, materialize, type WritableRoot } from "../src/write/index.ts";
import { codeOf, freshRoot, GOLDEN, linesOf, ordered } from "./support.ts";
import { attachCsv, bytesUnder, csv, eventsOf, importCsv, register, writableRoot } from "./write-support.ts";

// What the Python program and other Parquet writers have left is extended here: nothing they wrote may change its meaning.

const rootOf = async (name: string): Promise<WritableRoot> => writableRoot((await freshRoot(name)).storage);

const NEW = "ACGTACGTTTTGGGGCCCCAAAATTTTACACAC";

const errorsOf = async (root: WritableRoot, id: string): Promise<readonly string[]> =>
  (await validate(root, id)).problems.filter(({ severity }) => severity === "error").map(({ code }) => code);

const typesOf = async (root: WritableRoot, id: string): Promise<unknown> =>
  Object.fromEntries((await datasetSchema(root, id)).fields.map(({ name, type }) => [name, type]));

/** Rows by column name: where columns stand is another matter. */
const byName = (lines: readonly string[]): readonly unknown[] => lines.map((line): unknown => JSON.parse(line));

const READABLE = GOLDEN.filter(({ error }) => error === undefined);
const REFUSED = GOLDEN.filter(({ error }) => error !== undefined);

describe.each(READABLE)("$root $dataset", ({ root: name, dataset, rows }) => {
  it("takes another row at its end, and stays as valid as it was", async () => {
    const root = await rootOf(name);
    const problems = await errorsOf(root, dataset);
    const events = (await eventsOf(root, dataset)).length;
    const added = await importRows(root, dataset, await csv(`sequence,bio_type,alphabet\n${NEW},dna,dna_4\n`), {
      path: "x.csv",
    });
    expect(added).toMatchObject({ rows_read: 1, rows_added: 1 });
    const lines = await linesOf(root, dataset, { columns: await columnsBefore(root, dataset, rows) });
    expect(lines.slice(0, -1).map(ordered)).toEqual(rows?.map(ordered) ?? []);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ sequence: NEW, source: "x.csv" });
    expect(await errorsOf(root, dataset)).toEqual(problems);
    const log = (await eventsOf(root, dataset)).slice(events);
    expect(log.map(({ action }) => action).filter((action) => action !== "registry_freeze")).toEqual(["import_rows"]);
  });

  it.each(["archive", "drop", "keep"] as const)(
    "materialize, overlays %s: every value, type and row stays",
    async (overlays) => {
      const root = await rootOf(name);
      const before = {
        types: await typesOf(root, dataset),
        rows: byName(await linesOf(root, dataset, { includeDeleted: true })),
      };
      const problems = await errorsOf(root, dataset);
      await materialize(root, dataset, { overlays });
      expect(await typesOf(root, dataset)).toEqual(before.types);
      expect(byName(await linesOf(root, dataset, { includeDeleted: true }))).toEqual(before.rows);
      expect(byName(await linesOf(root, dataset))).toEqual(byName(rows ?? []));
      for (const code of await errorsOf(root, dataset)) expect(problems).toContain(code);
    },
  );

  it("materialize without deleted rows shows what was shown, and nothing more", async () => {
    const root = await rootOf(name);
    const shown = byName(await linesOf(root, dataset));
    const found = await materialize(root, dataset, { dropDeleted: true });
    expect(byName(await linesOf(root, dataset))).toEqual(shown);
    expect(found.rows).toBe(shown.length);
    expect(await linesOf(root, dataset, { includeDeleted: true, columns: ["id"] })).toHaveLength(shown.length);
  });

  it("a new namespace is frozen and attached to; freezing again finds nothing to do", async () => {
    const root = await rootOf(name);
    const before = byName(await linesOf(root, dataset));
    await register(root, "fresh_one", "fresh_one__n:int64");
    const id: unknown = before.length === 0 ? undefined : before.map((row) => Object(row)["id"])[0];
    const text = typeof id === "string" ? `id,n\n${id},9007199254740993\n` : "id,n\n";
    await attachCsv(root, dataset, text, { namespace: "fresh_one", key: "id" });
    await freezeRegistry(root, dataset);
    expect((await freezeRegistry(root, dataset)).updated).toBe(false);
    const after = byName(await linesOf(root, dataset));
    const value = (i: number): object =>
      typeof id === "string" ? { fresh_one__n: i === 0 ? "9007199254740993" : null } : {};
    expect(after).toEqual(before.map((row, i) => ({ ...Object(row), ...value(i) })));
  });
});

/** The columns of the rows on record: a row of their own namespaces may bring none. */
const columnsBefore = async (
  root: WritableRoot,
  dataset: string,
  rows: readonly string[] | undefined,
): Promise<readonly string[]> =>
  rows === undefined || rows.length === 0
    ? (await datasetSchema(root, dataset)).fields.flatMap(({ name, origin }) => (origin === "usr" ? [] : [name]))
    : Object.keys(JSON.parse(rows[0]!));

describe.each(REFUSED)("$root $dataset", ({ root: name, dataset, error }) => {
  it("what cannot be read is not folded", async () => {
    const root = await rootOf(name);
    const before = await bytesUnder(root.storage);
    expect(await codeOf(materialize(root, dataset))).toBe(await codeOf(linesOf(root, dataset)));
    expect(await bytesUnder(root.storage)).toStrictEqual(before);
    if (error?.code !== "UNSUPPORTED_VERSION") return;
    for (const act of [
      () => importCsv(root, dataset, `sequence\n${NEW}\n`),
      () => freezeRegistry(root, dataset),
      () => materialize(root, dataset, { dropDeleted: true }),
    ]) {
      expect(await codeOf(act())).toBe("UNSUPPORTED_VERSION");
      expect(await bytesUnder(root.storage)).toStrictEqual(before);
    }
  });
});
