import { buildKeyIndex, type KeyIndex } from "@usr/overlay";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { TOMBSTONE_FILE } from "../layout.ts";
import { idLookup } from "../read/lookup.ts";
import type { Snapshot } from "../types.ts";
import { deletedIds } from "./stored-ids.ts";

/** What the ids of new rows are held against. */
export interface KnownIds {
  /** An index that knows which of some ids are stored in the base, tombstoned ones too; absent = none is. */
  readonly stored: ((ids: Column) => Promise<Pick<KeyIndex, "lookup">>) | undefined;
  /** Ids that are deleted. */
  readonly deleted: KeyTable;
}

/** The ids of a state of a dataset, for one import. The snapshot must have the tombstones open. */
export const knownIds = async (snapshot: Snapshot): Promise<KnownIds> => ({
  stored: snapshot.base.file.numRows === 0 ? undefined : idLookup(snapshot.base.file),
  deleted: await deletedIds(snapshot),
});

/** Ids that stay known from one import to the next. */
export interface RememberedIds {
  readonly of: (snapshot: Snapshot) => Promise<KnownIds>;
  /** The base has these ids, 40 bytes each, beside those that were known last, and is now the object of this etag. */
  added(etag: string, ids: readonly Uint8Array[]): void;
}

const ID = 40;

/** For many imports in a row: all ids in memory (about 45 bytes each), read again only where another writer has changed the file they come from. */
export const rememberedIds = (): RememberedIds => {
  let known: { readonly base: KeyIndex; readonly own: KeyTable; etag: string } | undefined;
  let tombstones: { readonly deleted: KeyTable; readonly etag: string | undefined } | undefined;
  return {
    of: async (snapshot) => {
      const { file, meta } = snapshot.base;
      if (known?.etag !== meta.etag) {
        const base = await buildKeyIndex("id", readBatches(file, { columns: ["id"] }));
        known = { base, own: createKeyTable({ expected: 0, fold: false }), etag: meta.etag };
      }
      const objects = snapshot.entries.flatMap((entry) => entry.objects);
      const etag = objects.find(({ path }) => path === TOMBSTONE_FILE)?.etag;
      if (tombstones === undefined || tombstones.etag !== etag)
        tombstones = { deleted: await deletedIds(snapshot), etag };
      const { base, own } = known;
      const lookup: KeyIndex["lookup"] = (bytes, start, end) => {
        const row = base.lookup(bytes, start, end);
        return row >= 0 ? row : own.find(bytes, start, end);
      };
      return {
        stored: file.numRows === 0 ? undefined : async () => ({ lookup }),
        deleted: tombstones.deleted,
      };
    },
    added: (etag, ids) => {
      if (known === undefined) return;
      for (const some of ids) for (let at = 0; at < some.length; at += ID) known.own.add(some, at, at + ID, 0);
      known.etag = etag;
    },
  };
};
