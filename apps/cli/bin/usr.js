#!/usr/bin/env node
import module from "node:module";
import { versions } from "node:process";

const [major = 0, minor = 0] = versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(`error: usr needs Node 22.15 or newer, and this is ${versions.node}.`);
  process.exit(8);
}
module.enableCompileCache();
await import("../dist/main.js");
