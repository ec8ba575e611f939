/// <reference types="node" />
// Opens a remote, and only then reads what was typed.
import { text } from "node:stream/consumers";
import { openSsh } from "../../src/node/ssh.ts";

const [, , command = "", baseDir = ""] = process.argv;
await using site = await openSsh({ host: "far", baseDir, interactive: false }, { label: "far", command });
console.log(`datasets: ${(await site.datasets()).length}`);
process.stdout.write(await text(process.stdin));
