/// <reference types="node" />
// What `usr serve-remote --protocol 1 --marker M` does, without the rest of the command line.
import { serveStdio } from "../../src/node/ssh.ts";

const marker = process.argv[process.argv.indexOf("--marker") + 1] ?? "";
const write = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
await serveStdio({ input: process.stdin, write, marker });
