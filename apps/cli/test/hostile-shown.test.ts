import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { datasetCommands } from "./dataset-commands.ts";
import { acting } from "./hostile-support.ts";
import { demoWorkspace, type Workspace } from "./support.ts";

// Text that acts on terminals, in every place that takes text: values, notes, reasons, sources, descriptions, names of files, the log, the
// record of who holds the lock. No command shows it as it is, whatever it does with it.

const [ACGT, TTTT] = ["ee93db6725ec05c3d18249d7fdba5d36a6a695cd", "b5bd5288bb58e4bb3439318d87c4e0b8506c6cfd"];
const EVIL = "\u001b[2J\u001b]0;title\u0007\u009b31m\u202egnp.exe\r\n\t\u2028";
const FILE = "\u001b[2J\u009b\u202e";
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];

const remotes = (w: Workspace): readonly string[] => ["--remotes", join(w.dir, "remotes.yaml")];

const evilWorkspace = async (): Promise<Workspace> => {
  const w = await demoWorkspace();
  const must = async (args: readonly string[], input?: string): Promise<void> => {
    const { code, stderr } = await w.usr(args, { input });
    expect([args.slice(0, 2), code], stderr.slice(0, 500)).toEqual([args.slice(0, 2), 0]);
  };
  await must(["namespace", "register", "evil", "--columns", "evil__a:string", "--owner", EVIL, "--description", EVIL]);
  const values = `${JSON.stringify({ id: ACGT, tag: EVIL, st: { a: 1, b: EVIL } })}\n`;
  const how = ["--from", "jsonl", "--namespace", "mock", "--key", "id", "--note", EVIL];
  await must(["attach", "demo", "--path", "-", ...how], values);
  await must(["state", "set", "demo", "--id", ACGT, "--lineage", EVIL]);
  await must(["delete", "demo", "--id", TTTT, "--reason", EVIL]);
  await must(["import", "demo", "--path", "-", "--from", "csv", ...BIO, "--source", EVIL], "sequence\nAATT\n");
  await must(["snapshot", "create", "demo"]);
  await mkdir(join(w.dir, "far"));
  await must(["remotes", "add", "far", ...remotes(w), "--type", "file", "--base-dir", join(w.dir, "far"), "--verify", "hash"]); // biome-ignore format: one line
  await must(["push", ...remotes(w), "demo", "far"]);
  await mkdir(join(w.root, "demo/.staging"), { recursive: true });
  for (const path of [
    `_derived/${FILE}.parquet`,
    `_snapshots/records-${FILE}.parquet`,
    `${FILE}.txt`,
    `.staging/${FILE}`,
  ])
    await writeFile(join(w.root, "demo", path), "garbage");
  await writeFile(join(w.root, "demo/.usr.lock.owner"), EVIL);
  await appendFile(
    join(w.root, "demo/.events.log"),
    `${JSON.stringify({ action: EVIL, dataset: { name: EVIL } })}\n${EVIL}\n`,
  );
  return w;
};

test("no command shows what acts on a terminal", async () => {
  await using w = await evilWorkspace();
  const commands = [...(await datasetCommands(w, "demo")).values()].filter(([verb]) => verb !== "export");
  const runs = [
    ...commands.map((args) => args.flatMap((word) => (word === "--" ? ["--dry-run", word] : [word]))),
    ...commands,
    ["ls"],
    ["namespace", "list"],
    ["namespace", "show", "evil"],
    ["remotes", "list", ...remotes(w)],
    ["remotes", "show", "far", ...remotes(w)],
    ["remotes", "doctor", "far", ...remotes(w)],
    ["head", "demo", "--include-deleted", "--columns", "source,mock__tag,mock__st"],
    ["grep", "demo", "title", "--column", "mock__tag"],
    ["describe", "demo", "--columns", "mock__tag,source"],
    ["state", "get", "demo", "--id", ACGT],
    ["events", "tail", "demo", "-n", "100"],
    ["cell", "demo", ACGT, "mock__tag"],
    ["scan", "demo", "--where", `mock__tag = '${EVIL}'`],
    [EVIL],
    ["ls", `--${EVIL}`],
    ["head", "demo", "--columns", EVIL],
    ["scan", "demo", "--where", EVIL],
    ["grep", "demo", `(${EVIL}`],
    ["import", "demo", "--path", EVIL],
  ];
  let told = 0;
  for (const terminal of [true, false]) {
    for (const json of [true, false]) {
      for (const args of runs) {
        const { code, stdout, stderr } = await w.usr(args, { terminal, json, variables: { NO_COLOR: "1" } });
        expect(code, `${args.join(" ")}: ${stderr}`).not.toBe(1);
        expect([args.slice(0, 2), acting(stdout + stderr, json && !terminal)]).toEqual([args.slice(0, 2), []]);
        if (/\\u\{?001b/.test(stdout + stderr)) told++;
      }
    }
  }
  // It was there to be shown.
  expect(told).toBeGreaterThan(40);
});
