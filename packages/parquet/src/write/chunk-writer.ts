import { encodeFilter } from "../bloom/bloom.ts";
import type { Compressor } from "../codecs/codec.ts";
import { buildDictionary, type Dictionary } from "../encodings/dictionary.ts";
import { levelWriter } from "../encodings/level-writer.ts";
import { bitWidth, encodeHybrid } from "../encodings/rle.ts";
import { encodePlainTexts, encodeValues, type LeafValues, leafValues } from "../encodings/values.ts";
import { CODEC, ENCODING, HEADER, META, PAGE, PHYSICAL } from "../footer/format.ts";
import { concatBytes, sizeOf } from "../pieces.ts";
import { type ThriftStruct, WIRE } from "../thrift/read.ts";
import { list, struct, writeThrift } from "../thrift/write.ts";
import type { Shredded } from "./shred.ts";
import { statisticsOf } from "./statistics.ts";

export interface ChunkSettings {
  /** `undefined` = uncompressed. */
  readonly compress: Compressor | undefined;
  readonly pageBytes: number;
  /** The share of absent texts that their bloom filter lets through; `undefined` = they get none. */
  readonly filter: number | undefined;
  /** Names of the leaf from the top, for its metadata. */
  readonly path: readonly string[];
  readonly history: LeafHistory;
}

/** What the chunks of a leaf written so far let expect of the next one. */
export interface LeafHistory {
  /** Whether the last one had a dictionary, or there was none. */
  repeats: boolean;
}

export interface PageLocation {
  readonly offset: number;
  readonly length: number;
  readonly firstRow: number;
}

export interface WrittenChunk {
  readonly meta: ThriftStruct;
  readonly start: number;
  readonly length: number;
  readonly uncompressed: number;
  /** What its offset index says. */
  readonly pages: readonly PageLocation[];
  /** Header and bits of its bloom filter; what is copied is read when it is asked for. */
  readonly filter: (() => Promise<Uint8Array | undefined>) | undefined;
  /** Place and length of its offset index, once that is in the file. */
  readonly index?: readonly [number, number] | undefined;
}

const utf8 = new TextEncoder();

/** Pages are made and compressed ahead of their turn up to this many bytes a chunk. */
const AHEAD = 8 * 2 ** 20;

/** A chunk whose first pages are on their way. */
export interface StartedChunk {
  /** Bytes of the pages that are made, and held until they are placed. */
  readonly made: number;
  /** Whether others compress some of them; where not, placing them waits for nobody. */
  readonly waits: boolean;
  /** Yields the pages, to be placed at `offset` in the file, and returns what the footer says of them. */
  place(offset: number): AsyncGenerator<Uint8Array, WrittenChunk, undefined>;
}

/** Starts to encode one leaf. */
export function startChunk(s: Shredded, settings: ChunkSettings): StartedChunk {
  const values = leafValues(s);
  const dictionary = worthIt(buildDictionary(values, settings.history.repeats), values);
  settings.history.repeats = dictionary !== undefined;
  const pages = ahead(packedPages(s, values, dictionary, settings), AHEAD);
  return {
    made: pages.made,
    waits: pages.waits,
    place: (offset) => placeChunk(s, values, dictionary, pages, offset, settings),
  };
}

interface PackedPage {
  readonly range: PageRange;
  readonly plain: number;
  readonly packed: readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  readonly compressed: boolean;
}

/** The first items at once, up to `limit` bytes, and then as many as are taken. */
function ahead(
  pages: Iterator<PackedPage, void, undefined>,
  limit: number,
): { readonly made: number; readonly waits: boolean; take(): PackedPage | undefined } {
  const made: PackedPage[] = [];
  let bytes = 0;
  const make = (): void => {
    while (bytes < limit) {
      const next = pages.next();
      if (next.done) return;
      made.push(next.value);
      bytes += next.value.plain;
    }
  };
  make();
  return {
    made: bytes,
    waits: made.some(({ packed }) => packed instanceof Promise),
    take: () => {
      const page = made.shift();
      bytes -= page?.plain ?? 0;
      make();
      return page;
    },
  };
}

