import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { goldenPath } from "@usr/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../scripts/bundle.ts";
import { checkOrder, scriptOf } from "../scripts/script-of.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Tells every module that is loaded, as a line on stderr. */
const telling = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from "node:module"; import { writeSync } from "node:fs";
   registerHooks({ load(url, context, next) { writeSync(2, "loaded " + url + "\\n"); return next(url, context); } });`,
)}`;

const loadedBy = (...args: readonly string[]): readonly string[] => {
  const run = spawnSync(execPath, ["--conditions=@usr/source", "--import", telling, main, ...args], {
    encoding: "utf8",
  });
  expect(run.status, run.stderr).toBe(0);
  return run.stderr.split("\n").flatMap((line) => /^loaded (file:.*)/.exec(line)?.[1] ?? []);
};

test("help and version load nothing that works on data", () => {
  for (const args of [["--help"], ["--version"], ["import", "--help"], ["namespace", "--help"]]) {
    const heavy = loadedBy(...args).filter((url) => !/\/apps\/cli\/(src|package\.json)|\/commander\//.test(url));
    expect(heavy, args.join(" ")).toEqual([]);
  }
});

test("ids load neither tables nor the registry", () => {
  const loaded = loadedBy("id", "ACGT", "--bio-type", "dna").join("\n");
  expect(loaded).not.toMatch(
    /packages\/(parquet|registry|dataset|overlay|events)\/|apache-arrow|\/yaml\/|hyparquet|koffi/,
  );
});

test("listing datasets loads neither Arrow, YAML, decompressors nor the native lock", () => {
  const root = fileURLToPath(new URL(".", import.meta.url));
  expect(loadedBy("ls", "--root", root).join("\n")).not.toMatch(/apache-arrow|\/yaml\/|hyparquet-compressors|koffi/);
});

/** The program as it is published, built into a folder of its own. */
const built = await mkdtemp(join(tmpdir(), "usr-built-"));
const bin = join(built, "bin", "usr.js");
/** A dataset `demo` with overlays, of which no row is deleted. */
const root = goldenPath("state-f");
beforeAll(async () => {
  await cp(fileURLToPath(new URL("../bin", import.meta.url)), join(built, "bin"), { recursive: true });
  await bundle(join(built, "dist"));
  await writeFile(
    join(built, "telling.cjs"),
    `const vm = require("node:vm"); const { writeSync } = require("node:fs");
     const tell = (name) => writeSync(2, "loaded " + name + "\\n");
     vm.Script = class extends vm.Script {
       constructor(source, o) { super(source, o); tell(o.filename); }
       runInThisContext(o) {
         return Object.fromEntries(Object.entries(super.runInThisContext(o)).map(([name, run]) =>
           [name, (...given) => { tell(name); return run(...given); }]));
       }
     };`,
  );
});
afterAll(() => rm(built, { recursive: true }));

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) =>
  spawnSync(execPath, [...flags, bin, ...args], {
    encoding: "utf8",
    env: { HOME: built, ...env },
  });
/** The files that the built program opens and the modules it evaluates, without the numbers in their names. */
const openedBy = (...args: readonly string[]): readonly string[] => {
  const { status, stderr } = run(args, {}, ["--require", join(built, "telling.cjs")]);
  expect(status, stderr).toBe(0);
  return stderr.split("\n").flatMap((line) => /^loaded (?:.*\/)?(\w+)(?:-\w+)?\.js$/.exec(line)?.[1] ?? []);
};

test("help and version of the built program are answered without the program, as the program answers", () => {
  for (const asked of ["--help", "-h", "--version"]) {
    expect(openedBy(asked)).toEqual([]);
    const { stdout, stderr } = run([asked]);
    const program = run([asked, "--quiet"]);
    expect([stdout, stderr]).toEqual([program.stdout, program.stderr]);
  }
  expect(openedBy("import", "--help").filter((name) => !["main", "parse", "chunk", "errors"].includes(name))).toEqual(
    [],
  );
});

test("looking at datasets opens no file of the program but those that read the command line and look", () => {
  const opened = openedBy("ls", "--root", root);
  expect(opened.filter((name) => ["main", "parse", "look", "read", "work", "arrow"].includes(name))).toEqual([
    "main",
    "main",
    "look",
  ]);
  expect(opened).toContain("ls");
});

