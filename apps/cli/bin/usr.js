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

/**
 * So many runs of a command add to the compiled code that is kept for it, and as many again once one takes half the time: V8 forgets the code that a
 * long run used at its start. The last two bytes of a file are the tenths of a second of processor time of the shortest run, and how many there were.
 */
const RUNS = 3;

/** Runs of fewer tenths of a second forget nothing. */
const SHORT = 3;

/** Scripts that are open, with what is known of their compiled code. */
const opened = [];

/** Functions of the program by name, in each file that is open. */
const packs = new Map();
const modules = new Map();
/** The name of the command, and a dash, once it is known. */
let prefix = "";

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

const keep = (script, path, tenths, runs) => {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const file = fs.openSync(temporary, "wx", 0o600);
    // Unlike writeSync, to the last byte or not at all.
    const code = script.createCachedData();
    fs.writeFileSync(file, Buffer.concat([code, code, Buffer.of(tenths, runs)]));
    // A file is whole or not there.
    fs.fsyncSync(file);
    fs.closeSync(file);
    fs.renameSync(temporary, path);
  } catch {
    // What cannot be kept is compiled again.
    fs.rmSync(temporary, { force: true });
  }
};

/** Keeps the compiled code of what is open, where this run can add to it. */
const keepAll = () => {
  const { user, system } = process.cpuUsage();
  const tenths = Math.max(SHORT, Math.min(255, Math.ceil((user + system) / 1e5)));
  for (const { script, path, shortest, runs } of opened) {
    const shorter = tenths * 2 <= shortest;
    if (shorter || (runs < RUNS && tenths <= shortest * 2))
      keep(script, path, Math.min(tenths, shortest), shorter ? 1 : runs + 1);
  }
};

/**
 * What is kept at `path`. V8 runs what it is given without a look at its checksum, so the code lies there twice, and is no code where the two differ: to
 * compare them costs a third of a millisecond, and to load what computes a digest costs some.
 */
const keptAt = (path) => {
  const bytes = read(path);
  if (bytes === undefined) return undefined;
  const half = bytes.length / 2 - 1;
  const code = bytes.subarray(0, half);
  return code.equals(bytes.subarray(half, -2)) ? { code, counts: bytes.subarray(-2) } : undefined;
};

/** Opens a file of the program with the compiled code that is kept at `path`. */
const open = (name, source, path) => {
  const kept = path === undefined ? undefined : keptAt(path);
  const script = new Script(source, { filename: dist + name, cachedData: kept?.code });
  const [shortest, runs] = kept === undefined || script.cachedDataRejected ? [255, 0] : kept.counts;
  if (path !== undefined) opened.push({ script, path, shortest, runs });
  packs.set(name, script.runInThisContext());
};

/** Text of a file of the program, which is ASCII. */
const sourceOf = (name) => fs.readFileSync(dist + name, "latin1");

const run = () => {
  const main = sourceOf("main.js");
  const caches = cachesOf(main.slice(2, main.indexOf("\n")));
  const load = (path) => {
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const [file, name] = path.split("/");
    if (!packs.has(file)) open(file, sourceOf(file), caches && `${caches}/${prefix}${file}`);
    const module = { exports: {} };
    modules.set(path, module);
    packs.get(file)[name](module.exports, load, module, __filename);
    return module.exports;
  };
  process.once("exit", (code) => {
    if (code === 0) keepAll();
  });
  open("main.js", main, caches && `${caches}/main`);
  load("main.js/main.js").start((name) => {
    prefix = `${name.replaceAll(" ", "-")}-`;
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
