import { cp, rename } from "node:fs/promises";
import { join } from "node:path";
import { attach } from "@usr/dataset/write";
import { openTable } from "@usr/formats";
import { diskStorage } from "@usr/storage/node";
import { expect, test } from "vitest";
import { demoWorkspace, type Workspace } from "./support.ts";

const HOUR_US = 3_600_000_000n;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** One score for ACGT, attached by a machine whose clock says `nowUs`. */
const scoredAt = async (w: Workspace, nowUs: bigint): Promise<void> => {
  const table = await openTable({ stream: bytesOf("sequence,score\nACGT,0.5\n") }, { format: "csv", name: "s.csv" });
  const root = {
    storage: diskStorage(w.root),
    label: w.root,
    clock: () => nowUs,
    random: (bytes: number) => new Uint8Array(bytes),
    actor: { tool: "test", run_id: "1" },
    owner: { host: "here", pid: 1, command: "attach" },
  };
  await attach(root, "demo", table, { path: "s.csv", namespace: "mock", key: "sequence" });
};

test.each(["info", "schema", "cols", "scan"])(
  "%s reads a root without registry by the dataset's own",
  async (command) => {
    await using w = await demoWorkspace();
    await scoredAt(w, 1_780_000_000_000_000n);
    const before = await w.usr([command, "demo"]);
    expect(before.stdout).toContain("mock__score");
    await rename(join(w.root, "registry.yaml"), join(w.dir, "registry.yaml"));
    expect(await w.usr([command, "demo"])).toMatchObject({ code: 4, error: { code: "NO_REGISTRY" } });
    const frozen = await w.usr([command, "demo", "--registry-mode", "frozen"]);
    expect([frozen.code, frozen.stdout]).toEqual([0, before.stdout]);
  },
);

test("validate tells of a part from the future", async () => {
  await using w = await demoWorkspace();
  await scoredAt(w, 1_780_000_000_000_000n + HOUR_US);
  const { code, data } = await w.usr(["validate", "demo"]);
  expect(code).toBe(0);
  expect(data).toMatchObject({ ok: true, problems: [{ severity: "warning", code: "CLOCK_SKEW" }] });
});

test("an export without rows has the columns that rows would have", async () => {
  await using w = await demoWorkspace();
  const golden = new URL("../../../packages/testkit/fixtures/golden/tombstones-h/lab/all-deleted", import.meta.url);
  await cp(golden, join(w.root, "gone"), { recursive: true });
  const header = async (...args: readonly string[]): Promise<string | undefined> =>
    (await w.usr(["export", "gone", "--out", "-", "--fmt", "csv", ...args], { json: false })).stdout.split("\n")[0];
  const base = "id,bio_type,sequence,alphabet,length,source,created_at";
  expect(await header()).toBe(base);
  expect(await header("--include-deleted")).toBe(`${base},usr__deleted,usr__deleted_at,usr__deleted_reason`);
  expect(await header("--columns", "length,id")).toBe("length,id");
});

test("a value keeps the sign of its zero, in a document as in a row", async () => {
  await using w = await demoWorkspace();
  const id = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
  await w.usr(["namespace", "register", "z", "--columns", "z__d:float64,z__f:float32,z__l:list<float64>"]);
  const attach = ["attach", "demo", "--path", "-", "--from", "jsonl", "--namespace", "z", "--key", "sequence"];
  expect((await w.usr(attach, { input: '{"sequence":"ACGT","d":-0.0,"f":-0.0,"l":[-0.0,0]}\n' })).code).toBe(0);
  const shown = async (column: string): Promise<readonly string[]> => [
    (await w.usr(["cell", "demo", id, column])).stdout.replace(/^.*"data":(.*)\}\n$/, "$1"),
    (await w.usr(["cell", "demo", id, column], { json: false })).stdout.trimEnd(),
  ];
  expect([await shown("z__d"), await shown("z__f"), await shown("z__l")]).toEqual([
    ["-0.0", "-0"],
    ["-0.0", "-0"],
    ["[-0.0,0]", "[-0, 0]"],
  ]);
  const { stdout } = await w.usr(["describe", "demo", "--columns", "z__d"]);
  expect(stdout).toContain('"min":-0.0,"max":-0.0');
  expect(stdout).toContain('"example":-0.0');
});
