#!/usr/bin/env node
"use strict";
const { versions, env, argv } = process;
const [major = 0, minor = 0] = versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(`error: usr needs Node 22.15 or newer, and this is ${versions.node}.`);
  process.exit(8);
}
const fs = require("node:fs");
const { Script } = require("node:vm");

const dist = `${__dirname}/../dist/`;

/** Answers that were written when the program was built. */
const ANSWERS = { "--help": "help.txt", "-h": "help.txt", "--version": "version.txt" };

/** So many runs of a command add to the compiled code that is kept for it; the last byte of a file counts them. */
const RUNS = 3;

/** Scripts whose compiled code is to be kept at the end. */
const fresh = [];

/** Functions of the program by name, file by file, as they are opened. */
const packs = [];
const unopened = ["look.js", "work.js", "arrow.js"];
const modules = new Map();
let command = "";

/**
 * Where compiled code is kept: among the user's own caches, where nobody else writes; nowhere without such a place. Node's own cache holds no
 * function that is compiled when it is first called, and those are most. This one holds, for each command, the functions that it called.
 */
const cachesOf = (build) => {
  const home = env.XDG_CACHE_HOME || env.HOME;
  const found = home && fs.statSync(home, { throwIfNoEntry: false });
  if (!found || (process.getuid !== undefined && found.uid !== process.getuid())) return undefined;
  const caches = env.XDG_CACHE_HOME || `${home}/.cache`;
  return `${caches}/usr/compiled/${build}-${versions.v8}-${process.arch}`;
};

const read = (path) => {
  try {
    return fs.readFileSync(path);
  } catch {
    return undefined;
  }
};

const keep = ({ script, path, runs }) => {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const file = fs.openSync(temporary, "wx", 0o600);
    // Unlike writeSync, to the last byte or not at all.
    fs.writeFileSync(file, Buffer.concat([script.createCachedData(), Buffer.of(runs)]));
    // V8 checks neither source nor checksum of what it is given: a file is whole or not there.
    fs.fsyncSync(file);
    fs.closeSync(file);
    fs.renameSync(temporary, path);
  } catch {
    // What cannot be kept is compiled again.
    fs.rmSync(temporary, { force: true });
  }
};

/** Opens a file of the program with the compiled code that is kept at `path`. */
const open = (name, source, path) => {
  const kept = path === undefined ? undefined : read(path);
  const script = new Script(source, { filename: dist + name, cachedData: kept?.subarray(0, -1) });
  const runs = kept === undefined || script.cachedDataRejected ? 0 : kept.at(-1);
  if (path !== undefined && runs < RUNS) fresh.push({ script, path, runs: runs + 1 });
  packs.push(script.runInThisContext());
};

/** Text of a file of the program, which is ASCII. */
const sourceOf = (name) => fs.readFileSync(dist + name, "latin1");

const run = () => {
  const main = sourceOf("main.js");
  const caches = cachesOf(main.slice(2, main.indexOf("\n")));
  const load = (path) => {
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const name = path.slice(2);
    let pack = packs.find((each) => name in each);
    while (pack === undefined) {
      const file = unopened.shift();
      open(file, sourceOf(file), caches && `${caches}/${command}-${file}`);
      pack = packs.find((each) => name in each);
    }
    const module = { exports: {} };
    modules.set(path, module);
    pack[name](module.exports, load, module, __filename);
    return module.exports;
  };
  process.once("exit", (code) => {
    if (code === 0) for (const each of fresh) keep(each);
  });
  open("main.js", main, caches && `${caches}/main`);
  load("./main.js").start((name) => {
    command = name.replaceAll(" ", "-");
  });
};

/** Writes an answer; false where the program has to say what is wrong with stdout. */
const wrote = (answer) => {
  let rest = answer;
  try {
    while (rest.length > 0) rest = rest.subarray(fs.writeSync(1, rest));
  } catch (error) {
    if (error.code === "EAGAIN") process.stdout.on("error", () => {}).write(rest);
    else return error.code === "EPIPE";
  }
  return true;
};

const answer = argv.length === 3 && Object.hasOwn(ANSWERS, argv[2]) ? read(dist + ANSWERS[argv[2]]) : undefined;
if (answer === undefined || !wrote(answer)) run();
