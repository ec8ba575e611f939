// A part as another program writes it: its rows on disk in the order in which they were computed, in large row groups.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { overlayMetadata, partName } from "../packages/overlay/dist/write/index.js";
import { writeParquet } from "../packages/parquet/dist/index.js";
import { FLOAT, scoreColumn, writeTable } from "./columns.mjs";

/** Puts a part of `namespace` with a number for every row of `order` beside the others of a dataset. */
export const writeStrangePart = async (dataset, namespace, { registryHash, ids, order, version }) => {
  const now = BigInt(Date.now()) * 1000n;
  const folder = join(dataset, "_derived", namespace);
  mkdirSync(folder, { recursive: true });
  await writeTable(
    join(folder, partName(now, String(version).padStart(32, "0"))),
    writeParquet,
    ids.bytes,
    order.length,
    [[`${namespace}__score`, FLOAT]],
    (rows) => [scoreColumn(rows, version)],
    { order, groupRows: 2 ** 20, metadata: overlayMetadata({ namespace, key: "id", createdAtUs: now, registryHash }) },
  );
};
