// What an append cannot do without where files are not cloned: a process, and the base copied by the kernel, flushed and put in its place.
// node bench/copy-floor.mjs BASE OUT
import { closeSync, copyFileSync, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";

const [base, out] = process.argv.slice(2);
const flushed = (path, flags) => {
  const file = openSync(path, flags);
  fsyncSync(file);
  closeSync(file);
};
copyFileSync(base, `${out}.new`);
flushed(`${out}.new`, "r+");
renameSync(`${out}.new`, out);
flushed(dirname(out), "r");
