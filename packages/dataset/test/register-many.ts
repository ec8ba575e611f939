/// <reference types="node" />
// One of several writers of one registry: node --conditions=@usr/source register-many.ts ROOT NAME COUNT; it begins when a line comes on stdin
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseColumnSpecs } from "@usr/registry";
import { registerNamespace } from "../src/write/index.ts";
import { rootAt } from "./history/history.ts";

const [folder = "", name = "", count = "0"] = process.argv.slice(2);
const root = { ...rootAt(folder), lockTimeoutMs: 110_000 };

process.stdout.write("ready\n");
await once(process.stdin, "data");

for (let i = 0; i < Number(count); i++) {
  const namespace = `${name}_${i}`;
  await registerNamespace(root, { namespace, columns: parseColumnSpecs(namespace, "n:int64") });
  process.stdout.write(`${namespace}\n`);
  // Some work of its own, for the others to come in.
  await sleep(20);
}
