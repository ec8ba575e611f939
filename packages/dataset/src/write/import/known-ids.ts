import { buildKeyIndex, type KeyIndex } from "@usr/overlay";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { TOMBSTONE_FILE } from "../../layout.ts";
import { idLookup } from "../../read/lookup.ts";
import type { Snapshot } from "../../types.ts";
import { type LastRows, lastRows } from "../base/last-rows.ts";
import { evenOffsets } from "./growing.ts";
import { deletedIds } from "./stored-ids.ts";

/** What the ids of new rows are held against. */
export interface KnownIds {
  /** An index that knows which of some ids are stored in the base, tombstoned ones too; absent = none is. */
  readonly stored: ((ids: Column) => Promise<Pick<KeyIndex, "lookupEach">>) | undefined;
  /** Ids that are deleted. */
  readonly deleted: KeyTable;
}

/** The ids of a state of a dataset, for one import. The snapshot must have the tombstones open. */
export const knownIds = async (snapshot: Snapshot): Promise<KnownIds> => ({
  stored: snapshot.base.file.numRows === 0 ? undefined : idLookup(snapshot.base.file),
  deleted: await deletedIds(snapshot),
});

/** What stays known from one import to the next. */
export interface RememberedIds {
  readonly rows: LastRows;
  readonly of: (snapshot: Snapshot) => Promise<KnownIds>;
  /** The base has these ids, 40 bytes each, beside those that were known last, and is now the object of this etag. */
  added(etag: string, ids: readonly Uint8Array[]): void;
}

const ID = 40;

/** For many imports in a row: all ids in memory (about 45 bytes each) and the rows behind the last full row group, read again only where another writer has changed the file they come from. */
export const rememberedIds = (): RememberedIds => {
  let known: { readonly base: KeyIndex; readonly own: KeyTable; etag: string } | undefined;
  let tombstones: { readonly deleted: KeyTable; readonly etag: string | undefined } | undefined;
  return {
    rows: lastRows(),
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
      const lookupEach: KeyIndex["lookupEach"] = (column) => {
        const rows = base.lookupEach(column);
        if (own.size === 0) return rows;
        const later = new Int32Array(column.length);
        // Ids of new rows are made here: 40 hex digits, none of which is left to be looked up alone.
        own.findEach(column.data, column.offsets, later);
        for (let i = 0; i < rows.length; i++) if (rows[i]! < 0) rows[i] = later[i]!;
        return rows;
      };
      return {
        stored: file.numRows === 0 ? undefined : async () => ({ lookupEach }),
        deleted: tombstones.deleted,
      };
    },
    added: (etag, ids) => {
      if (known === undefined) return;
      const { own } = known;
      for (const some of ids) {
        const count = some.length / ID;
        // Numbered as they come, so that the table need not keep a number for each.
        own.addEach(some, evenOffsets(count, ID), 0, count, own.size, new Int32Array(count));
      }
      known.etag = etag;
    },
  };
};
