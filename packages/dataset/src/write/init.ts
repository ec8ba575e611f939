import type { Batch } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { nullColumn } from "@usr/schema/columns";
import { scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { DERIVED_DIR, META_NOTES, RECORDS, SNAPSHOTS_DIR } from "../layout.ts";
import { requireRegistry } from "../read/registry.ts";
import { baseSchema } from "./base/shape.ts";
import { transact } from "./commit/transaction.ts";
import type { WritableRoot } from "./types.ts";

export interface InitOptions {
  readonly source?: string | undefined;
  readonly notes?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface InitResult {
  readonly dataset: string;
  readonly path: string;
}

/**
 * Creates an empty dataset: a base of no rows, `meta.md`, the frozen registry, one `init` event. Throws `DATASET_EXISTS` where the
 * id is taken, or lies inside a dataset, or holds datasets, or what is left of one that lost its base; `NO_REGISTRY` before any namespace is registered.
 */
export const initDataset = async (root: WritableRoot, id: string, o: InitOptions = {}): Promise<InitResult> => {
  const dataset = parseDatasetId(id);
  const result: InitResult = { dataset, path: `${dataset}/${RECORDS}` };
  await refuseTaken(root, dataset);
  for (const [name, text] of Object.entries({ source: o.source, notes: o.notes })) {
    if (text !== undefined && /[\r\n]/.test(text)) {
      throw new DatasetError("USAGE", `--${name} must be one line`, { details: { option: name, value: text } });
    }
  }
  if (o.dryRun === true) {
    await requireRegistry(root.storage);
    return result;
  }
  return transact(root, dataset, { command: "init", creates: true, freeze: "copy" }, async (tx) => {
    await refuseTaken(root, dataset);
    const createdAt = formatTimestamp(tx.nowUs, "us", true);
    const schema = baseSchema(undefined, { registryHash: tx.registryHash, createdAt });
    const empty: Batch = { schema, columns: schema.fields.map((f) => nullColumn(f.type, 0)), numRows: 0 };
    const notes = await tx.stage(new TextEncoder().encode(metaNotes(dataset, createdAt, o)));
    const records = await tx.stageParquet(schema, [empty]);
    return {
      result,
      commit: {
        prepare: [{ kind: "publish", from: notes.path, to: META_NOTES }],
        publish: { kind: "publish", from: records.path, to: RECORDS },
        action: "init",
        args: { source: o.source ?? "" },
        metrics: { rows: 0 },
        artifacts: { overlays: [] },
        target: records.path,
      },
    };
  });
};

const refuseTaken = async (root: WritableRoot, dataset: string): Promise<void> => {
  const [parent] = dataset.split("/");
  for (const id of new Set([dataset, parent ?? dataset])) {
    if (!(await has(root, `${id}/${RECORDS}`))) continue;
    throw new DatasetError(
      "DATASET_EXISTS",
      id === dataset ? `dataset ${dataset} exists already` : `${dataset} would lie inside the dataset ${id}`,
      {
        hint: id === dataset ? "Import into it, or choose another name." : "Choose another name.",
        details: { dataset: id },
      },
    );
  }
  for await (const { path } of scopedStorage(root.storage, dataset).list("")) {
    // Notes, a frozen registry and a log are what an interrupted init leaves.
    if (path.startsWith(DERIVED_DIR) || path.startsWith(SNAPSHOTS_DIR)) {
      throw new DatasetError("DATASET_EXISTS", `the folder ${dataset} holds ${path} of a dataset without base`, {
        hint: `Put back its ${RECORDS} (its snapshots may have it), or move the folder away.`,
        details: { dataset, path },
      });
    }
    if (!/^[^/]+\/records\.parquet$/.test(path)) continue;
    throw new DatasetError("DATASET_EXISTS", `${dataset} holds the dataset ${dataset}/${path.split("/")[0]}`, {
      hint: "A dataset may not lie inside another: choose another name.",
      details: { dataset },
    });
  }
};

const has = async (root: WritableRoot, path: string): Promise<boolean> => {
  const handle = await root.storage.open(path);
  await handle?.[Symbol.asyncDispose]();
  return handle !== undefined;
};

/** The layout the Python program expects; it finds a dataset by the first line. */
const metaNotes = (id: string, createdAt: string, o: InitOptions): string =>
  `name: ${id}
created_at: ${createdAt}
source: ${o.source ?? ""}
notes: ${o.notes ?? ""}
schema: USR v1

### Updates (${createdAt.slice(0, 10)})
- ${createdAt}: initialized dataset.
`;
