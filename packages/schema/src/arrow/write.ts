import * as arrow from "apache-arrow";
import { SchemaError } from "../error.ts";
import { formatType, sameType } from "../format-type.ts";
import type { Batch, Schema } from "../types.ts";
import { recordBatch } from "./to-arrow.ts";
import { schemaToArrow } from "./types.ts";

export interface WriteArrowOptions {
  readonly form: "file" | "stream";
  readonly signal?: AbortSignal | undefined;
}

/**
 * Arrow IPC of the batches, one record batch each, uncompressed. Chunks are views of the columns' memory: use them before it changes. Batches are
 * pulled as the bytes are.
 *
 * @throws SchemaError `TYPE_MISMATCH` if a batch does not have the fields of `schema`.
 */
export async function* writeArrow(
  schema: Schema,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  { form, signal }: WriteArrowOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = [];
  const sink = new arrow.AsyncByteQueue();
  // The writer only ever calls `write`; a queue of our own can be emptied after every batch, its own cannot.
  sink.write = (chunk) => {
    chunks.push(asBytes(chunk));
  };
  const writer = form === "file" ? new arrow.RecordBatchFileWriter() : new arrow.RecordBatchStreamWriter();
  const arrowSchema = schemaToArrow(schema);
  writer.reset(sink, arrowSchema);
  for await (const batch of batches) {
    signal?.throwIfAborted();
    checkFields(schema, batch.schema);
    writer.write(recordBatch(batch, arrowSchema));
    yield* chunks.splice(0);
  }
  writer.finish();
  yield* chunks;
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) {
    return chunk;
  }
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  throw new TypeError("The Arrow writer wrote something that is not bytes.");
}

function checkFields(expected: Schema, found: Schema): void {
  const matches =
    expected.fields.length === found.fields.length &&
    expected.fields.every((field, i) => {
      const other = found.fields[i]!;
      return field.name === other.name && sameType(field.type, other.type);
    });
  if (!matches) {
    const text = (schema: Schema): string =>
      schema.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(", ");
    throw new SchemaError("TYPE_MISMATCH", `A batch of (${text(found)}) cannot be written under (${text(expected)}).`);
  }
}
