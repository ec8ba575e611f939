import { SchemaError } from "../error.ts";
import { readSchema, readSchemaTable } from "../ipc/decode.ts";
import {
  corrupt,
  lengthAt,
  openFlatbuffer,
  readInt,
  readLength,
  readTable,
  readTables,
  readText,
  readVector,
  rootTable,
  type Table,
} from "../ipc/read-flatbuffer.ts";

const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;

/** Nodes and buffers are structs of two 64-bit numbers. */
const PAIR = 16;
const BLOCK = 24;
const MAX_ROWS = 2_147_483_647;

/**
 * Checks the metadata of one IPC message, because apache-arrow trusts it: an offset that leads outside can send it into a loop without end.
 *
 * @returns the size of the body that follows.
 * @throws SchemaError `CORRUPT` or `TOO_LARGE`.
 */
export function verifyMessage(metadata: Uint8Array): number {
  const message = rootTable(openFlatbuffer(metadata));
  const bodyLength = readLength(message, 3);
  verifyMetadata(message, 4);
  switch (readInt(message, 1, 1, 0)) {
    case SCHEMA:
      readSchema(message);
      verifyDictionaries(header(message), 1);
      break;
    case DICTIONARY_BATCH: {
      const batch = readTable(header(message), 1);
      if (batch === undefined) {
        throw corrupt("a dictionary is empty");
      }
      verifyBatch(batch, bodyLength);
      break;
    }
    case RECORD_BATCH:
      verifyBatch(header(message), bodyLength);
      break;
    default:
      throw corrupt("a message is neither schema nor batch");
  }
  return bodyLength;
}

/** Whether a verified message is a schema. */
export function isSchemaMessage(metadata: Uint8Array): boolean {
  return readInt(rootTable(openFlatbuffer(metadata)), 1, 1, 0) === SCHEMA;
}

/** Checks a whole file that has to be read from its end: the footer, and the messages it points at. */
export function verifyFile(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 10;
  const size = end >= 8 ? view.getInt32(end, true) : -1;
  if (size < 4 || end - size < 8 || String.fromCharCode(...bytes.subarray(end + 4)) !== "ARROW1") {
    throw corrupt("the file has no footer: it is cut short");
  }
  const footer = rootTable(openFlatbuffer(bytes.subarray(end - size, end)));
  const schema = readTable(footer, 1);
  if (schema === undefined) {
    throw corrupt("the footer has no schema");
  }
  readSchemaTable(schema);
  verifyDictionaries(schema, 1);
  verifyMetadata(footer, 4);
  for (const slot of [2, 3]) {
    const blocks = readVector(footer, slot, BLOCK);
    for (let i = 0; i < blocks.count; i += 1) {
      const at = blocks.at + BLOCK * i;
      const offset = lengthAt(footer.buffer, at);
      const metadataLength = footer.buffer.view.getInt32(at + 8, true);
      const bodyLength = lengthAt(footer.buffer, at + 16);
      if (metadataLength < 8 || offset + metadataLength + bodyLength > end - size) {
        throw corrupt("a block of the footer lies outside the file");
      }
      const prefix = view.getUint32(offset, true) === 0xffffffff ? 8 : 4;
      const length = view.getInt32(offset + prefix - 4, true);
      if (length < 4 || prefix + length > metadataLength) {
        throw corrupt("a block of the footer is no message");
      }
      if (verifyMessage(bytes.subarray(offset + prefix, offset + prefix + length)) > bodyLength) {
        throw corrupt("a message ends after its block");
      }
    }
  }
}

function header(message: Table): Table {
  const table = readTable(message, 2);
  if (table === undefined) {
    throw corrupt("a message is empty");
  }
  return table;
}

/** How fields refer to dictionaries: what `readSchema` has no use for. Its checks of depth and number hold here too. */
function verifyDictionaries(parent: Table, slot: number): void {
  for (const field of readTables(parent, slot)) {
    const encoding = readTable(field, 4);
    if (encoding !== undefined) {
      readTable(encoding, 1);
    }
    verifyDictionaries(field, 5);
  }
}

function verifyMetadata(table: Table, slot: number): void {
  for (const entry of readTables(table, slot)) {
    readText(entry, 0);
    readText(entry, 1);
  }
}

function verifyBatch(batch: Table, bodyLength: number): void {
  verifyRows(readLength(batch, 0));
  const nodes = readVector(batch, 1, PAIR);
  for (let i = 0; i < nodes.count; i += 1) {
    const rows = lengthAt(batch.buffer, nodes.at + PAIR * i);
    verifyRows(rows);
    if (lengthAt(batch.buffer, nodes.at + PAIR * i + 8) > rows) {
      throw corrupt(`of ${rows} rows more are missing`);
    }
  }
  const buffers = readVector(batch, 2, PAIR);
  for (let i = 0; i < buffers.count; i += 1) {
    const end = lengthAt(batch.buffer, buffers.at + PAIR * i) + lengthAt(batch.buffer, buffers.at + PAIR * i + 8);
    if (end > bodyLength) {
      throw corrupt(`a buffer ends at byte ${end} of ${bodyLength}`);
    }
  }
  readTable(batch, 3);
  const variadic = readVector(batch, 4, 8);
  let total = 0;
  for (let i = 0; i < variadic.count; i += 1) {
    total += lengthAt(batch.buffer, variadic.at + 8 * i);
  }
  if (total > buffers.count) {
    throw corrupt(`${total} buffers of text views are claimed, ${buffers.count} exist`);
  }
}

function verifyRows(rows: number): void {
  if (rows > MAX_ROWS) {
    throw new SchemaError("TOO_LARGE", `A record batch of ${rows} rows is too large.`, { details: { rows } });
  }
}
