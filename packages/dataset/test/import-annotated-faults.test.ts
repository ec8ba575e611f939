import { openTable, type TableReader } from "@usr/formats";
import { emptyRegistry } from "@usr/registry";
import { standardRequest } from "@usr/registry/standard";
import type { Storage } from "@usr/storage";
import { type FaultPlan, faultStorage } from "@usr/storage/testing";
import { beforeAll, expect, test } from "vitest";
import { importAnnotated } from "../src/overlays/index.ts";
import { registerNamespace } from "../src/write/index.ts";
import { recoverAll, seen } from "./verbs.ts";
import { cloneStorage, demoRoot, writableRoot } from "./write-support.ts";

// An import of an annotated input makes two commits. It fails or dies at every call that changes something: a reader sees the state before, the
// rows, or the rows with their annotations; the log tells the commits that happened; and the same import again does what is left.

const RECORD = `LOCUS       one   7 bp    DNA     circular SYN 21-NOV-2026
DEFINITION  Made by hand.
VERSION     one.1
FEATURES             Location/Qualifiers
     CDS             complement(join(<1..2,4..>5))
                     /gene="one"
ORIGIN
        1 gattaca
//
`;

const PLANS: readonly Omit<FaultPlan, "failAt">[] = [
  { kind: "error-once", on: "before", code: "IO" },
  { kind: "error-once", on: "after", code: "FULL" },
  { kind: "error-forever", on: "before", code: "PERMISSION" },
  { kind: "die", on: "before" },
  { kind: "die", on: "after" },
  { kind: "die", shortWrite: true },
];

const table = (): Promise<TableReader> => {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(RECORD);
  }
  return openTable({ stream: stream() }, { format: "genbank", name: "one.gb" });
};

const run = async (storage: Storage, seed: number): Promise<unknown> =>
  importAnnotated(writableRoot(storage, seed), "demo", await table(), {
    path: "one.gb",
    bioType: "dna",
    alphabet: "dna_4",
    onConflict: "ignore",
  });

let origin: Storage;
beforeAll(async () => {
  const root = await demoRoot();
  await registerNamespace(root, standardRequest(emptyRegistry(), "seq_annot"));
  origin = root.storage;
});

/** The view without times, which are those of each attempt. */
const viewOf = async (storage: Storage): Promise<string> =>
  (await seen(storage, {})).view.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "");

test.each(PLANS)("an import with annotations: $kind $on $code short:$shortWrite", async (plan) => {
  const before = await seen(origin, {});
  const whole = faultStorage(await cloneStorage(origin));
  await run(whole.storage, 7);
  const after = await seen(whole.storage, {});
  const wanted = await viewOf(whole.storage);
  expect(after.events - before.events).toBe(2);

  const views = new Set<string>();
  for (const [index, call] of whole.calls.entries()) {
    if (/^(open|list|read|debris|digest)\b/.test(call)) continue;
    const where = `call ${index + 1} (${call})`;
    const inner = await cloneStorage(origin);
    const faulty = faultStorage(inner, { ...plan, failAt: index + 1 });
    const failed: unknown = await run(faulty.storage, 7).then(
      () => undefined,
      (error: unknown) => error,
    );
    const found = await seen(inner, {});
    views.add(found.view);
    if (failed === undefined) expect(found.view, where).toBe(after.view);
    await recoverAll(inner);
    const recovered = await seen(inner, {});
    expect(recovered.view, where).toBe(found.view);
    const commits = found.view === before.view ? 0 : found.view === after.view ? 2 : 1;
    expect(recovered.events - before.events, where).toBe(commits);

    await run(inner, 99);
    expect(await viewOf(inner), where).toBe(wanted);
    expect((await seen(inner, {})).events - before.events, where).toBe(2);
    for await (const { path } of inner.list("demo/.staging/")) expect.fail(`${where}: debris ${path}`);
  }
  views.delete(before.view);
  views.delete(after.view);
  expect(views.size, "between the commits there is one state").toBeLessThanOrEqual(1);
});