test("looking at datasets evaluates two dozen modules at most, not one for every few that are shared", () => {
  for (const args of [["ls"], ["info", "demo"]])
    expect(openedBy(...args, "--root", root).length, args.join(" ")).toBeLessThan(30);
});

test("a module of the bundle has what it takes in variables of its own, which holds as long as it cannot change", () => {
  const text = (assigned: string): string =>
    [
      "import {",
      "  a as b",
      '} from "./x.js";',
      'import "./y.js";',
      "var c = b;",
      assigned,
      "export {",
      "  c,",
      "  b as d",
      "};",
    ].join("\n");
  const script = (assigned: string, acts: boolean): string =>
    scriptOf(
      "z.js",
      text(assigned),
      (name) => `f/${name}`,
      () => acts,
    );
  expect(
    script("", true)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join(" "),
  ).toBe('var { a: b } = require("f/x.js"); require("f/y.js"); var c = b; module.exports = { c, d: b };');
  expect(script("", false)).not.toContain("y.js");
  expect(script('later = () => import("./x.js")', false)).toContain('Promise.resolve().then(() => require("f/x.js"))');
  for (const assigned of ["c = 1", "c += 1", "c ??= 1", "++c", "c--"])
    expect(() => script(assigned, false), assigned).toThrow("z.js gives c");
  for (const other of ["x.c = 1", "cc = 1", "c === 1", "f((c) => 1)", "`c=1`"]) script(other, false);
  checkOrder(
    new Map([
      ["z.js", text("")],
      ["x.js", ""],
    ]),
  );
  expect(() =>
    checkOrder(
      new Map([
        ["z.js", text("")],
        ["y.js", 'import "./z.js";'],
      ]),
    ),
  ).toThrow("waits for itself");
});

test("what reads pages is loaded by who reads rows, not by who looks at footers", () => {
  const files = (...args: readonly string[]): readonly string[] => [
    ...new Set(
      openedBy(...args, "--root", goldenPath("bio-types")).filter((name) =>
        /^(main|parse|look|read|work|arrow)$/.test(name),
      ),
    ),
  ];
  expect(files("info", "dna")).toEqual(["main", "look"]);
  expect(files("head", "dna")).toEqual(["main", "look", "read"]);
});

test("the built program lists a broken dataset, and none of the others as broken", async () => {
  const root = join(built, "root");
  for (const name of ["a", "b", "c"])
    await cp(goldenPath("densegen/densegen/demo"), join(root, name), { recursive: true });
  await writeFile(join(root, "b", "records.parquet"), "");
  const { stdout, stderr } = run(["ls", "--json", "--root", root]);
  const listed: readonly { readonly dataset: string; readonly rows: number | null }[] = JSON.parse(stdout).data;
  expect(listed.map(({ dataset, rows }) => `${dataset} ${rows === null}`)).toEqual(["a false", "b true", "c false"]);
  expect(stderr.match(/warning/g)).toHaveLength(1);
});

test("looking at datasets names no module of node that loads readers of lines and watchers of folders", async () => {
  for (const file of ["main.js", "look.js"])
    expect(await readFile(join(built, "dist", file), "utf8"), file).not.toContain('"node:fs/promises"');
});

test("the program is ASCII, which is read without looking at it", async () => {
  for (const file of ["main.js", "parse.js", "look.js", "read.js", "import.js", "work.js", "arrow.js"])
    expect(
      (await readFile(join(built, "dist", file))).every((byte) => byte < 128),
      file,
    ).toBe(true);
});

const caches = join(built, ".cache", "usr", "compiled");
const kept = async (): Promise<readonly string[]> =>
  (await readdir(caches, { recursive: true })).filter((name) => name.includes("/")).map((name) => basename(name));

