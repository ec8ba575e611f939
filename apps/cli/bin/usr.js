#!/usr/bin/env node
import module from "node:module";

const { versions, env } = process;
const [major = 0, minor = 0] = versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(`error: usr needs Node 22.15 or newer, and this is ${versions.node}.`);
  process.exit(8);
}
// Compiled code is kept among the user's own caches, where nobody else writes. Without a home there is nothing to keep it in.
const home = env.XDG_CACHE_HOME || env.HOME;
if (home && process.getBuiltinModule("node:fs").existsSync(home)) {
  module.enableCompileCache(`${env.XDG_CACHE_HOME || `${home}/.cache`}/usr/compiled`);
}
await import("../dist/main.js");
