import type { Decompress } from "../codecs/codec.ts";
import { crc32 } from "../codecs/crc.ts";
import { type EvenLevels, evenLevels, rowsBefore } from "../encodings/even-levels.ts";
import { decodePlain, decodeValues, type PageValues, type PlainValues } from "../encodings/page-values.ts";
import { bitWidth, decodeHybrid } from "../encodings/rle.ts";
import { corrupt, notSupported, tooLarge } from "../error.ts";
import type { SchemaNode } from "../footer/format.ts";
import { ENCODING, HEADER, PAGE } from "../footer/format.ts";
import { expansionLimit, type Limits } from "../limits.ts";
import type { Memory } from "../pieces.ts";
import { getBool, getI32, getStruct } from "../thrift/fields.ts";
import { readThrift, type ThriftStruct } from "../thrift/read.ts";

export interface Page {
  /** Level entries: values, missing values and empty lists. */
  readonly entries: number;
  /** Absent = every entry has a value. */
  readonly defs: Uint8Array | undefined;
  /** Absent = every entry starts a row, unless the levels are `even`. */
  readonly reps: Uint8Array | undefined;
  /** Every row has the same number of entries, each with a value: then neither level is written out. */
  readonly even: EvenLevels | undefined;
  readonly present: number;
  readonly values: PageValues;
}

export interface PageHeader {
  readonly type: number;
  readonly uncompressed: number;
  readonly compressed: number;
  /** Where the body starts. */
  readonly body: number;
  /** Entries of a data page, values of a dictionary page. */
  readonly count: number;
  readonly detail: ThriftStruct;
  readonly crc: number | undefined;
}

/** Bytes that a page header may have. */
export const LONGEST_HEADER = 65_536;

/** Bytes of the page at `at`, header and body, as its header says; the header is known to be there. What it says is not checked. */
export function pageSize(bytes: Uint8Array, at: number): number {
  const { value: header, next: body } = readThrift(bytes, at, bytes.length, LONGEST_HEADER);
  return body - at + Math.max(0, getI32(header, HEADER.compressed) ?? 0);
}

/** Reads the page header at `at`; the body is known to lie inside of `bytes`, its sizes to be inside of the limits. */
export function readPageHeader(bytes: Uint8Array, at: number, limits: Limits): PageHeader {
  const { value: header, next: body } = readThrift(bytes, at, bytes.length, LONGEST_HEADER);
  const type = getI32(header, HEADER.type);
  const uncompressed = getI32(header, HEADER.uncompressed) ?? -1;
  const compressed = getI32(header, HEADER.compressed) ?? -1;
  if (uncompressed < 0 || compressed < 0) throw corrupt("a page header declares no sizes");
  if (compressed > bytes.length - body)
    throw corrupt("a page runs past its column chunk", { compressed, left: bytes.length - body });
  if (uncompressed > limits.pageBytes)
    throw tooLarge(`A page declares ${uncompressed} bytes.`, "pageBytes", { uncompressed });
  if (uncompressed > expansionLimit(compressed, limits)) {
    throw tooLarge(`A page declares ${uncompressed} bytes out of ${compressed} compressed ones.`, "expansion", {
      uncompressed,
      compressed,
    });
  }
  const field =
    type === PAGE.data
      ? HEADER.data
      : type === PAGE.dataV2
        ? HEADER.dataV2
        : type === PAGE.dictionary
          ? HEADER.dictionary
          : undefined;
  if (type === undefined || type < 0 || type > 3) throw corrupt(`unknown page type ${type}`);
  const detail = field === undefined ? new Map() : getStruct(header, field);
  if (detail === undefined) throw corrupt("a page header lacks its details");
  const count = field === undefined ? 0 : (getI32(detail, 1) ?? -1);
  if (count < 0) throw corrupt("a page header declares no value count");
  if (count > limits.pageValues) throw tooLarge(`A page declares ${count} values.`, "pageValues", { count });
  return { type, uncompressed, compressed, body, count, detail, crc: getI32(header, HEADER.crc) };
}

/** The bytes of a page behind its header, as they lie there. Throws where they do not match their checksum. */
export function bodyOf(bytes: Uint8Array, header: PageHeader): Uint8Array {
  const body = bytes.subarray(header.body, header.body + header.compressed);
  if (header.crc !== undefined && crc32(body) !== header.crc >>> 0) throw corrupt("a page does not match its checksum");
  return body;
}

/** Where the compressed bytes of a data page start and what they come to; -1 where they are not compressed, or the header contradicts itself. */
export function compressedBody(header: PageHeader): { readonly start: number; readonly size: number } {
  if (header.type !== PAGE.dataV2) return { start: header.body, size: header.uncompressed };
  const levels = (getI32(header.detail, 5) ?? 0) + (getI32(header.detail, 6) ?? 0);
  const compressed = getBool(header.detail, 7) ?? true;
  const size = header.uncompressed - levels;
  return { start: compressed && levels >= 0 && size > 0 ? header.body + levels : -1, size };
}

/** Rows of a data page as far as its header tells. */
export function declaredRows(header: PageHeader, leaf: SchemaNode): number | undefined {
  if (leaf.rep === 0) return header.count;
  return header.type === PAGE.dataV2 ? getI32(header.detail, 3) : undefined;
}

/** Decodes a dictionary page; dictionaries are always PLAIN. */
export function decodeDictionary(
  bytes: Uint8Array,
  header: PageHeader,
  leaf: SchemaNode,
  decompress: Decompress,
  limits: Limits,
): PlainValues {
  const encoding = getI32(header.detail, 2);
  if (encoding !== ENCODING.plain && encoding !== ENCODING.plainDictionary)
    throw corrupt(`a dictionary page has encoding ${encoding}`);
  const data = decompress(bodyOf(bytes, header), header.uncompressed);
  return decodePlain(leaf, data, 0, data.length, header.count, limits);
}