test("compiled code is kept in the caches of the user, and nowhere without a home", async () => {
  await rm(caches, { recursive: true, force: true });
  expect(run(["ls", "--root", root]).status).toBe(0);
  expect((await kept()).toSorted()).toEqual(["ls-look.js", "main"]);
  expect(run(["namespace", "list", "--root", root]).status).toBe(0);
  expect((await kept()).toSorted()).toContain("namespace-list-work.js");
  const temporary = join(built, "temporary");
  await mkdir(temporary);
  const homeless = run(["ls", "--root", root], { HOME: join(built, "gone"), TMPDIR: temporary });
  expect([homeless.status, homeless.stderr]).toEqual([0, ""]);
  expect(await readdir(temporary)).toEqual([]);
  expect(await readdir(built)).not.toContain("gone");
});

test("compiled code that is cut short, of another program or of nothing is compiled again", async () => {
  const ls = ["ls", "--root", root];
  const { stdout } = run(ls);
  const [folder = ""] = await readdir(caches);
  const file = join(caches, folder, "ls-look.js");
  const good = await readFile(file);
  const main = await readFile(join(caches, folder, "main"));
  for (const bad of [good.subarray(0, good.length / 2), good.subarray(0, 1), main, new Uint8Array(good.length)]) {
    await writeFile(file, bad);
    expect(run(ls)).toMatchObject({ status: 0, stdout, stderr: "" });
    expect((await readFile(file)).length).toBeGreaterThan(good.length / 2);
  }
  expect(await kept()).toHaveLength((await readdir(join(caches, folder))).length);
});

test("compiled code with a bit that has turned is not run, but compiled again", async () => {
  const ls = ["ls", "--root", root];
  const { stdout } = run(ls);
  const [folder = ""] = await readdir(caches);
  const file = join(caches, folder, "ls-look.js");
  for (let n = 0; n < 4; n++) run(ls);
  const good = await readFile(file);
  expect(good.at(-1)).toBe(3);
  // The last byte counts runs, and starts again with new code.
  for (let n = 0; n < 24; n++) {
    const rotten = Buffer.from(good);
    const at = Math.floor(((n + 0.5) / 24) * (good.length - 2));
    rotten[at] = rotten[at]! ^ (1 << (n % 8));
    await writeFile(file, rotten);
    expect(run(ls), `byte ${at}`).toMatchObject({ status: 0, stdout, stderr: "" });
    expect((await readFile(file)).at(-1), `byte ${at}`).toBe(1);
  }
});

test.skipIf(process.platform === "win32")("where the disk takes a part of the code only, none is kept", async () => {
  await rm(caches, { recursive: true, force: true });
  const ls = ["ls", "--root", root];
  // The system writes up to the limit, says so, and refuses the rest.
  const limited = spawnSync("sh", ["-c", 'ulimit -f 16; exec "$0" "$@"', execPath, bin, ...ls], {
    encoding: "utf8",
    env: { HOME: built },
  });
  expect(limited).toMatchObject({ status: 0, stderr: "" });
  expect(await kept()).toEqual([]);
  expect(run(ls).stdout).toBe(limited.stdout);
  expect((await kept()).toSorted()).toEqual(["ls-look.js", "main"]);
});

test("code is kept three times, and of commands that did their work", async () => {
  await rm(caches, { recursive: true, force: true });
  const ls = ["ls", "--root", root];
  expect(run(["ls", "--root", join(built, "gone")]).status).not.toBe(0);
  expect(run(ls).status).toBe(0);
  const [folder = ""] = await readdir(caches);
  const file = join(caches, folder, "ls-look.js");
  const runs = async (): Promise<number | undefined> => (await readFile(file)).at(-1);
  const seen = [await runs()];
  for (let i = 0; i < 4; i++) {
    expect(run(ls).status).toBe(0);
    seen.push(await runs());
  }
  expect(seen).toEqual([1, 2, 3, 3, 3]);
  // What long runs left is kept anew by short ones, and never the other way round.
  const code = (await readFile(file)).subarray(0, -2);
  for (const [tenths, before, after] of [
    [200, 3, 1],
    [200, 1, 1],
    [1, 2, 2],
  ] as const) {
    await writeFile(file, Buffer.concat([code, Buffer.of(tenths, before)]));
    expect(run(ls).status).toBe(0);
    expect(await runs(), `${before} runs of ${tenths} tenths`).toBe(after);
  }
});
