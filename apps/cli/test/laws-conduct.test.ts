import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../src/table.ts";
import {
  at,
  attach,
  attachArgs,
  demo,
  done,
  goldenWorkspace,
  IDS,
  importArgs,
  lastEvent,
  paths,
  refused,
} from "./laws-support.ts";
import { MOCK_COLUMNS, openWorkspace, type Workspace } from "./support.ts";

// How the Python program behaves where it should not: dry runs that write, answers that lie about success, names that mean several things.
// Each is a law here, under its number in the published list of weaknesses.

const [A, T, G] = IDS;

/** Every file and folder of the root and beside it, locks too, with content and time of change. */
const everything = async ({ dir: root }: Workspace): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeNs } = await stat(path, { bigint: true });
    found.set(relative(root, path), `${mtimeNs} ${entry.isFile() ? (await readFile(path)).toString("base64") : ""}`);
  }
  return found;
};

const REMOTES = ["--remotes", "<dir>/remotes.yaml"];

/** Every verb that changes something, in an order in which each has something to change; `<x>` is filled in when its turn comes. */
const CHANGES: Readonly<
  Record<string, { readonly args: readonly string[]; readonly input?: string; readonly asks?: boolean }>
> = {
  "namespace register": { args: ["namespace", "register", "late", "--columns", "late__n:int8"] },
  "namespace add-standard": { args: ["namespace", "add-standard", "seq_annot"] },
  "remotes add": {
    args: ["remotes", "add", "far", "--type", "file", "--base-dir", "<dir>/far", "--verify", "hash", ...REMOTES],
  },
  init: { args: ["init", "second"] },
  import: { args: importArgs(), input: "sequence\nTGCA\n" },
  attach: { args: attachArgs(), input: `id,score,tag\n${A},1.5,TTTT\n` },
  delete: { args: ["delete", "demo", "--id", G] },
  restore: { args: ["restore", "demo", "--id", G] },
  "state set": { args: ["state", "set", "demo", "--id", T, "--masked"] },
  "state clear": { args: ["state", "clear", "demo", "--id", T] },
  "maintenance overlay-compact": {
    args: ["maintenance", "overlay-compact", "demo", "--namespace", "mock", "--form", "file"],
  },
  "maintenance overlay-project": {
    args: [
      ...[
        "maintenance",
        "overlay-project",
        "--src",
        "demo",
        "--dest",
        "demo",
        "--namespace",
        "mock",
        "--columns",
        "score",
      ],
      ...["--src-join", "mock__tag", "--dest-join", "sequence", "--overwrite", "--allow-missing"],
    ],
  },
  "maintenance overlay-refresh-metadata": {
    args: ["maintenance", "overlay-refresh-metadata", "demo", "--namespace", "mock"],
  },
  "snapshot create": { args: ["snapshot", "create", "demo", "--name", "early"] },
  "snapshot pin": { args: ["snapshot", "pin", "demo", "--name", "<snapshot>"] },
  materialize: { args: ["materialize", "demo", "--keep"], asks: true },
  "snapshot restore": { args: ["snapshot", "restore", "demo", "--name", "<snapshot>"], asks: true },
  "overlay remove": { args: ["overlay", "remove", "demo", "--namespace", "mock", "--archive"], asks: true },
  "maintenance dedupe": {
    args: ["maintenance", "dedupe", "demo", "--key", "sequence_ci", "--prune-overlays"],
    asks: true,
  },
  "maintenance merge": {
    args: ["maintenance", "merge", "--dest", "demo", "--src", "donor", "--union-columns"],
    asks: true,
  },
  "maintenance event-log-garden": {
    args: [
      ...["maintenance", "event-log-garden", "demo", "--retain-last", "3", "--reason", "long"],
      ...["--write", "--acknowledge-notify-cursor-reset"],
    ],
    asks: true,
  },
  "maintenance registry-freeze": { args: ["maintenance", "registry-freeze", "demo"] },
  doctor: { args: ["doctor", "demo", "--repair"], asks: true },
  push: { args: ["push", "demo", "far", ...REMOTES] },
  pull: { args: ["pull", "demo", "far", ...REMOTES] },
  "remotes remove": { args: ["remotes", "remove", "far", ...REMOTES] },
};

