/// <reference types="node" />
// One of several writers: node --conditions=@usr/source attach-many.ts ROOT NAME COUNT CLOCK_OFFSET_US; it begins when a line comes on stdin
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { diskStorage } from "@usr/storage/node";
import type { WritableRoot } from "../src/write/index.ts";
import { attach } from "../src/write/index.ts";
import { csv } from "./tables.ts";

const [folder = "", name = "", count = "0", offset = "0"] = process.argv.slice(2);

const root: WritableRoot = {
  storage: diskStorage(folder),
  label: folder,
  clock: () => BigInt(Date.now()) * 1000n + BigInt(offset),
  random: (bytes) => randomBytes(bytes),
  actor: { tool: "test", run_id: name, host: "here", pid: process.pid },
  owner: { host: "here", pid: process.pid, command: "attach" },
  lockTimeoutMs: 110_000,
};

process.stdout.write("ready\n");
await once(process.stdin, "data");

for (let i = 0; i < Number(count); i++) {
  const table = await csv(`sequence,score,tag\nAAAA,${i},${name}-${i}\n`);
  const o = { path: "input.csv", namespace: "mock", key: "sequence", overwrite: true } as const;
  const { part } = await attach(root, "demo", table, o);
  process.stdout.write(`${part}\n`);
  // Some work of its own, for the others to come in.
  await sleep(20);
}