function* packedPages(
  s: Shredded,
  values: LeafValues,
  dictionary: Dictionary | undefined,
  settings: ChunkSettings,
): Generator<PackedPage, void, undefined> {
  const { physical } = s.leaf.leaf;
  const isFloat =
    dictionary === undefined &&
    (physical === PHYSICAL.float || physical === PHYSICAL.double || physical === PHYSICAL.fixed);
  let { compress } = settings;
  let first = true;
  const levels = levelWriter(s);
  for (const range of pageRanges(s, values, dictionary, settings.pageBytes)) {
    const parts = [...levels(range), ...pageValues(range, values, dictionary)];
    const plain = sizeOf(parts);
    let packed: PackedPage["packed"] = parts;
    // Measured floats are mostly noise; where the first of them shrink by less than a tenth the chunk is kept as it is.
    if (compress !== undefined && isFloat && first && !shrinks(compress, parts.at(-1)!)) compress = undefined;
    if (compress !== undefined) {
      const small = compress.soon(parts);
      packed = small instanceof Promise ? small.then((bytes) => [bytes]) : [small];
      // A writer that ends early asks for no more pages, and nobody is left to hear of a failure.
      if (packed instanceof Promise) packed.catch(() => {});
    }
    first = false;
    yield { range, plain, packed, compressed: compress !== undefined };
  }
}

/** Bytes that tell whether all of them are worth compressing. */
const SAMPLE = 128 * 1024;

function shrinks(compress: Compressor, values: Uint8Array): boolean {
  const sample = values.subarray(0, SAMPLE);
  return compress.now([sample]).length <= sample.length * 0.9;
}

async function* placeChunk(
  s: Shredded,
  values: LeafValues,
  dictionary: Dictionary | undefined,
  packedAhead: { take(): PackedPage | undefined },
  offset: number,
  settings: ChunkSettings,
): AsyncGenerator<Uint8Array, WrittenChunk, undefined> {
  const { leaf, type } = s.leaf;
  let at = offset;
  let uncompressed = 0;
  let compressed = settings.compress !== undefined;
  const place = (
    header: (plain: number, packed: number) => ThriftStruct,
    plain: number,
    packed: readonly Uint8Array[],
  ): readonly Uint8Array[] => {
    const size = sizeOf(packed);
    const head = writeThrift(header(plain, size));
    at += head.length + size;
    uncompressed += head.length + plain;
    return [head, ...packed];
  };

  let dictionaryOffset: number | undefined;
  if (dictionary !== undefined) {
    dictionaryOffset = at;
    const { values: distinct } = dictionary;
    const parts = distinct.kind === "bytes" ? [encodePlainTexts(distinct)] : encodeValues(distinct, 0, distinct.count);
    const body = concatBytes(parts);
    const packed = settings.compress?.now([body]) ?? body;
    yield* place(
      (plain, size) =>
        pageHeader(
          PAGE.dictionary,
          plain,
          size,
          HEADER.dictionary,
          struct([
            [1, distinct.count],
            [2, ENCODING.plain],
          ]),
        ),
      body.length,
      [packed],
    );
  }
  const encoding =
    dictionary !== undefined
      ? ENCODING.rleDictionary
      : values.kind === "bytes"
        ? ENCODING.deltaLengthByteArray
        : ENCODING.plain;
  const dataOffset = at;
  const pages: PageLocation[] = [];
  for (let page = packedAhead.take(); page !== undefined; page = packedAhead.take()) {
    const { range, plain } = page;
    const packed = await page.packed;
    compressed = page.compressed;
    const start = at;
    const detail = struct([
      [1, range.end - range.start],
      [2, encoding],
      [3, ENCODING.rle],
      [4, ENCODING.rle],
    ]);
    yield* place((size, stored) => pageHeader(PAGE.data, size, stored, HEADER.data, detail), plain, packed);
    pages.push({ offset: start, length: at - start, firstRow: range.row });
  }
  const encodings = dictionary === undefined ? [ENCODING.rle, encoding] : [ENCODING.plain, ENCODING.rle, encoding];
  const counted = [
    struct([
      [1, PAGE.data],
      [2, encoding],
      [3, pages.length],
    ]),
  ];
  if (dictionary !== undefined)
    counted.unshift(
      struct([
        [1, PAGE.dictionary],
        [2, ENCODING.plain],
        [3, 1],
      ]),
    );
  const meta = struct([
    [META.type, leaf.physical],
    [META.encodings, list(WIRE.i32, encodings)],
    [
      META.path,
      list(
        WIRE.binary,
        settings.path.map((name) => utf8.encode(name)),
      ),
    ],
    [META.codec, compressed ? CODEC.zstd : CODEC.uncompressed],
    [META.numValues, BigInt(s.entries)],
    [META.totalUncompressed, BigInt(uncompressed)],
    [META.totalCompressed, BigInt(at - offset)],
    [META.dataPageOffset, BigInt(dataOffset)],
    [META.dictionaryPageOffset, dictionaryOffset === undefined ? undefined : BigInt(dictionaryOffset)],
    [
      META.statistics,
      statisticsOf(type, isVector(s) ? NO_VALUES : (dictionary?.values ?? values), s.entries - s.present),
    ],
    [META.encodingStats, list(WIRE.struct, counted)],
  ]);
  const texts = dictionary?.values ?? values;
  const share = settings.filter;
  const bits =
    share !== undefined && texts.kind === "bytes" && texts.count > 0 ? encodeFilter(texts, share) : undefined;
  const filter = bits && (async () => bits);
  return { meta, start: offset, length: at - offset, uncompressed, pages, filter };
}

