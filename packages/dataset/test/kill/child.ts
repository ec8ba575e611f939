/// <reference types="node" />
// Does deed after deed until it is killed: node --conditions=@usr/source child.ts ROOT SEED BASE_ROWS, the model as JSON on stdin.
import { randomBytes } from "node:crypto";
import { diskStorage } from "@usr/storage/node";
import type { WritableRoot } from "../../src/write/index.ts";
import { deedOf, modelOf, perform, told } from "./history.ts";

const [folder = "", seed = "0", baseRows = "0"] = process.argv.slice(2);

const root: WritableRoot = {
  storage: diskStorage(folder),
  label: folder,
  clock: () => BigInt(Date.now()) * 1000n,
  random: (bytes) => randomBytes(bytes),
  actor: { tool: "test", run_id: "kill", host: "here", pid: process.pid },
  owner: { host: "here", pid: process.pid, command: "kill" },
  lockTimeoutMs: 10_000,
};

let text = "";
for await (const chunk of process.stdin) text += String(chunk);
let { model, number } = modelOf(text);
for (; ; number++) {
  const deed = deedOf(Number(seed), number, Number(baseRows));
  process.stdout.write(`begin ${number}\n`);
  await perform(root, model, Number(baseRows), deed);
  model = told(model, deed);
  process.stdout.write(`done ${number}\n`);
}
