import type { ThriftStruct } from "../thrift/read.ts";

// The numbers of parquet.thrift that this package uses.

export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;
export const REPETITION = { required: 0, optional: 1, repeated: 2 } as const;
export const ENCODING = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  bitPacked: 4,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const;
export const CODEC = { uncompressed: 0, snappy: 1, gzip: 2, lzo: 3, brotli: 4, lz4: 5, zstd: 6, lz4Raw: 7 } as const;
export const PAGE = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;
export const CONVERTED = {
  utf8: 0,
  map: 1,
  mapKeyValue: 2,
  list: 3,
  timestampMillis: 9,
  timestampMicros: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18,
} as const;
/** Members of the LogicalType union. */
export const LOGICAL = { string: 1, map: 2, list: 3, timestamp: 8, integer: 10, unknown: 11, float16: 15 } as const;

/** Field numbers, by structure. */
export const FILE = {
  version: 1,
  schema: 2,
  numRows: 3,
  rowGroups: 4,
  keyValues: 5,
  createdBy: 6,
  columnOrders: 7,
  encryption: 8,
} as const;
export const ELEMENT = {
  type: 1,
  typeLength: 2,
  repetition: 3,
  name: 4,
  numChildren: 5,
  converted: 6,
  scale: 7,
  precision: 8,
  fieldId: 9,
  logical: 10,
} as const;
export const GROUP = {
  columns: 1,
  totalByteSize: 2,
  numRows: 3,
  fileOffset: 5,
  totalCompressedSize: 6,
  ordinal: 7,
} as const;
export const CHUNK = {
  filePath: 1,
  fileOffset: 2,
  meta: 3,
  offsetIndexOffset: 4,
  offsetIndexLength: 5,
  columnIndexOffset: 6,
  columnIndexLength: 7,
  crypto: 8,
  encryptedMeta: 9,
} as const;
export const META = {
  type: 1,
  encodings: 2,
  path: 3,
  codec: 4,
  numValues: 5,
  totalUncompressed: 6,
  totalCompressed: 7,
  keyValues: 8,
  dataPageOffset: 9,
  indexPageOffset: 10,
  dictionaryPageOffset: 11,
  statistics: 12,
  encodingStats: 13,
  bloomOffset: 14,
  bloomLength: 15,
} as const;
export const STATS = {
  max: 1,
  min: 2,
  nullCount: 3,
  distinctCount: 4,
  maxValue: 5,
  minValue: 6,
  maxExact: 7,
  minExact: 8,
} as const;
/** The header of a bloom filter. */
export const FILTER = { bytes: 1, algorithm: 2, hash: 3, compression: 4 } as const;
export const HEADER = { type: 1, uncompressed: 2, compressed: 3, crc: 4, data: 5, dictionary: 7, dataV2: 8 } as const;

/** One element of the file's schema with what follows from its place in the tree. */
export interface SchemaNode {
  readonly name: string;
  /** The element as the file has it, for copying. */
  readonly element: ThriftStruct;
  readonly repetition: number;
  readonly children: readonly SchemaNode[];
  /** Set on leaves. */
  readonly physical: number | undefined;
  readonly typeLength: number;
  /** Definition and repetition level reached when this node has a value. */
  readonly def: number;
  readonly rep: number;
  /** Index of its first leaf among the file's leaves, and how many there are below. */
  readonly firstLeaf: number;
  readonly leafCount: number;
}
