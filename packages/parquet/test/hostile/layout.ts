import { decompressor } from "../../src/codecs/codec.ts";
import { CHUNK, CODEC, FILE, GROUP, HEADER, META } from "../../src/footer/format.ts";
import { getBool, getI32, getSize, getStruct, getStructs } from "../../src/thrift/fields.ts";
import { readThrift, type ThriftStruct, type ThriftValue, WIRE } from "../../src/thrift/read.ts";
import { list } from "../../src/thrift/write.ts";
import { rebuilt, set } from "../rebuild.ts";

/** Bytes `[from, to)` of a file. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A page of a file that is whole. */
export interface PagePlace extends Span {
  readonly header: ThriftStruct;
  readonly codec: number;
  /** Levels that lie before the compressed part (second page version); else empty. */
  readonly levels: Uint8Array;
  /** What is left of the body, decompressed. */
  readonly plain: Uint8Array;
}

/** Where the parts of a file lie. */
export interface Layout {
  readonly bytes: Uint8Array;
  /** Whether the structure could be followed; files given from outside may be broken already. */
  readonly whole: boolean;
  readonly pages: readonly PagePlace[];
  /** Offset and column indexes and the headers of bloom filters: each one structure. */
  readonly indexes: readonly Span[];
}

const BUDGET = 1e6;

export async function layoutOf(bytes: Uint8Array): Promise<Layout> {
  try {
    return await wholeLayout(bytes);
  } catch {
    return { bytes, whole: false, pages: [], indexes: [] };
  }
}

async function wholeLayout(bytes: Uint8Array): Promise<Layout> {
  const end = bytes.length - 8;
  const start = end - new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  const footer = readThrift(bytes, start, end, BUDGET).value;
  const pages: PagePlace[] = [];
  const indexes: Span[] = [];
  for (const group of getStructs(footer, FILE.rowGroups) ?? []) {
    for (const chunk of getStructs(group, GROUP.columns) ?? []) {
      const meta = getStruct(chunk, CHUNK.meta);
      if (meta !== undefined) pages.push(...(await pagesOf(bytes, meta)));
      const filter = meta && getSize(meta, META.bloomOffset);
      if (filter !== undefined)
        indexes.push({ from: filter, to: readThrift(bytes, filter, bytes.length, BUDGET).next });
      for (const [offset, length] of [
        [CHUNK.offsetIndexOffset, CHUNK.offsetIndexLength],
        [CHUNK.columnIndexOffset, CHUNK.columnIndexLength],
      ] as const) {
        const from = getSize(chunk, offset);
        if (from !== undefined) indexes.push({ from, to: from + (getI32(chunk, length) ?? 0) });
      }
    }
  }
  return { bytes, whole: true, pages, indexes };
}

async function pagesOf(bytes: Uint8Array, meta: ThriftStruct): Promise<readonly PagePlace[]> {
  const data = getSize(meta, META.dataPageOffset) ?? 0;
  const dictionary = getSize(meta, META.dictionaryPageOffset) ?? 0;
  let at = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = at + (getSize(meta, META.totalCompressed) ?? 0);
  const codec = getI32(meta, META.codec) ?? CODEC.uncompressed;
  const decompress = await decompressor(codec);
  const pages: PagePlace[] = [];
  while (at < end) {
    const { value: header, next: body } = readThrift(bytes, at, end, BUDGET);
    const to = body + (getI32(header, HEADER.compressed) ?? 0);
    const v2 = getStruct(header, HEADER.dataV2);
    const levels = v2 === undefined ? 0 : (getI32(v2, 5) ?? 0) + (getI32(v2, 6) ?? 0);
    const packed = bytes.subarray(body + levels, to);
    const size = (getI32(header, HEADER.uncompressed) ?? 0) - levels;
    const stored = v2 !== undefined && (getBool(v2, 7) ?? true) === false;
    pages.push({
      from: at,
      to,
      header,
      codec: stored ? CODEC.uncompressed : codec,
      levels: bytes.subarray(body, body + levels),
      plain: stored || size === 0 ? packed : decompress(packed, size),
    });
    at = to;
  }
  return pages;
}

/** The file with other bytes in one place; the footer's offsets move along, and the size of the column chunk around the place. */
export function replaced(bytes: Uint8Array, { from, to }: Span, by: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - (to - from) + by.length);
  out.set(bytes.subarray(0, from));
  out.set(by, from);
  out.set(bytes.subarray(to), from + by.length);
  const delta = by.length - (to - from);
  if (delta === 0) return out;
  const moved = (s: ThriftStruct, ids: readonly number[]): ThriftStruct => {
    let edited = s;
    for (const id of ids) {
      const value = s.get(id);
      if (typeof value === "bigint" && Number(value) >= to) edited = set(edited, id, value + BigInt(delta));
    }
    return edited;
  };
  const movedChunk = (chunk: ThriftStruct): ThriftStruct => {
    const meta = getStruct(chunk, CHUNK.meta);
    if (meta === undefined) return chunk;
    const starts = [META.dataPageOffset, META.dictionaryPageOffset].flatMap((id) => getSize(meta, id) || []);
    const start = Math.min(...starts);
    const length = getSize(meta, META.totalCompressed) ?? 0;
    const around = from >= start && to <= start + length;
    const sized = around ? set(meta, META.totalCompressed, BigInt(length + delta)) : meta;
    const offsets = [META.dataPageOffset, META.indexPageOffset, META.dictionaryPageOffset, META.bloomOffset];
    return moved(set(chunk, CHUNK.meta, moved(sized, offsets)), [
      CHUNK.fileOffset,
      CHUNK.offsetIndexOffset,
      CHUNK.columnIndexOffset,
    ]);
  };
  const structs = (items: readonly ThriftStruct[]): ThriftValue => list(WIRE.struct, items);
  return rebuilt(out, (footer) =>
    set(
      footer,
      FILE.rowGroups,
      structs(
        (getStructs(footer, FILE.rowGroups) ?? []).map((group) =>
          set(
            moved(group, [GROUP.fileOffset]),
            GROUP.columns,
            structs((getStructs(group, GROUP.columns) ?? []).map(movedChunk)),
          ),
        ),
      ),
    ),
  );
}
