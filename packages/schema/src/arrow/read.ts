import * as arrow from "apache-arrow";
import { SchemaError } from "../error.ts";
import type { ArrowField } from "../ipc/decode.ts";
import type { Batch } from "../types.ts";
import { registerCodecs } from "./codecs.ts";
import { describeField, selectColumns } from "./from-arrow.ts";
import { verifiedInput } from "./messages.ts";

export interface ReadArrowOptions {
  readonly signal?: AbortSignal | undefined;
}

/** An Arrow IPC stream or file whose schema has been read. */
export interface ArrowReader {
  readonly fields: readonly ArrowField[];
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The record batches that have rows, in order, with the named columns in the order asked (all by default). Call it once; leaving the loop early closes the source.
   *
   * @throws SchemaError `NOT_SUPPORTED` if an asked column has a type outside the vocabulary, `TYPE_MISMATCH` if there is no such column, `CORRUPT`.
   */
  batches(options?: { readonly columns?: readonly string[] | undefined }): AsyncIterable<Batch>;
}

/**
 * Reads Arrow IPC, the stream or the file form, plain or compressed with LZ4 (or zstd, under Node). One record batch is held at a
 * time; dictionaries must come before the batches that use them, as all writers put them.
 *
 * @throws SchemaError `CORRUPT` if the bytes are no Arrow IPC; errors of the source as they are.
 */
export async function readArrow(
  bytes: AsyncIterable<Uint8Array>,
  options: ReadArrowOptions = {},
): Promise<ArrowReader> {
  registerCodecs();
  const source = watch(bytes, options.signal);
  const { reader, schema } = await open(source).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const fields = schema.fields.map(describeField);
  const metadata: ReadonlyMap<string, string> = new Map(schema.metadata);
  return {
    fields,
    metadata,
    async *batches({ columns } = {}) {
      const indices = columns === undefined ? fields.map((_, i) => i) : columns.map((name) => indexOf(fields, name));
      const iterator = reader[Symbol.asyncIterator]();
      try {
        while (true) {
          const step = await guard(source, async () => await iterator.next());
          if (step.done === true) {
            return;
          }
          // An input without record batches comes with an empty one made up by apache-arrow.
          if (step.value.numRows > 0) {
            yield selectColumns(step.value, metadata, indices, fields);
          }
        }
      } finally {
        await source.close();
      }
    },
  };
}

async function open(
  source: Source,
): Promise<{ readonly reader: arrow.RecordBatchReader; readonly schema: arrow.Schema }> {
  const reader = await guard(source, async () => {
    const input = await verifiedInput(source.chunks);
    const opened = await (input instanceof Uint8Array
      ? arrow.RecordBatchReader.from(input)
      : arrow.RecordBatchReader.from(input));
    await opened.open();
    return opened;
  });
  const schema: arrow.Schema | null | undefined = reader.schema;
  if (schema === undefined || schema === null) {
    throw new SchemaError("CORRUPT", "The input holds no Arrow schema: it is empty or not Arrow IPC.");
  }
  return { reader, schema };
}

function indexOf(fields: readonly ArrowField[], name: string): number {
  const index = fields.findIndex((field) => field.name === name);
  if (index < 0) {
    throw new SchemaError("TYPE_MISMATCH", `The Arrow input has no column ${JSON.stringify(name)}.`, {
      details: { column: name, columns: fields.map((field) => field.name) },
    });
  }
  return index;
}

interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Lets the source go; apache-arrow does not. */
  close(): Promise<void>;
  /** What the source itself threw: not the fault of the data. */
  failure(): { readonly error: unknown } | undefined;
}

function watch(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Source {
  let failed: { readonly error: unknown } | undefined;
  const iterator = bytes[Symbol.asyncIterator]();
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        signal?.throwIfAborted();
        const step = await iterator.next();
        if (step.done === true) {
          return;
        }
        yield step.value;
      }
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  return {
    chunks: chunks(),
    failure: () => failed,
    close: async () => {
      await iterator.return?.();
    },
  };
}

/** Runs a step of the decoder, whose errors have no type of their own. */
async function guard<T>(source: Source, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const failure = source.failure();
    if (failure !== undefined) {
      throw failure.error;
    }
    if (cause instanceof SchemaError) {
      throw cause;
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SchemaError("CORRUPT", `The input is no readable Arrow IPC: ${why}.`, { cause });
  }
}