/** What has to be there before a verb has something to change. */
const prepare = async (w: Workspace, name: string): Promise<void> => {
  if (name === "maintenance registry-freeze" || name === "maintenance overlay-refresh-metadata")
    await done(w, ["namespace", "register", `later${name.length}`, "--columns", `later${name.length}__n:int8`]);
  if (name === "maintenance merge") {
    const typed = ["--bio-type", "dna", "--alphabet", "dna_4"];
    await done(w, ["init", "donor"]);
    await done(w, ["import", "donor", "--path", "-", "--from", "csv", ...typed], "sequence\nGATTACAGATTACA\n");
  }
  if (name === "push") await mkdir(join(w.dir, "far"));
  if (name === "pull") await rm(at(w, "demo"), { recursive: true });
  if (name === "doctor") {
    await mkdir(at(w, "demo/.staging"), { recursive: true });
    await writeFile(at(w, "demo/.staging/left-0"), "left");
  }
};

/** The arguments as they are typed at this moment. */
const typedOf = async (w: Workspace, args: readonly string[]): Promise<readonly string[]> => {
  const snapshot = await snapshotName(w);
  return args.map((arg) => arg.replace("<snapshot>", snapshot).replace("<dir>", w.dir));
};

/** Content without times, folders and locks. */
const contents = (found: ReadonlyMap<string, string>): readonly (readonly [string, string | undefined])[] =>
  [...found].flatMap(([path, text]) =>
    /\.(usr|events)\.lock/.test(path) || text.endsWith(" ") ? [] : [[path, text.split(" ")[1]] as const],
  );

const snapshotName = async (w: Workspace): Promise<string> =>
  (await paths(w, /_snapshots\/records-.*-early\.parquet$/))[0]?.split("/").at(-1) ?? "none";

test("core W-11: a dry run changes no byte, no time and no lock, for every verb that has one", async () => {
  await using w = await demo();
  const dry = COMMANDS.filter(
    ({ name, options }) => name !== "export" && options.some(({ flags }) => flags === "--dry-run"),
  );
  expect(dry.map(({ name }) => name).sort(), "a verb with --dry-run needs a line in CHANGES").toEqual(
    Object.keys(CHANGES).sort(),
  );
  for (const [name, { args, input }] of Object.entries(CHANGES)) {
    await prepare(w, name);
    const typed = await typedOf(w, args);
    const before = await everything(w);
    const planned = await w.usr([...typed, "--dry-run"], { input });
    expect([name, planned.error, [...(await everything(w))]]).toEqual([name, undefined, [...before]]);
    // It was not idle: the same without --dry-run changes something.
    await done(w, [...typed, "--yes"], input);
    expect([name, contents(await everything(w))]).not.toEqual([name, contents(before)]);
  }
});

test("core W-21: what cannot be taken back asks, what can does not, and without a terminal asking is refusing", async () => {
  await using w = await demo();
  for (const [name, { args, input, asks }] of Object.entries(CHANGES)) {
    await prepare(w, name);
    const typed = await typedOf(w, args);
    if (asks === true) await refused(w, typed, "CONFIRMATION_REQUIRED", { exit: 2, input });
    await done(w, asks === true ? [...typed, "--yes"] : typed, input);
  }
});

