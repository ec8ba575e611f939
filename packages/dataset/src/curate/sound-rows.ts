import { ALPHABETS, type Alphabet } from "@usr/id";
import { createBulkChecker } from "@usr/id/bulk";
import type { Batch, Column, Utf8Column } from "@usr/schema";
import { ID_LENGTH, isAlphabet } from "../identity.ts";
import { sameIds } from "../write/attach/base-ids.ts";
import { evenOffsets } from "../write/import/growing.ts";
import { createKeyDigests, type KeyDigests } from "../write/key-digests.ts";
import { constantText } from "./text-cells.ts";

/** What rows are told by, 40 hex digits each. */
export interface RowDigests {
  readonly ids: Uint8Array;
  /** Of the sequences but for case. */
  readonly folded: Uint8Array;
}

/**
 * Digests of batches of the columns id, sequence, bio type and alphabet whose rows are all of one kind and sound: the symbols are of the alphabet, and the
 * ids are those of the sequences. `undefined` for any other, whose rows are to be looked at one by one.
 */
export const soundRows = (): ((batch: Batch) => RowDigests | undefined) => {
  const kinds = new Map<string, Kind>();
  return ({ columns: [ids, sequences, bioTypes, alphabets] }) => {
    const [bioType, alphabet] = [constantText(bioTypes), constantText(alphabets)];
    if (bioType === undefined || alphabet === undefined || sequences?.layout !== "utf8") return undefined;
    if (!isAlphabet(alphabet) || ALPHABETS[alphabet].bioType !== bioType) return undefined;
    const kind = kinds.get(alphabet) ?? kindOf(bioType, alphabet);
    kinds.set(alphabet, kind);
    const { data, offsets, length } = sequences;
    if (kind.check(data, offsets[0]!, offsets[length]!) >= 0) return undefined;
    const digests = kind.exact(sequences);
    if (digests === undefined || ids === undefined || !holdsIds(ids, digests)) return undefined;
    const folded = isUpperCase(sequences) ? digests : kind.folded(sequences);
    return folded && { ids: digests, folded };
  };
};

interface Kind {
  readonly check: ReturnType<typeof createBulkChecker>;
  readonly exact: KeyDigests;
  readonly folded: KeyDigests;
}

const kindOf = (bioType: string, alphabet: Alphabet): Kind => ({
  check: createBulkChecker(alphabet, bioType),
  exact: createKeyDigests("exact", bioType),
  folded: createKeyDigests("case", bioType),
});

const holdsIds = (column: Column, ids: Uint8Array): boolean => {
  const length = ids.length / ID_LENGTH;
  const own: Column = { layout: "utf8", type: column.type, length, offsets: evenOffsets(length, ID_LENGTH), data: ids };
  return column.length === length && sameIds(column, own, 0);
};

const isUpperCase = ({ data, offsets, length }: Utf8Column): boolean => {
  for (let k = offsets[0]!; k < offsets[length]!; k++) if (data[k]! >= 97 && data[k]! <= 122) return false;
  return true;
};
