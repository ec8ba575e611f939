import { buildKeyIndex, type KeyIndex } from "@usr/overlay";
import type { KeyTable } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import { searchCandidates } from "@usr/parquet/lookup";
import { TOMBSTONE_FILE } from "../../layout.ts";
import { idLookup } from "../../read/lookup.ts";
import type { Snapshot } from "../../types.ts";
import { type LastRows, lastRows } from "../base/last-rows.ts";
import { type IdTaker, noOwnIds, type OwnIds, takeIds } from "./own-ids.ts";
import { packedIds } from "./packed-ids.ts";
import { deletedIds } from "./stored-ids.ts";

/** So many rows that are refused for one reason are shown. */
export const SAMPLES = 5;

/** What the ids of the rows of one import are held against: those that are stored, those that are deleted, and one another. */
export interface KnownIds extends IdTaker {
  /** Ids that are deleted. */
  readonly deleted: KeyTable;
}

/** The ids of a state of a dataset, for one import, which they take 20 bytes for each row of. The snapshot must have the tombstones open. */
export const knownIds = async (snapshot: Snapshot): Promise<KnownIds> => {
  const { file } = snapshot.base;
  const stored = file.numRows === 0 ? undefined : idLookup(file, { narrow: searchCandidates });
  const taken = packedIds();
  return {
    take: async (ids, words) => {
      taken.add(words, ids.length);
      const index = await stored?.(ids);
      return index === undefined || index.size === 0 ? undefined : index.lookupEach(ids);
    },
    repeated: () => taken.repeated(SAMPLES),
    deleted: await deletedIds(snapshot),
  };
};

/** What stays known from one import to the next. An import that fails must be the last one: the ids it has taken count as stored. */
export interface RememberedIds {
  readonly rows: LastRows;
  readonly of: (snapshot: Snapshot) => Promise<KnownIds>;
  /** The base has all ids that were taken since `of`, and is now the object of this etag. */
  added(etag: string): void;
}

/** For many imports in a row: all ids in memory (about 45 bytes each) and the rows behind the last full row group, read again only where another writer has changed the file they come from. */
export const rememberedIds = (): RememberedIds => {
  let known: { readonly base: KeyIndex; readonly own: OwnIds; etag: string } | undefined;
  let tombstones: { readonly deleted: KeyTable; readonly etag: string | undefined } | undefined;
  return {
    rows: lastRows(),
    of: async (snapshot) => {
      const { file, meta } = snapshot.base;
      if (known?.etag !== meta.etag) {
        const base = await buildKeyIndex("id", readBatches(file, { columns: ["id"] }));
        known = { base, own: noOwnIds(), etag: meta.etag };
      }
      const objects = snapshot.entries.flatMap((entry) => entry.objects);
      const etag = objects.find(({ path }) => path === TOMBSTONE_FILE)?.etag;
      if (tombstones === undefined || tombstones.etag !== etag)
        tombstones = { deleted: await deletedIds(snapshot), etag };
      return { ...takeIds(known.base, known.own, SAMPLES), deleted: tombstones.deleted };
    },
    added: (etag) => {
      if (known !== undefined) known.etag = etag;
    },
  };
};