function pageHeader(type: number, plain: number, packed: number, field: number, detail: ThriftStruct): ThriftStruct {
  return struct([
    [HEADER.type, type],
    [HEADER.uncompressed, plain],
    [HEADER.compressed, packed],
    [field, detail],
  ]);
}

/** A dictionary of numbers must save a quarter of their bytes, for the values after it compress less well. */
function worthIt(dictionary: Dictionary | undefined, values: LeafValues): Dictionary | undefined {
  if (dictionary === undefined || values.kind !== "fixed") return dictionary;
  const width = values.values.BYTES_PER_ELEMENT;
  const size = dictionary.values.count * width + (values.count * indexWidth(dictionary)) / 8;
  return size <= values.count * width * 0.75 ? dictionary : undefined;
}

/** A single value still gets one bit: readers exist that trip over none. */
function indexWidth(dictionary: Dictionary): number {
  return Math.max(1, bitWidth(dictionary.values.count - 1));
}

interface PageRange {
  /** Entries. */
  readonly start: number;
  readonly end: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Row the page starts with. */
  readonly row: number;
}

/** Pages of about `pageBytes`, each starting with a row. */
function* pageRanges(
  s: Shredded,
  values: LeafValues,
  dictionary: Dictionary | undefined,
  pageBytes: number,
): Generator<PageRange, void, undefined> {
  const { defs, reps, entries } = s;
  const { def } = s.leaf.leaf;
  let start = 0;
  let valueStart = 0;
  let row = 0;
  let rows = 0;
  let bytes = 0;
  let value = 0;
  const width = dictionary !== undefined ? 3 : values.kind === "bytes" ? 0 : values.values.BYTES_PER_ELEMENT;
  const flat = defs === undefined && reps === undefined;
  const rowWidth = s.width ?? (flat && width > 0 ? 1 : undefined);
  if (rowWidth !== undefined) {
    const step = Math.ceil(pageBytes / (rowWidth * (1 + width))) * rowWidth;
    for (let at = 0; at < entries; at += step) {
      const end = Math.min(entries, at + step);
      yield { start: at, end, valueStart: at, valueEnd: end, row: at / rowWidth };
    }
    return;
  }
  if (flat && values.kind === "bytes") {
    for (let at = 0; at < entries; ) {
      const end = endOfTexts(values.offsets, at, entries, pageBytes);
      yield { start: at, end, valueStart: at, valueEnd: end, row: at };
      at = end;
    }
    return;
  }
  for (let i = 0; i < entries; i++) {
    if (reps === undefined || reps[i] === 0) {
      if (bytes >= pageBytes) {
        yield { start, end: i, valueStart, valueEnd: value, row };
        start = i;
        valueStart = value;
        row = rows;
        bytes = 0;
      }
      rows++;
    }
    bytes++;
    if (defs === undefined || defs[i] === def) {
      bytes += values.kind === "bytes" && width === 0 ? values.offsets[value + 1]! - values.offsets[value]! + 1 : width;
      value++;
    }
  }
  if (entries > 0) yield { start, end: entries, valueStart, valueEnd: value, row };
}

/** The first text from `start` on before which there are `pageBytes` or more, two a text counted on top; `count` where there is none. */
function endOfTexts(offsets: Int32Array, start: number, count: number, pageBytes: number): number {
  let low = start + 1;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! - offsets[start]! + 2 * (middle - start) >= pageBytes) high = middle;
    else low = middle + 1;
  }
  return low;
}

function pageValues(range: PageRange, values: LeafValues, dictionary: Dictionary | undefined): readonly Uint8Array[] {
  if (dictionary === undefined) return encodeValues(values, range.valueStart, range.valueEnd);
  const width = indexWidth(dictionary);
  return [Uint8Array.of(width), encodeHybrid(dictionary.indices, range.valueStart, range.valueEnd, width)];
}

/** The components of vectors: their range over all positions tells a reader nothing that it could use. */
function isVector({ leaf: { leaf, type } }: Shredded): boolean {
  return leaf.rep > 0 && (type.kind === "float64" || type.kind === "float32" || type.kind === "float16");
}

const NO_VALUES: LeafValues = { kind: "fixed", count: 0, values: new Int32Array(0) };
