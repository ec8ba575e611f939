import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { demoWorkspace, type Workspace } from "./support.ts";

const ID = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";

/** Every file of the root, locks too, with content and time of change; and every folder. */
const everything = async ({ root }: Workspace): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeNs } = await stat(path, { bigint: true });
    found.set(relative(root, path), `${mtimeNs} ${entry.isFile() ? (await readFile(path)).toString("base64") : ""}`);
  }
  return found;
};

/** The parts of all overlays, archived ones too, by file name. */
const parts = async (w: Workspace): Promise<ReadonlyMap<string, string>> =>
  new Map(
    [...(await w.bytes())].flatMap(([path, bytes]) =>
      /_derived\/.*part-/.test(path) ? [[path.slice(path.lastIndexOf("/") + 1), bytes]] : [],
    ),
  );

const must = async (w: Workspace, args: readonly string[], code = 0): Promise<void> => {
  const run = await w.usr(args);
  expect([args.join(" "), run.code, code === 0 ? run.stderr : ""]).toEqual([args.join(" "), code, ""]);
};

const scored = async (): Promise<Workspace> => {
  const w = await demoWorkspace();
  const monday = await w.file("monday.csv", "sequence,score,n\nACGT,0.5,1\nTTTT,1.5,\n");
  await must(w, ["attach", "demo", "--path", monday, "--namespace", "mock", "--key", "sequence"]);
  return w;
};

test("reading and planning change nothing, not even a lock or a time", async () => {
  await using w = await scored();
  const friday = await w.file("friday.csv", "sequence,score\nACGT,9\n");
  const more = await w.file("more.csv", "sequence\nGATTACA\n");
  const before = await everything(w);
  const reads = [
    ["ls"],
    ["info", "demo"],
    ["schema", "demo"],
    ["cols", "demo"],
    ["head", "demo"],
    ["scan", "demo", "--include-deleted"],
    ["get", "demo", ID],
    ["cell", "demo", ID, "mock__score"],
    ["validate", "demo", "--strict"],
    ["state", "get", "demo", "--id", ID],
    ["events", "tail", "demo"],
    ["namespace", "list"],
    ["namespace", "show", "mock"],
    ["export", "demo", "--out", join(w.dir, "out.parquet")],
  ];
  for (const args of reads) await must(w, args);
  const plans = [
    ["namespace", "register", "other", "--columns", "other__a:int8", "--dry-run"],
    ["init", "second", "--dry-run"],
    ["import", "demo", "--path", more, "--bio-type", "dna", "--alphabet", "dna_4", "--dry-run"],
    ["attach", "demo", "--path", friday, "--namespace", "mock", "--key", "sequence", "--overwrite", "--dry-run"],
    ["materialize", "demo", "--dry-run"],
    ["delete", "demo", "--id", ID, "--dry-run"],
    ["restore", "demo", "--id", ID, "--dry-run"],
    ["state", "set", "demo", "--id", ID, "--masked", "--dry-run"],
    ["state", "clear", "demo", "--id", ID, "--dry-run"],
    ["maintenance", "registry-freeze", "demo", "--dry-run"],
  ];
  for (const args of plans) await must(w, args);
  expect(await everything(w)).toEqual(before);
});

test("what was attached is never rewritten: parts keep their bytes, also where they are set aside", async () => {
  await using w = await scored();
  const seen = new Map<string, string>();
  const check = async (added: number): Promise<void> => {
    const now = await parts(w);
    for (const [name, bytes] of seen) expect([name, now.get(name) === bytes]).toEqual([name, true]);
    expect(now.size).toBe(seen.size + added);
    for (const [name, bytes] of now) seen.set(name, bytes);
  };
  await check(1);
  const friday = await w.file("friday.csv", "sequence,score\nACGT,9\n");
  await must(w, ["attach", "demo", "--path", friday, "--namespace", "mock", "--key", "sequence"], 5);
  await check(0);
  await must(w, ["attach", "demo", "--path", friday, "--namespace", "mock", "--key", "sequence", "--overwrite"]);
  await check(1);
  const more = await w.file("more.csv", "sequence\nGATTACA\n");
  await must(w, ["import", "demo", "--path", more, "--bio-type", "dna", "--alphabet", "dna_4"]);
  await must(w, ["namespace", "register", "other", "--columns", "other__a:int8"]);
  await must(w, ["maintenance", "registry-freeze", "demo"]);
  await check(0);
  await must(w, ["materialize", "demo", "--namespace", "mock", "--yes"]);
  await check(0);
});
