import { type Extension, extendParquet } from "@usr/parquet/extend";
import type { Schema } from "@usr/schema";
import { RECORDS } from "../../layout.ts";
import type { BaseTable } from "../../types.ts";
import type { Staged, Transaction } from "../types.ts";

/** Who is refused waits for the end of a copy that has begun: some tenths of a second at this size. */
const MOST_BYTES = 128 * 1024 * 1024;

/** A copy of the base that is made while it is still to be seen what comes after how much of it. */
export interface EarlyCopy {
  /** Begins it. */
  begin(): void;
  /** Stages the base extended, whether a copy of it has begun or not. */
  extended(by: Extension): Promise<Staged>;
  /** Leaves nothing of it. To be awaited where nothing is staged. */
  discard(): Promise<void>;
}

/** `undefined` where a base is too large to be copied in vain, or cannot be extended under a schema. */
export const earlyCopy = (tx: Transaction, { file, meta }: BaseTable, schema: Schema): EarlyCopy | undefined => {
  const canExtend = tx.storage.extend !== undefined && extendParquet(schema, file, file.rowGroups.length, []);
  if (!canExtend || meta.size > MOST_BYTES) return undefined;
  let resolve = (_by: Extension): void => {};
  let reject = (_reason: Error): void => {};
  const extension = new Promise<Extension>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  extension.catch(() => {});
  async function* tail(): AsyncGenerator<Uint8Array> {
    yield* (await extension).tail;
  }
  const start = (): Promise<Staged> => {
    const length = extension.then((by) => by.length);
    const staging = tx.stageAfter({ path: RECORDS, etag: meta.etag, length }, tail());
    // They fail where they are waited for.
    length.catch(() => {});
    staging.catch(() => {});
    return staging;
  };
  let staged: Promise<Staged> | undefined;
  return {
    begin: () => {
      staged ??= start();
    },
    extended: (by) => {
      resolve(by);
      staged ??= start();
      return staged;
    },
    discard: async () => {
      reject(new Error("Nothing comes after the copy."));
      await staged?.catch(() => {});
    },
  };
};
