import { corrupt, notSupported, tooLarge } from "../error.ts";
import { expansionLimit, type Limits } from "../limits.ts";
import type { ByteRange } from "../source.ts";
import { getBytes } from "../thrift/fields.ts";
import {
  type Cursor,
  END_OF_STRUCT,
  enterList,
  enterStruct,
  nextField,
  passStruct,
  passText,
  readI32,
  readSize,
  readThrift,
  skipField,
  type ThriftStruct,
  WIRE,
} from "../thrift/read.ts";
import type { SchemaNode } from "./format.ts";
import { CHUNK, ELEMENT, GROUP, META, STATS } from "./format.ts";

export interface FooterRowGroup {
  readonly numRows: number;
  readonly startRow: number;
  readonly byteSize: number;
  readonly chunks: readonly Chunk[];
}

/** One leaf column of one row group. A thousand files of twenty columns have 20,000 of them: they hold numbers, and the footer's bytes the rest. */
export class Chunk {
  readonly start: number;
  readonly length: number;
  readonly codec: number;
  readonly numValues: number;
  readonly uncompressed: number;
  /** By the statistics; `undefined` = they do not tell. */
  readonly nulls: number | undefined;
  readonly offsetIndex: ByteRange | undefined;
  readonly filter: ByteRange | undefined;
  private readonly footer: Uint8Array;
  private readonly metaAt: number;

  constructor(footer: Uint8Array, fields: Fields, start: number, places: Places) {
    this.start = start;
    this.length = fields.length;
    this.codec = fields.codec;
    this.numValues = fields.numValues;
    this.uncompressed = fields.uncompressed;
    this.nulls = fields.nulls < 0 ? undefined : fields.nulls;
    this.offsetIndex = places.offsetIndex;
    this.filter = places.filter;
    this.footer = footer;
    this.metaAt = fields.metaAt;
  }

  /** All that the footer says, decoded anew each time. */
  get meta(): ThriftStruct {
    return readThrift(this.footer, this.metaAt, this.footer.length, Number.POSITIVE_INFINITY).value;
  }
}

interface Places {
  readonly offsetIndex: ByteRange | undefined;
  readonly filter: ByteRange | undefined;
}

/** What the metadata of a chunk says; -1 = nothing. */
interface Fields {
  metaAt: number;
  type: number;
  codec: number;
  numValues: number;
  length: number;
  uncompressed: number;
  dataPage: number;
  dictionary: number;
  nulls: number;
  indexAt: number;
  indexLength: number;
  filterAt: number;
  filterLength: number;
  isEncrypted: boolean;
}

/** The row group at the cursor, checked against the schema and the size of the file. */
export function decodeRowGroup(
  c: Cursor,
  index: number,
  startRow: number,
  leaves: readonly SchemaNode[],
  dataEnd: number,
  limits: Limits,
): FooterRowGroup {
  let numRows = -1;
  let found: Fields[] = [];
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    if (id === GROUP.numRows) numRows = size(c, id);
    else if (id === GROUP.columns) {
      const count = enterList(c, id, WIRE.struct);
      if (count !== leaves.length) throw otherCount(index, count, leaves.length);
      found = leaves.map((leaf, i) => readChunk(c, leaf, () => placeOf(i, index)));
    } else skipField(c);
  }
  given(numRows, "row count of a row group");
  if (found.length !== leaves.length) throw otherCount(index, 0, leaves.length);
  let byteSize = 0;
  const chunks = found.map((fields, i) => {
    byteSize += fields.length;
    return checkedChunk(c.bytes, fields, leaves[i]!, () => placeOf(i, index), numRows, dataEnd, limits);
  });
  return { numRows, startRow, byteSize, chunks };
}

/** The rows of the row group at the cursor. Of what is said of its chunks only the encoding is checked, and that there is one for each leaf. */
export function countRowGroup(c: Cursor, index: number, leaves: number): number {
  let numRows = -1;
  let chunks = 0;
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    if (id === GROUP.numRows) numRows = size(c, id);
    else if (id === GROUP.columns) {
      chunks = enterList(c, id, WIRE.struct);
      if (chunks !== leaves) throw otherCount(index, chunks, leaves);
      for (let i = 0; i < chunks; i++) passStruct(c);
    } else skipField(c);
  }
  given(numRows, "row count of a row group");
  if (chunks !== leaves) throw otherCount(index, 0, leaves);
  return numRows;
}

function otherCount(index: number, count: number, leaves: number): Error {
  return corrupt(`row group ${index} has ${count} column chunks, the schema ${leaves} columns`);
}

function placeOf(column: number, rowGroup: number): string {
  return `column ${column} of row group ${rowGroup}`;
}

function size(c: Cursor, id: number): number {
  const value = readSize(c, id);
  if (value < 0) throw corrupt(`metadata field ${id} is not a size`);
  return value;
}

