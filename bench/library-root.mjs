import { randomBytes } from "node:crypto";
import { diskStorage } from "../packages/storage/dist/node/index.js";

/** The root at `path`, for a program that writes by the library. */
export const libraryRoot = (path) => ({
  storage: diskStorage(path),
  label: path,
  clock: () => BigInt(Date.now()) * 1000n,
  random: (n) => randomBytes(n),
  actor: { tool: "bench", run_id: "bench" },
  owner: { host: "bench", pid: process.pid, command: "bench" },
});
