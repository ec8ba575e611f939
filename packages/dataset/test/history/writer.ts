/// <reference types="node" />
// Does deed after deed until it is killed: node --conditions=@usr/source writer.ts ROOT SEED BASE_ROWS [PAUSE_MS], the model as JSON on stdin.
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { deedOf, modelOf, perform, rootAt, told } from "./history.ts";

const [folder = "", seed = "0", baseRows = "0", pauseMs = "0"] = process.argv.slice(2);

const root = rootAt(folder);

// Where NODE_COMPILE_CACHE names a folder; who is killed keeps nothing on its way out.
flushCompileCache();

let text = "";
for await (const chunk of process.stdin) text += String(chunk);
let { model, number } = modelOf(text);
for (; ; number++) {
  const deed = deedOf(Number(seed), number, Number(baseRows));
  process.stdout.write(`begin ${number}\n`);
  await perform(root, model, deed);
  model = told(model, deed, number);
  process.stdout.write(`done ${number}\n`);
  await sleep(Number(pauseMs));
}