test("core W-20: an event has the real numbers of its call", async () => {
  await using w = await demo();
  const says = async (
    args: readonly string[],
    input: string | undefined,
    event: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    await done(w, args, input);
    const found = await lastEvent(w);
    expect([args[0], { action: found?.["action"], metrics: found?.["metrics"] }]).toEqual([args[0], event]);
  };
  const ignore = [...importArgs(), "--on-conflict", "ignore"];
  await says(ignore, "sequence\nTGCA\nACGT\n", {
    action: "import_rows",
    metrics: { rows_written: 1, rows_skipped: 1 },
  });
  const input = `id,score\n${A},1\n${"0".repeat(40)},2\n`;
  await says(attachArgs({ extra: ["--allow-missing"] }), input, {
    action: "attach",
    metrics: { rows_incoming: 2, rows_matched: 1, rows_missing: 1 },
  });
  await says(["delete", "demo", "--id", [A, T].join()], undefined, { action: "tombstone", metrics: { rows: 2 } });
  await says(["delete", "demo", "--id", [A, G].join()], undefined, { action: "tombstone", metrics: { rows: 1 } });
  await says(["restore", "demo", "--id", A, "--reason", "found"], undefined, {
    action: "restore",
    metrics: { rows: 1 },
  });
  await says(["state", "set", "demo", "--id", A, "--masked"], undefined, { action: "state_set", metrics: { rows: 1 } });
  await says(["materialize", "demo", "--drop-deleted", "--yes"], undefined, {
    action: "materialize",
    metrics: { overlays: 1, rows: 4, rows_dropped: 2 },
  });
  // cols counts columns as Parquet has them, rows those of the file after the change.
  expect((await lastEvent(w))?.["fingerprint"]).toMatchObject({ rows: 4, cols: 8 });
  await done(w, ["namespace", "register", "late", "--columns", "late__n:int8"]);
  await says(["maintenance", "registry-freeze", "demo"], undefined, {
    action: "registry_freeze",
    metrics: { updated: 1 },
  });
});

test("core W-22: what did not work is no success, and what went wrong is said on stderr", async () => {
  await using w = await demo();
  for (const [args, code, exit] of [
    [["head"], "USAGE", 2],
    [["head", "dmeo"], "DATASET_NOT_FOUND", 4],
    [["materialize", "demo", "--namespace", "mock", "--yes"], "NAMESPACE_NOT_FOUND", 4],
    [["overlay", "remove", "demo", "--namespace", "mock", "--archive", "--yes"], "NAMESPACE_NOT_FOUND", 4],
    [["snapshot", "restore", "demo", "--name", "records-1.parquet", "--yes"], "SNAPSHOT_NOT_FOUND", 4],
    [["export", "demo"], "USAGE", 2],
    [["hed", "demo"], "USAGE", 2],
    [["head", "demo", "--colums", "id"], "USAGE", 2],
  ] as const) {
    await refused(w, args, code, { exit });
    const people = await w.usr(args, { json: false });
    expect([people.code, people.stdout, people.stderr.length > 0]).toEqual([exit, "", true]);
  }
});

describe("core W-23: an id means one dataset, everywhere", () => {
  test("a bare name is suggested and never taken, by any command; flat and nested ids live side by side", async () => {
    await using w = await goldenWorkspace("nested-ids");
    const { data } = await done(w, ["ls"]);
    const known: unknown[] = Array.isArray(data) ? data.map((entry: unknown) => Object(entry).dataset) : [];
    expect(known.length).toBeGreaterThan(1);
    for (const id of known) await done(w, ["info", String(id)]);
    await done(w, ["namespace", "register", "late", "--columns", "late__n:int8"]);
    await done(w, ["init", "alone/unique"]);
    // A folder of the same name where the command runs is nothing to it.
    for (const args of [
      ["info", "unique"],
      ["head", "unique"],
      ["validate", "unique"],
      ["materialize", "unique", "--yes"],
      ["delete", "unique", "--id", A],
      ["snapshot", "list", "unique"],
    ]) {
      const error = await refused(w, args, "DATASET_NOT_FOUND", { exit: 4 });
      expect(error.hint).toContain("alone/unique");
    }
  });

  test("what no command would find cannot be made", async () => {
    await using w = await demo();
    await refused(w, ["init", "a/b/c"], "DATASET_ID_INVALID");
    await refused(w, ["init", "demo/inside"], "DATASET_EXISTS", { exit: 5 });
    await done(w, ["init", "group/one"]);
    await refused(w, ["init", "group"], "DATASET_EXISTS", { exit: 5 });
  });
});

