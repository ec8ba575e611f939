/// <reference types="node" />
import { open, readFile } from "node:fs/promises";
import { FormatError, openTable } from "../../src/index.ts";

// Reads a Parquet file of a stranger to its end, as an import does, and says what came of it and how much memory it took.

const [path = "", limits = "{}"] = process.argv.slice(2);
await using handle = await open(path);
const { size } = await handle.stat();
const file = {
  meta: { size },
  read: async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    await handle.read(bytes, 0, length, offset);
    return bytes;
  },
};
let rows = 0;
let refused: string | undefined;
try {
  const table = await openTable({ file }, { format: "parquet", name: "in", limits: JSON.parse(limits) });
  for await (const batch of table.batches((_, type) => type)) rows += batch.numRows;
} catch (error) {
  if (!(error instanceof FormatError)) throw error;
  refused = `${error.code} ${error.message}`;
}
// Not of `resourceUsage`: its peak begins with that of the process this one was forked from.
const status = await readFile("/proc/self/status", "utf8").catch(() => "");
const mebibytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
process.stdout.write(JSON.stringify({ rows, refused, mebibytes }));
