import { buildKeyIndex, type KeyIndex, type OverlayKey } from "@usr/overlay";
import { type ParquetFile, readBatches } from "@usr/parquet";
import type { ReadableStorage } from "@usr/storage";
import { type IdIndex, idIndex, idLookup } from "../../read/lookup.ts";
import type { Snapshot } from "../../types.ts";
import { type BaseKeys, baseKeys } from "./base-keys.ts";
import { idsInOrder, type WholeIds } from "./ids-in-order.ts";

/** The rows of a base by key. */
export interface BaseIndex extends IdIndex {
  /** Where keys can be taken from the base: once its ids were all read, and are what their keys are. */
  readonly keys: BaseKeys | undefined;
}

interface Known {
  readonly dataset: string;
  readonly etag: string;
  readonly key: OverlayKey;
  /** For sequence keys. */
  readonly index?: KeyIndex;
  readonly ids: WholeIds;
}

/** What was read last for each store. One part after another is written over one base, and reading its keys is much of the cost of a part. */
const last = new WeakMap<ReadableStorage, Known>();

/**
 * The base rows of a dataset by key. Few ids cost the row groups that may hold them. Ids that are those of the base, in its order, are compared with
 * them; any others want a table of all. What was read is kept until another base is asked for in the same store: 40 to 45 bytes a row for
 * ids. A base with another etag is another base.
 */
export const baseIndex = async (
  storage: ReadableStorage,
  { id: dataset, base: { file, meta } }: Snapshot,
  key: OverlayKey,
): Promise<BaseIndex> => {
  const { etag } = meta;
  const before = last.get(storage);
  const known = before?.dataset === dataset && before.etag === etag && before.key === key ? before : undefined;
  if (key !== "id") {
    // A sequence key is only sound over the whole base.
    if (known === undefined) last.delete(storage);
    const index = known?.index ?? (await sequenceIndex(key, file));
    last.set(storage, { dataset, etag, key, index, ids: {} });
    return { index, ask: async () => {}, keys: undefined };
  }
  const ids: WholeIds = known?.ids ?? {};
  const walk = idsInOrder(file, ids);
  const whole: typeof walk = (column) => {
    last.set(storage, { dataset, etag, key, ids });
    return walk(column);
  };
  const copied = baseKeys(file, ids);
  return {
    ...idIndex(file, ids.table === undefined ? idLookup(file, { whole }) : walk),
    get keys() {
      return ids.exact === true ? copied : undefined;
    },
  };
};

const sequenceIndex = (key: OverlayKey, file: ParquetFile): Promise<KeyIndex> =>
  buildKeyIndex(key, readBatches(file, { columns: ["sequence", "bio_type", "alphabet"] }), {
    rows: file.numRows,
    expected: file.numRows,
  });