test("core W-24: an id is a name, never a path; links that leave the root are not followed", async () => {
  await using w = await demo();
  const ids = [
    ".",
    "..",
    "a\\b",
    "C:/x",
    "a\nb",
    "demo/_derived",
    "_snapshots",
    "demo/_derived/x",
    "archived/x",
    ".x",
    "a//b",
    "/demo",
    "demo/",
    "",
    " demo",
  ];
  for (const id of ids) await refused(w, ["init", "--", id], "DATASET_ID_INVALID");
  const outside = join(w.dir, "outside");
  await mkdir(outside);
  await symlink(outside, at(w, "linked"));
  const made = await w.usr(["init", "linked"]);
  expect([made.code, made.error?.code, await readdir(outside)]).toEqual([3, "PATH_INVALID", []]);
});

test("core W-25: a failed command leaves nothing, not even a folder", async () => {
  await using w = await openWorkspace();
  const nothing = async (args: readonly string[], code: string, exit: number, input?: string): Promise<void> => {
    const ran = await w.usr(args, { input });
    expect([args[0], ran.error?.code, ran.code, await readdir(w.root)]).toEqual([args[0], code, exit, []]);
  };
  await nothing(["init", "demo"], "NO_REGISTRY", 4);
  await nothing(importArgs("demo"), "NO_REGISTRY", 4, "sequence\nTGCA\n");
  await nothing(["namespace", "register", "Bad", "--columns", "Bad__n:int8"], "NAMESPACE_INVALID", 3);
  await done(w, ["namespace", "register", "mock", "--columns", MOCK_COLUMNS]);
  const before = await readdir(w.root);
  for (const args of [
    importArgs("nope"),
    ["delete", "nope", "--id", A],
    ["materialize", "nope", "--yes"],
    ["attach", "nope", ...attachArgs().slice(2)],
  ]) {
    expect((await w.usr(args, { input: "sequence\nTGCA\n" })).error?.code).toBe("DATASET_NOT_FOUND");
    expect(await readdir(w.root)).toEqual(before);
  }
  await done(w, ["init", "demo"]);
  const made = await readdir(w.root, { recursive: true });
  expect((await w.usr(importArgs("demo"), { input: "sequence\nTGCA\nTGXA\n" })).code).toBe(3);
  expect((await w.usr(attachArgs(), { input: `id,score\n${A},1\n` })).code).toBe(3);
  expect((await readdir(w.root, { recursive: true })).sort()).toEqual(made.sort());
});

test("core W-26: validate tells every problem at once, in a form for programs, and --strict asks more", async () => {
  await using w = await demo();
  await attach(w, `id,score\n${A},1\n`);
  const part = (await paths(w, /part-/))[0]!;
  await writeFile(at(w, part.replace("part-", "part-0")), "PAR1 torn");
  await mkdir(at(w, "demo/_derived/ghost"));
  await writeFile(at(w, `demo/_registry/registry.${"0".repeat(64)}.yaml`), "namespaces: {}\n");
  await writeFile(at(w, "demo/.events.log"), '{"torn": ');
  const { code, data } = await w.usr(["validate", "demo"]);
  expect(code).toBe(3);
  const problems: readonly Record<string, unknown>[] = Object(data).problems;
  expect(problems.length).toBeGreaterThanOrEqual(3);
  for (const problem of problems)
    expect(Object.keys(problem)).toEqual(["severity", "code", "message", "where", "hint"]);
  expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(["CORRUPT"]));

  await using folded = await demo();
  await attach(folded, `id,score\n${A},1\n`);
  await done(folded, ["materialize", "demo", "--yes"]);
  const registered = await readFile(at(folded, "registry.yaml"), "utf8");
  await writeFile(at(folded, "registry.yaml"), registered.replaceAll("mock__score", "mock__other"));
  expect((await done(folded, ["validate", "demo"])).data).toMatchObject({ ok: true });
  expect((await folded.usr(["validate", "demo", "--strict"])).code).toBe(3);
});