function readChunk(c: Cursor, leaf: SchemaNode, where: () => string): Fields {
  const fields: Fields = {
    metaAt: -1,
    type: -1,
    codec: -1,
    numValues: -1,
    length: -1,
    uncompressed: -1,
    dataPage: -1,
    dictionary: -1,
    nulls: -1,
    indexAt: 0,
    indexLength: 0,
    filterAt: 0,
    filterLength: 0,
    isEncrypted: false,
  };
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    if (id === CHUNK.meta && c.wire === WIRE.struct) {
      fields.metaAt = c.at;
      readMeta(c, fields, leaf, where);
    } else if (id === CHUNK.filePath && c.wire === WIRE.binary) {
      if (passText(c) > 0) throw notSupported("The Parquet file keeps columns in other files.");
    } else if (id === CHUNK.meta || id === CHUNK.filePath) {
      throw corrupt(`metadata field ${id} is not what it should be`);
    } else if (id === CHUNK.offsetIndexOffset) fields.indexAt = size(c, id);
    else if (id === CHUNK.offsetIndexLength) fields.indexLength = readI32(c, id);
    else {
      fields.isEncrypted ||= id === CHUNK.crypto || id === CHUNK.encryptedMeta;
      skipField(c);
    }
  }
  return fields;
}

function readMeta(c: Cursor, fields: Fields, leaf: SchemaNode, where: () => string): void {
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    switch (id) {
      case META.type:
        fields.type = readI32(c, id);
        break;
      case META.codec:
        fields.codec = readI32(c, id);
        break;
      case META.path:
        checkPath(c, leaf, where);
        break;
      case META.numValues:
        fields.numValues = size(c, id);
        break;
      case META.totalCompressed:
        fields.length = size(c, id);
        break;
      case META.totalUncompressed:
        fields.uncompressed = size(c, id);
        break;
      case META.dataPageOffset:
        fields.dataPage = size(c, id);
        break;
      case META.dictionaryPageOffset:
        fields.dictionary = size(c, id);
        break;
      case META.bloomOffset:
        fields.filterAt = size(c, id);
        break;
      case META.bloomLength:
        fields.filterLength = readI32(c, id);
        break;
      case META.statistics:
        if (c.wire === WIRE.struct) fields.nulls = readNulls(c);
        else skipField(c);
        break;
      default:
        skipField(c);
    }
  }
}

/** A chunk names its column from the top; the last name is that of the leaf. */
function checkPath(c: Cursor, leaf: SchemaNode, where: () => string): void {
  const names = enterList(c, META.path, WIRE.binary);
  let length = 0;
  for (let i = 0; i < names; i++) length = passText(c);
  if (names === 0) return;
  const name = getBytes(leaf.element, ELEMENT.name);
  let same = name?.length === length;
  for (let i = 0; same && i < length; i++) same = name?.[i] === c.bytes[c.at - length + i];
  if (!same) throw corrupt(`${where()} names another column`);
}

function readNulls(c: Cursor): number {
  let nulls = -1;
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    if (id === STATS.nullCount && (c.wire === WIRE.i64 || c.wire === WIRE.i32)) nulls = readSize(c, id);
    else skipField(c);
  }
  return nulls;
}

function given(value: number, what: string): void {
  if (value < 0) throw corrupt(`the footer lacks a ${what}`);
}

function checkedChunk(
  footer: Uint8Array,
  fields: Fields,
  leaf: SchemaNode,
  where: () => string,
  numRows: number,
  dataEnd: number,
  limits: Limits,
): Chunk {
  if (fields.metaAt < 0) {
    if (fields.isEncrypted) throw notSupported("The Parquet file has encrypted columns.");
    throw corrupt(`${where()} has no metadata`);
  }
  const { type, numValues, length, uncompressed, dataPage, dictionary } = fields;
  given(type, "column type");
  given(numValues, "value count");
  given(length, "compressed size");
  given(uncompressed, "uncompressed size");
  given(dataPage, "data page offset");
  given(fields.codec, "codec");
  if (type !== leaf.physical) throw corrupt(`${where()} has physical type ${type}, the schema says ${leaf.physical}`);
  // Some writers store 0 for "no dictionary".
  const start = dictionary >= 4 && dictionary < dataPage ? dictionary : dataPage;
  // A chunk without values is never read; pyarrow gives it an offset of 0.
  if (numValues > 0) {
    if (start < 4 || start + length > dataEnd || dataPage >= start + Math.max(length, 1))
      throw corrupt(`${where()} lies outside of the file`, { start, length, dataEnd });
  }
  if (leaf.rep === 0 ? numValues !== numRows : numValues < numRows) {
    throw corrupt(`${where()} declares ${numValues} values for ${numRows} rows`, { numValues, numRows });
  }
  if (uncompressed > limits.chunkBytes)
    throw tooLarge(`${where()} declares ${uncompressed} uncompressed bytes.`, "chunkBytes", { uncompressed });
  if (uncompressed > expansionLimit(length, limits)) {
    throw tooLarge(`${where()} declares ${uncompressed} bytes out of ${length} compressed ones.`, "expansion", {
      uncompressed,
      length,
    });
  }
  const place = (offset: number, bytes: number): ByteRange | undefined =>
    offset >= 4 && bytes > 0 && offset + bytes <= dataEnd ? { offset, length: bytes } : undefined;
  return new Chunk(footer, fields, start, {
    offsetIndex: place(fields.indexAt, fields.indexLength),
    filter: place(fields.filterAt, fields.filterLength),
  });
}
