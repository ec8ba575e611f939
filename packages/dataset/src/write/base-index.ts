import { buildKeyIndex, type KeyIndex, type OverlayKey } from "@usr/overlay";
import { readBatches } from "@usr/parquet";
import type { ReadableStorage } from "@usr/storage";
import { type IdIndex, idIndex } from "../read/lookup.ts";
import type { Snapshot } from "../types.ts";

interface Known {
  readonly dataset: string;
  readonly etag: string;
  readonly key: OverlayKey;
  readonly index: KeyIndex;
}

/** The index made last for each store. One part after another is written over one base, and reading its keys is much of the cost of a part. */
const last = new WeakMap<ReadableStorage, Known>();

/**
 * The base rows of a dataset by key. Few ids cost the row groups that may hold them; otherwise the index is that of the whole base, which is
 * kept until another is made for the same store: about 45 bytes a row for ids. A base with another etag is another base.
 */
export const baseIndex = async (
  storage: ReadableStorage,
  { id: dataset, base: { file, meta } }: Snapshot,
  key: OverlayKey,
): Promise<IdIndex> => {
  const known = last.get(storage);
  const { etag } = meta;
  if (known?.dataset === dataset && known.etag === etag && known.key === key) return settled(known.index);
  const whole = async (): Promise<KeyIndex> => {
    last.delete(storage);
    const columns = key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"];
    const index = await buildKeyIndex(key, readBatches(file, { columns }), {
      rows: file.numRows,
      expected: file.numRows,
    });
    last.set(storage, { dataset, etag, key, index });
    return index;
  };
  // A sequence key is only sound over the whole base.
  return key === "id" ? idIndex(file, { whole }) : settled(await whole());
};

const settled = (index: KeyIndex): IdIndex => ({ index, ask: async () => {} });
