import { sequenceId } from "@usr/id";
import type { Storage } from "@usr/storage";
import { datasetSchema } from "../src/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { partBytes } from "./make.ts";
import { attachCsv, demoRoot, register, rowsOf } from "./write-support.ts";

export const MODES = ["archive", "drop", "keep"] as const;

/** Values of all columns by name, and their types: what must not change. */
export const view = async (root: WritableRoot, id = "demo"): Promise<unknown> => {
  const { fields } = await datasetSchema(root, id);
  return {
    types: Object.fromEntries(fields.map(({ name, type }) => [name, type])),
    rows: await rowsOf(root, id, { includeDeleted: true }),
  };
};

export const paths = async (root: WritableRoot, prefix: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list(`demo/${prefix}`)) found.push(path.slice("demo/".length));
  return found;
};

/** Two namespaces, one in two parts, the other a single file keyed otherwise. */
export const layered = async (storage?: Storage): Promise<WritableRoot> => {
  const root = await demoRoot(storage);
  await register(root, "zz", "zz__n:int64");
  await attachCsv(root, "demo", 'sequence,score,vec\nAAAA,1,"[1,null]"\nCCCC,NaN,\nTGCA,3,[]\n');
  await attachCsv(root, "demo", "sequence,score,tag\nAAAA,2,x\nTGCA,,\n", { overwrite: true });
  const id = ["CCCC", "GGGG"].map((sequence) => sequenceId("dna", sequence));
  await root.storage.put(
    "demo/_derived/zz.parquet",
    await partBytes("zz", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", id],
      zz__n: ["int64", [9_007_199_254_740_993n, null]],
    }),
  );
  return root;
};
