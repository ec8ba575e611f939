import { corrupt, notSupported, tooLarge } from "./error.ts";
import { CHUNK, ELEMENT, FILE, GROUP, META, PHYSICAL, REPETITION } from "./format.ts";
import type { ByteRange } from "./source.ts";
import { readThrift, type ThriftList, type ThriftStruct } from "./thrift.ts";
import { getBytes, getI32, getSize, getStruct, getStructs, getText, getTexts } from "./thrift-fields.ts";
import type { DecodeLimits } from "./types.ts";

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

/** One leaf column of one row group. */
export interface Chunk {
  readonly raw: ThriftStruct;
  readonly meta: ThriftStruct;
  readonly start: number;
  readonly length: number;
  readonly codec: number;
  readonly numValues: number;
  readonly uncompressed: number;
  readonly offsetIndex: ByteRange | undefined;
  readonly filter: ByteRange | undefined;
}

export interface FooterRowGroup {
  readonly numRows: number;
  readonly startRow: number;
  readonly byteSize: number;
  readonly chunks: readonly Chunk[];
}

export interface Footer {
  /** Where the footer starts: everything before it is column chunks and what they point to. */
  readonly dataEnd: number;
  readonly columns: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
  readonly numRows: number;
  readonly rowGroups: readonly FooterRowGroup[];
  readonly keyValues: ReadonlyMap<string, string>;
  readonly createdBy: string | undefined;
  readonly columnOrders: ThriftList | undefined;
}

export type Limits = { readonly [K in keyof Required<DecodeLimits>]: number };

export function resolveLimits(o: DecodeLimits = {}): Limits {
  return {
    footerBytes: o.footerBytes ?? 64 * 2 ** 20,
    footerValues: o.footerValues ?? 16 * 2 ** 20,
    columns: o.columns ?? 16_384,
    rowGroups: o.rowGroups ?? 262_144,
    chunkBytes: o.chunkBytes ?? 64 * 2 ** 30,
    pageBytes: o.pageBytes ?? 2 ** 30,
    pageValues: o.pageValues ?? 64 * 2 ** 20,
    heldBytes: o.heldBytes ?? 64 * 2 ** 30,
    expansion: o.expansion ?? 65_536,
  };
}

/** Uncompressed size that `compressed` bytes may declare. */
export function expansionLimit(compressed: number, limits: Limits): number {
  return 2 ** 20 + compressed * limits.expansion;
}

const MAX_LEVEL = 200;

/** Decodes and cross-checks a footer. `dataEnd` is where it starts in the file: every chunk lies before it. */
export function decodeFooter(bytes: Uint8Array, dataEnd: number, limits: Limits): Footer {
  const { value: meta } = readThrift(bytes, 0, bytes.length, limits.footerValues);
  if (meta.has(FILE.encryption)) throw notSupported("The Parquet file is encrypted.");
  const { columns, leaves } = decodeSchema(meta, limits);
  const numRows = required(getSize(meta, FILE.numRows), "row count");
  const rawGroups = getStructs(meta, FILE.rowGroups) ?? [];
  if (rawGroups.length > limits.rowGroups) {
    throw tooLarge(`The Parquet file declares ${rawGroups.length} row groups.`, "rowGroups", {
      rowGroups: rawGroups.length,
    });
  }
  const rowGroups: FooterRowGroup[] = [];
  let startRow = 0;
  for (const [index, raw] of rawGroups.entries()) {
    const group = decodeRowGroup(raw, index, startRow, leaves, dataEnd, limits);
    rowGroups.push(group);
    startRow += group.numRows;
  }
  if (startRow !== numRows)
    throw corrupt(`the footer declares ${numRows} rows, its row groups ${startRow}`, { numRows, sum: startRow });
  const orders = meta.get(FILE.columnOrders);
  const columnOrders =
    typeof orders === "object" && "kind" in orders && orders.kind === "list" && orders.items.length === leaves.length
      ? orders
      : undefined;
  return {
    dataEnd,
    columns,
    leaves,
    numRows,
    rowGroups,
    keyValues: decodeKeyValues(meta),
    createdBy: getText(meta, FILE.createdBy),
    columnOrders,
  };
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw corrupt(`the footer lacks a ${what}`);
  return value;
}

function decodeKeyValues(meta: ThriftStruct): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const pair of getStructs(meta, FILE.keyValues) ?? [])
    map.set(required(getText(pair, 1), "metadata key"), getText(pair, 2) ?? "");
  return map;
}

