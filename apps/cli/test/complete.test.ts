import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GLOBAL_OPTIONS } from "../src/globals.ts";
import { COMMANDS as ALL } from "../src/table.ts";
import { openWorkspace } from "./support.ts";

const COMMANDS = ALL.filter(({ internal }) => internal !== true);
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const SHELLS = ["bash", "zsh", "fish"] as const;
const scripts = new Map<string, string>();
let folder = "";

beforeAll(async () => {
  await using w = await openWorkspace();
  folder = mkdtempSync(join(tmpdir(), "usr-complete-"));
  for (const shell of SHELLS) {
    scripts.set(shell, (await w.usr(["complete", shell], { json: false })).stdout);
    writeFileSync(join(folder, `usr.${shell}`), scripts.get(shell) ?? "");
  }
  writeFileSync(join(folder, "a file.csv"), "");
  writeFileSync(join(folder, "-dash.csv"), "");
  const program = `#!/bin/sh\nexec '${process.execPath}' --conditions=@usr/source '${MAIN}' "$@"\n`;
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/usr"), program, { mode: 0o755 });
  for (const id of ["demo", "shelf/one", "shelf/two", "demo/inner", "_hidden"]) {
    mkdirSync(join(folder, "root", id), { recursive: true });
    writeFileSync(join(folder, "root", id, "records.parquet"), "");
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** What bash offers after these words; the last one is being typed. No program is called that could tell datasets. */
const offered = (...words: readonly string[]): readonly string[] => offeredIn({ USR_ROOT: "" }, ...words);

const offeredWith = (env: Readonly<Record<string, string>>, ...words: readonly string[]): readonly string[] =>
  offeredIn({ PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, ...env }, ...words);

const offeredIn = (env: Readonly<Record<string, string>>, ...words: readonly string[]): readonly string[] => {
  const run = spawnSync(
    "bash",
    [
      // A socket as stdin makes bash read the user's start files, as if a remote shell had called it.
      "--norc",
      "-c",
      `source ./usr.bash; COMP_WORDS=(usr "$@"); COMP_CWORD=$#; _usr; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      ...words,
    ],
    { encoding: "utf8", cwd: folder, env: { ...process.env, ...env } },
  );
  expect(run.stderr).toBe("");
  return run.stdout.split("\n").filter((line) => line !== "");
};

const spelled = (flags: string): readonly string[] => flags.match(/--?[a-z][a-z-]*/g) ?? [];
const globals = [...GLOBAL_OPTIONS.flatMap(({ flags }) => spelled(flags)), "--version", "-h", "--help"];

describe.skipIf(!has("bash"))("bash", () => {
  it("offers the commands, and the verbs of groups", () => {
    const top = [...new Set(COMMANDS.map(({ name }) => name.split(" ")[0]))];
    expect(offered("")).toEqual([...top, ...globals]);
    expect(offered("he")).toEqual(["head"]);
    expect(offered("namespace", "")).toEqual(["register", "add-standard", "list", "show", ...globals]);
    expect(offered("--root", "head", "na")).toEqual(["namespace"]);
    expect(offered("events", "t")).toEqual(["tail"]);
  });

  it.each(COMMANDS.map((spec) => [spec.name, spec] as const))("offers the options of %s", (name, { args, options }) => {
    const own = options.filter(({ hiddenAlias }) => hiddenAlias !== true).flatMap(({ flags }) => spelled(flags));
    const choices = args.flatMap((arg) => arg.choices ?? []);
    expect(offered(...name.split(" "), "")).toEqual([...choices, ...own, ...globals]);
    expect(offered(...name.split(" "), "demo", "--js")).toEqual(["--json"]);
  });

  it("offers the choices of options, and files where a file goes", () => {
    expect(offered("attach", "demo", "--key", "seq")).toEqual(["sequence", "sequence_norm", "sequence_ci"]);
    expect(offered("validate", "demo", "--registry-mode", "f")).toEqual(["frozen"]);
    expect(offered("import", "demo", "--from", "cs")).toEqual(["csv", "csv.gz", "csv.zst"]);
    expect(offered("import", "demo", "--path", "a")).toEqual(["a file.csv"]);
    expect(offered("id", "--from", "-d")).toEqual(["-dash.csv"]);
    expect(offered("head", "demo", "-n", "")).toEqual([]);
    expect(offered("head", "demo", "--columns", "")).toEqual([]);
  });

  it("offers the values of --option=value, taken apart as bash does or whole as zsh does", () => {
    // Together with the option in one word the offer is one word, too.
    const whole = (option: string, values: readonly string[]): readonly string[] => values.map((value) => option + value); // biome-ignore format: one line
    for (const [words, option, typed, values] of [
      [["attach", "demo"], "--key", "seq", ["sequence", "sequence_norm", "sequence_ci"]],
      [["export", "demo"], "--fmt", "cs", ["csv", "csv.gz", "csv.zst"]],
      [["import", "demo"], "--path", "a", ["a file.csv"]],
      [["head", "demo"], "--columns", "x", []],
    ] as const) {
      expect(offered(...words, option, "=", typed)).toEqual(values);
      expect(offered(...words, `${option}=${typed}`)).toEqual(whole(`${option}=`, values));
    }
    expect(offered("validate", "demo", "--registry-mode", "=")).toContain("frozen");
    expect(offered("validate", "demo", "--registry-mode=")).toContain("--registry-mode=frozen");
    // What follows is no value any more.
    expect(offered("export", "demo", "--fmt", "=", "csv", "--inc")).toEqual(["--include-deleted"]);
    expect(offered("export", "demo", "--fmt=csv", "--inc")).toEqual(["--include-deleted"]);
    expect(offered("--root", "=", "root", "he")).toEqual(["head"]);
  });

  it("offers the datasets of the root where one is named, and nowhere else", () => {
    const root = { USR_ROOT: join(folder, "root") };
    const three = ["demo", "shelf/one", "shelf/two"];
    expect(offeredWith(root, "head", "").slice(0, 4)).toEqual([...three, "-n"]);
    expect(offeredWith(root, "head", "s")).toEqual(["shelf/one", "shelf/two"]);
    expect(offeredWith(root, "snapshot", "create", "--name", "x", "d")).toEqual(["demo"]);
    expect(offeredWith(root, "push", "demo", "shelf/o")).toEqual(["shelf/one"]);
    expect(offeredWith(root, "maintenance", "merge", "--dest", "d")).toEqual(["demo"]);
    expect(offeredWith(root, "maintenance", "merge", "--dest", "=", "d")).toEqual(["demo"]);
    expect(offeredWith(root, "get", "demo", "s")).toEqual([]);
    expect(offeredWith(root, "init", "d")).toEqual([]);
    expect(offeredWith(root, "namespace", "show", "d")).toEqual([]);
    for (const typed of [["--root", "root"], ["--root", "=", "root"], ["--root=root"]])
      expect(offeredWith({ USR_ROOT: "nowhere" }, ...typed, "head", "d")).toEqual(["demo"]);
    const elsewhere = { HOME: folder, USR_ROOT: "nowhere" };
    expect(offeredWith(elsewhere, "--root", "~/root", "head", "d")).toEqual(["demo"]);
    // Without a root, or with one that cannot be read, there is nothing to offer, and nothing is said.
    for (const none of ["", "nowhere"]) expect(offeredWith({ USR_ROOT: none }, "head", "d")).toEqual([]);
  });
});

/** What a shell prints that has read the script; no start files, the datasets of `root`. */
const printed = (shell: string, args: readonly string[], root = "root"): readonly string[] => {
  const env = { ...process.env, HOME: folder, PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, USR_ROOT: root };
  const run = spawnSync(shell, args, { encoding: "utf8", cwd: folder, env });
  expect(run.stderr).toBe("");
  return run.stdout.split("\n").filter((line) => line !== "");
};

describe.skipIf(!has("fish"))("fish, asked for completions", () => {
  const fish = (line: string, root?: string): readonly string[] =>
    printed("fish", ["--no-config", "-c", `source usr.fish; complete -C '${line}'`], root).map(
      (offer) => offer.split("\t")[0] ?? "",
    );

  it("offers commands, verbs and options where they go", () => {
    const top = [...new Set(COMMANDS.map(({ name }) => name.split(" ")[0] ?? ""))].toSorted();
    for (const line of ["usr ", "usr --root root ", "usr --root=root --json "]) expect(fish(line)).toEqual(top);
    expect(fish("usr namespace ")).toEqual(["add-standard", "list", "register", "show"]);
    expect(fish("usr head demo ")).toEqual([]);
    expect(fish("usr head demo --col")).toEqual(["--columns"]);
    // A dataset may be named like a command.
    expect(fish("usr head import --col")).toEqual(["--columns"]);
    expect(fish("usr head import --on-con")).toEqual([]);
  });

  it("offers the values of options, and files only where a file goes", () => {
    expect(fish("usr validate demo --registry-mode f")).toEqual(["frozen"]);
    expect(fish("usr import demo --bio-type ")).toEqual(["dna", "protein", "rna"]);
    expect(fish("usr import demo --from=csv.")).toEqual(["--from=csv.gz", "--from=csv.zst"]);
    expect(fish("usr import demo --path a")).toEqual(["a file.csv"]);
    expect(fish("usr head demo --rows ")).toEqual([]);
  });

  it("offers the datasets of the root where one is named", () => {
    const three = ["demo", "shelf/one", "shelf/two"];
    expect(fish("usr head ")).toEqual(three);
    expect(fish("usr push demo sh")).toEqual(["shelf/one", "shelf/two"]);
    expect(fish("usr maintenance merge --dest d")).toEqual(["demo"]);
    for (const root of ["--root root", "--root=root", "--root ~/root"])
      expect(fish(`usr ${root} head d`, "nowhere")).toEqual(["demo"]);
    expect(fish("usr get demo d")).toEqual([]);
    expect(fish("usr head d", "nowhere")).toEqual([]);
  });
});

describe.skipIf(!has("zsh"))("zsh, asked for completions", () => {
  // Completion itself needs a terminal; this is how zsh calls the functions of bash.
  const zsh = (...words: readonly string[]): readonly string[] => {
    const script = `autoload -Uz compinit; compinit -D -u; source ./usr.zsh
ask() {
  emulate -L sh; setopt kshglob noshglob braceexpand
  COMP_WORDS=(usr "$@"); COMP_CWORD=$#; COMPREPLY=(); _usr; printf '%s\\n' "\${COMPREPLY[@]}"
}
ask "$@"`;
    // What does not begin as typed is dropped by the completion that calls these.
    const typed = words.at(-1) ?? "";
    return printed("zsh", ["-f", "-c", script, "zsh", ...words]).filter((offer) => offer.startsWith(typed));
  };

  it("offers commands, options, values and datasets", () => {
    expect(zsh("he")).toEqual(["head"]);
    expect(zsh("head", "demo", "--col")).toEqual(["--columns"]);
    expect(zsh("import", "demo", "--from=csv.")).toEqual(["--from=csv.gz", "--from=csv.zst"]);
    expect(zsh("import", "demo", "--path", "a")).toEqual(["a file.csv"]);
    expect(zsh("head", "").slice(0, 3)).toEqual(["demo", "shelf/one", "shelf/two"]);
    expect(zsh("--root=~/root", "head", "s")).toEqual(["shelf/one", "shelf/two"]);
  });
});

describe.each(["zsh", "fish"] as const)("%s", (shell) => {
  it.skipIf(!has(shell))("takes the script", () => {
    const args = shell === "zsh" ? ["-n", join(folder, "usr.zsh")] : ["--no-execute", join(folder, "usr.fish")];
    const run = spawnSync(shell, args, { encoding: "utf8" });
    expect([run.status, run.stderr]).toEqual([0, ""]);
  });

  it("gets a script that names every command and option", () => {
    const script = scripts.get(shell) ?? "";
    for (const { name, options } of COMMANDS) {
      expect(script).toContain(name.split(" ").at(-1));
      for (const { flags, hiddenAlias } of options) {
        const long = spelled(flags).at(-1)?.replace(/^--?/, "") ?? "";
        if (hiddenAlias !== true) expect(script).toContain(long);
      }
    }
  });
});
