import * as arrow from "apache-arrow";
import { SchemaError } from "../error.ts";
import { formatType, sameType } from "../format-type.ts";
import { type Block, encodeFooter } from "../ipc/encode.ts";
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
  let chunks: Uint8Array[] = [];
  const sink = new arrow.AsyncByteQueue();
  // The writer only ever calls `write`; a queue of our own can be emptied after every batch, its own cannot.
  sink.write = (chunk) => {
    chunks.push(asBytes(chunk));
  };
  const take = (): Uint8Array[] => {
    const taken = chunks;
    chunks = [];
    return taken;
  };
  const writer = new arrow.RecordBatchStreamWriter();
  const arrowSchema = schemaToArrow(schema);
  writer.reset(sink, arrowSchema);
  const file = form === "file" ? fileFrame(schema) : undefined;
  if (file !== undefined) {
    yield file.start();
  }
  const head = take();
  file?.skip(head);
  yield* head;
  for await (const batch of batches) {
    signal?.throwIfAborted();
    checkFields(schema, batch.schema);
    writer.write(recordBatch(batch, arrowSchema));
    const message = take();
    file?.addBatch(message);
    yield* message;
  }
  writer.finish();
  yield* take();
  if (file !== undefined) {
    yield file.end();
  }
}

interface FileFrame {
  start(): Uint8Array;
  skip(message: readonly Uint8Array[]): void;
  addBatch(message: readonly Uint8Array[]): void;
  end(): Uint8Array;
}

/**
 * What makes a stream a file: magic before, footer after. The file writer of apache-arrow leaves the schema message out, and such a file can only be
 * read from its end.
 */
function fileFrame(schema: Schema): FileFrame {
  const magic = new TextEncoder().encode("ARROW1");
  const blocks: Block[] = [];
  let offset = 8;
  return {
    start() {
      const padded = new Uint8Array(8);
      padded.set(magic);
      return padded;
    },
    skip(message) {
      offset += sizeOf(message);
    },
    addBatch(message) {
      const size = sizeOf(message);
      // Continuation marker, length of the metadata, metadata, body.
      const metadataLength = 8 + new DataView(message[1]!.buffer, message[1]!.byteOffset, 4).getInt32(0, true);
      blocks.push({ offset, metadataLength, bodyLength: size - metadataLength });
      offset += size;
    },
    end() {
      const footer = encodeFooter(schema, blocks);
      const bytes = new Uint8Array(footer.length + 4 + magic.length);
      bytes.set(footer);
      new DataView(bytes.buffer).setInt32(footer.length, footer.length, true);
      bytes.set(magic, footer.length + 4);
      return bytes;
    },
  };
}

function sizeOf(message: readonly Uint8Array[]): number {
  return message.reduce((sum, chunk) => sum + chunk.length, 0);
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