export function decodeSchema(
  meta: ThriftStruct,
  limits: Limits,
): { readonly columns: readonly SchemaNode[]; readonly leaves: readonly SchemaNode[] } {
  const elements = required(getStructs(meta, FILE.schema), "schema");
  if (elements.length > limits.columns * 4)
    throw tooLarge(`The Parquet file declares ${elements.length} schema elements.`, "columns");
  const leaves: SchemaNode[] = [];
  let at = 0;
  const walk = (parentDef: number, parentRep: number, root: boolean, depth: number): SchemaNode => {
    const element = elements[at++];
    if (element === undefined) throw corrupt("the schema has fewer elements than its groups declare");
    if (depth > MAX_LEVEL) throw notSupported("The Parquet schema is nested more than 200 levels deep.");
    const repetition = root ? REPETITION.required : (getI32(element, ELEMENT.repetition) ?? REPETITION.required);
    if (repetition < 0 || repetition > 2) throw corrupt(`unknown repetition ${repetition} in the schema`);
    const def = parentDef + (repetition === REPETITION.required ? 0 : 1);
    const rep = parentRep + (repetition === REPETITION.repeated ? 1 : 0);
    const numChildren = getI32(element, ELEMENT.numChildren) ?? 0;
    if (numChildren < 0 || numChildren > elements.length - at)
      throw corrupt(`a schema group declares ${numChildren} children`);
    const physical = getI32(element, ELEMENT.type);
    const name = root
      ? (getText(element, ELEMENT.name) ?? "")
      : required(getText(element, ELEMENT.name), "column name");
    const firstLeaf = leaves.length;
    const isLeaf = !root && numChildren === 0 && physical !== undefined;
    const typeLength = getI32(element, ELEMENT.typeLength) ?? 0;
    if (isLeaf) {
      if (physical < 0 || physical > 7) throw corrupt(`unknown physical type ${physical} of column "${name}"`);
      if (physical === PHYSICAL.fixed && typeLength <= 0)
        throw corrupt(`column "${name}" declares a width of ${typeLength} bytes`);
      const leaf: SchemaNode = {
        name,
        element,
        repetition,
        children: [],
        physical,
        typeLength,
        def,
        rep,
        firstLeaf,
        leafCount: 1,
      };
      leaves.push(leaf);
      return leaf;
    }
    const children: SchemaNode[] = [];
    for (let i = 0; i < numChildren; i++) children.push(walk(def, rep, false, depth + 1));
    return {
      name,
      element,
      repetition,
      children,
      physical: undefined,
      typeLength,
      def,
      rep,
      firstLeaf,
      leafCount: leaves.length - firstLeaf,
    };
  };
  const root = walk(0, 0, true, 0);
  if (at !== elements.length) throw corrupt("the schema has more elements than its groups declare");
  if (leaves.length > limits.columns)
    throw tooLarge(`The Parquet file declares ${leaves.length} leaf columns.`, "columns", { columns: leaves.length });
  return { columns: root.children, leaves };
}

function decodeRowGroup(
  raw: ThriftStruct,
  index: number,
  startRow: number,
  leaves: readonly SchemaNode[],
  dataEnd: number,
  limits: Limits,
): FooterRowGroup {
  const numRows = required(getSize(raw, GROUP.numRows), "row count of a row group");
  const rawChunks = getStructs(raw, GROUP.columns) ?? [];
  if (rawChunks.length !== leaves.length) {
    throw corrupt(`row group ${index} has ${rawChunks.length} column chunks, the schema ${leaves.length} columns`);
  }
  let byteSize = 0;
  const chunks = rawChunks.map((chunk, i) => {
    const decoded = decodeChunk(chunk, leaves[i]!, `column ${i} of row group ${index}`, numRows, dataEnd, limits);
    byteSize += decoded.length;
    return decoded;
  });
  return { numRows, startRow, byteSize, chunks };
}

function decodeChunk(
  raw: ThriftStruct,
  leaf: SchemaNode,
  where: string,
  numRows: number,
  dataEnd: number,
  limits: Limits,
): Chunk {
  if (getBytes(raw, CHUNK.filePath)?.length) throw notSupported("The Parquet file keeps columns in other files.");
  const meta = getStruct(raw, CHUNK.meta);
  if (meta === undefined) {
    if (raw.has(CHUNK.crypto) || raw.has(CHUNK.encryptedMeta))
      throw notSupported("The Parquet file has encrypted columns.");
    throw corrupt(`${where} has no metadata`);
  }
  const type = required(getI32(meta, META.type), "column type");
  if (type !== leaf.physical) throw corrupt(`${where} has physical type ${type}, the schema says ${leaf.physical}`);
  const path = getTexts(meta, META.path);
  if (path !== undefined && path.length > 0 && path[path.length - 1] !== leaf.name)
    throw corrupt(`${where} names another column`);
  const numValues = required(getSize(meta, META.numValues), "value count");
  const length = required(getSize(meta, META.totalCompressed), "compressed size");
  const uncompressed = required(getSize(meta, META.totalUncompressed), "uncompressed size");
  const dataPage = required(getSize(meta, META.dataPageOffset), "data page offset");
  const dictionary = getSize(meta, META.dictionaryPageOffset);
  const codec = required(getI32(meta, META.codec), "codec");
  // Some writers store 0 for "no dictionary".
  const start = dictionary !== undefined && dictionary >= 4 && dictionary < dataPage ? dictionary : dataPage;
  // A chunk without values is never read; pyarrow gives it an offset of 0.
  if (numValues > 0) {
    if (start < 4 || start + length > dataEnd || dataPage >= start + Math.max(length, 1))
      throw corrupt(`${where} lies outside of the file`, { start, length, dataEnd });
  }
  if (leaf.rep === 0 ? numValues !== numRows : numValues < numRows) {
    throw corrupt(`${where} declares ${numValues} values for ${numRows} rows`, { numValues, numRows });
  }
  if (uncompressed > limits.chunkBytes)
    throw tooLarge(`${where} declares ${uncompressed} uncompressed bytes.`, "chunkBytes", { uncompressed });
  if (uncompressed > expansionLimit(length, limits)) {
    throw tooLarge(`${where} declares ${uncompressed} bytes out of ${length} compressed ones.`, "expansion", {
      uncompressed,
      length,
    });
  }
  const place = (from: ThriftStruct, offsetId: number, lengthId: number): ByteRange | undefined => {
    const offset = getSize(from, offsetId) ?? 0;
    const size = getI32(from, lengthId) ?? 0;
    return offset >= 4 && size > 0 && offset + size <= dataEnd ? { offset, length: size } : undefined;
  };
  return {
    raw,
    meta,
    start,
    length,
    codec,
    numValues,
    uncompressed,
    offsetIndex: place(raw, CHUNK.offsetIndexOffset, CHUNK.offsetIndexLength),
    filter: place(meta, META.bloomOffset, META.bloomLength),
  };
}