/** Decodes a data page of either version. Its values may lie in what `memory` gave. */
export function decodeDataPage(
  bytes: Uint8Array,
  header: PageHeader,
  leaf: SchemaNode,
  decompress: Decompress,
  dictionary: PlainValues | undefined,
  limits: Limits,
  memory?: Memory,
): Page {
  const body = bodyOf(bytes, header);
  const entries = header.count;
  const v2 = header.type === PAGE.dataV2;
  let data: Uint8Array;
  let at = 0;
  let reps: Uint8Array | undefined;
  let defs: Uint8Array | undefined;
  let even: EvenLevels | undefined;
  let repeated: readonly [start: number, end: number] | undefined;
  if (v2) {
    const defBytes = getI32(header.detail, 5) ?? 0;
    const repBytes = getI32(header.detail, 6) ?? 0;
    const levels = defBytes + repBytes;
    if (defBytes < 0 || repBytes < 0 || levels > body.length || levels > header.uncompressed)
      throw corrupt("page levels run past the page");
    defs = leaf.def > 0 ? decodeLevels(body, repBytes, levels, leaf.def, entries, leaf.def) : undefined;
    if (leaf.rep === 1 && defs === undefined) even = evenLevels(body, 0, repBytes, entries);
    if (leaf.rep > 0 && even === undefined) reps = decodeLevels(body, 0, repBytes, leaf.rep, entries, 0);
    const packed = body.subarray(levels);
    const size = header.uncompressed - levels;
    if (!(getBool(header.detail, 7) ?? true)) {
      if (packed.length !== size) throw corrupt(`a page holds ${packed.length} bytes, its header says ${size}`);
      data = packed;
    } else {
      data = size === 0 ? packed.subarray(0, 0) : decompress(packed, size, memory);
    }
  } else {
    data = decompress(body, header.uncompressed, memory);
    if (leaf.rep > 0) {
      const end = levelsEnd(data, at, getI32(header.detail, 4));
      repeated = [at + 4, end];
      at = end;
    }
    if (leaf.def > 0) {
      const end = levelsEnd(data, at, getI32(header.detail, 3));
      defs = decodeLevels(data, at + 4, end, leaf.def, entries, leaf.def);
      at = end;
    }
    if (repeated !== undefined) {
      if (leaf.rep === 1 && defs === undefined) even = evenLevels(data, ...repeated, entries);
      if (even === undefined) reps = decodeLevels(data, ...repeated, leaf.rep, entries, 0);
    }
  }
  let present = entries;
  if (defs !== undefined) {
    present = 0;
    for (let i = 0; i < entries; i++) if (defs[i] === leaf.def) present++;
  }
  if (v2) checkV2Counts(header.detail, leaf, entries, present, countRows({ reps, even }, 0, entries));
  const encoding = getI32(header.detail, v2 ? 4 : 2) ?? -1;
  const values = decodeValues(leaf, encoding, data, at, data.length, present, dictionary, limits);
  return { entries, defs, reps, even, present, values };
}

function checkV2Counts(detail: ThriftStruct, leaf: SchemaNode, entries: number, present: number, held: number): void {
  // For nested columns writers disagree on what num_nulls counts; for flat ones there is one meaning.
  const nulls = getI32(detail, 2);
  if (leaf.rep === 0 && leaf.def <= 1 && nulls !== undefined && nulls !== entries - present) {
    throw corrupt(`a page declares ${nulls} missing values and has ${entries - present}`);
  }
  const rows = getI32(detail, 3);
  if (rows !== undefined && rows !== held) throw corrupt(`a page declares ${rows} rows and has ${held}`);
}

/** Rows that start in entries `[start, end)`. */
export function countRows({ reps, even }: Pick<Page, "reps" | "even">, start: number, end: number): number {
  if (even !== undefined) return rowsBefore(even, end) - rowsBefore(even, start);
  if (reps === undefined) return end - start;
  let rows = 0;
  for (let i = start; i < end; i++) if (reps[i] === 0) rows++;
  return rows;
}

function levelsEnd(data: Uint8Array, at: number, encoding: number | undefined): number {
  if (encoding === ENCODING.bitPacked) throw notSupported("A page has levels in the deprecated BIT_PACKED encoding.");
  if (encoding !== ENCODING.rle) throw corrupt(`page levels have encoding ${encoding}`);
  if (data.length - at < 4) throw corrupt("page levels are cut short");
  const length = new DataView(data.buffer, data.byteOffset + at, 4).getUint32(0, true);
  if (length > data.length - at - 4) throw corrupt("page levels run past the page");
  return at + 4 + length;
}

/** `undefined` = every level is `usual`. */
function decodeLevels(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
  count: number,
  usual: number,
): Uint8Array | undefined {
  const width = bitWidth(max);
  if (count === 0 || isOneRun(bytes, start, end, count, usual)) return undefined;
  const levels = new Uint8Array(count);
  decodeHybrid(bytes, start, end, width, count, levels);
  let other = 0;
  for (let i = 0; i < count; i++) {
    const level = levels[i]!;
    if (level > max) throw corrupt(`a level of ${level} where ${max} is the highest`);
    other |= level ^ usual;
  }
  return other === 0 ? undefined : levels;
}

function isOneRun(bytes: Uint8Array, start: number, end: number, count: number, value: number): boolean {
  let at = start;
  let header = 0;
  for (let shift = 0; ; shift += 7) {
    if (at >= end || shift > 28) return false;
    const b = bytes[at++]!;
    header += (b & 0x7f) * 2 ** shift;
    if (b < 0x80) break;
  }
  return (header & 1) === 0 && header / 2 >= count && at < end && bytes[at] === value;
}
