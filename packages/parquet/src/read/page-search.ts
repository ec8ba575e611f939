import type { Utf8Column } from "@usr/schema";
import { decompressor, inflater } from "../codecs/codec.ts";
import { ENCODING, PAGE, type SchemaNode } from "../footer/format.ts";
import type { Chunk } from "../footer/groups.ts";
import type { Limits } from "../limits.ts";
import { nativeBuffer } from "../native.ts";
import { readExactly, type Signal } from "../source.ts";
import { textLeaf } from "../text-leaf.ts";
import { getI32 } from "../thrift/fields.ts";
import type { Candidate, ParquetFile } from "../types.ts";
import type { ChunkBytes } from "./cursor.ts";
import { bodyOf, compressedBody, readPageHeader } from "./page.ts";
import { createReadAhead } from "./read-ahead.ts";

/** A larger chunk is not searched: all of it is held at a time. */
const MOST_SEARCHED = 16 * 2 ** 20;

/** Encodings in which the bytes of a text lie as they are. */
const AS_THEY_ARE: ReadonlySet<number | undefined> = new Set([ENCODING.plain, ENCODING.deltaLengthByteArray]);

/** More values than this that a filter lets through are not there by chance, or take as long to search for as to decode. */
const MOST_STRANGERS = 8;

/**
 * The candidates that still are some when their values, where they are few, were looked for in the bytes of their pages: for values of which most are expected
 * nowhere, and that a filter let through by chance. Takes a third of what decoding the pages takes, and most of that on other threads. O(bytes of a row group's
 * column, of at most 16 MiB) of memory.
 */
export async function searchCandidates(
  file: ParquetFile,
  column: string,
  values: readonly Uint8Array[] | Utf8Column,
  candidates: readonly Candidate[],
  o: Signal = {},
): Promise<readonly Candidate[]> {
  const leaf = textLeaf(file, column);
  const left: Candidate[] = [];
  for (const candidate of candidates) {
    const held = candidate.values;
    const chunk = file.footer.rowGroups[candidate.rowGroup]!.chunks[leaf.firstLeaf]!;
    const worth =
      held !== undefined &&
      held.length <= MOST_STRANGERS &&
      Math.max(chunk.length, chunk.uncompressed) <= MOST_SEARCHED;
    const texts = worth ? Array.from(held, (i) => bytesOf(values, i)) : [];
    const pages = worth ? await readExactly(file.source, chunk.start, chunk.length, o) : undefined;
    const found = pages && (await searchPages(pages, chunk, leaf, texts, file.limits));
    const rest = found === undefined ? held : held?.filter((_, k) => found[k]);
    if (rest?.length !== 0) left.push({ rowGroup: candidate.rowGroup, values: rest });
  }
  return left;
}

const bytesOf = (values: readonly Uint8Array[] | Utf8Column, i: number): Uint8Array =>
  "layout" in values ? values.data.subarray(values.offsets[i]!, values.offsets[i + 1]!) : values[i]!;

/**
 * Which of some texts lie in the pages of a flat column chunk, by a search of their bytes: one that does not is not among its values. It may lie across two of
 * them, so that one that does need not be. `undefined` = the bytes do not tell: of dictionaries, of damaged pages (who decodes them says what is wrong), and
 * where the runtime has no fast search.
 */
async function searchPages(
  pages: Uint8Array,
  chunk: Chunk,
  leaf: SchemaNode,
  texts: readonly Uint8Array[],
  limits: Limits,
): Promise<readonly boolean[] | undefined> {
  const { Buffer } = nativeBuffer() ?? {};
  const search = Buffer?.prototype?.indexOf;
  if (search === undefined) return undefined;
  const found = texts.map(() => false);
  try {
    for await (const page of plainPages(pages, chunk, leaf, limits))
      for (const [i, text] of texts.entries()) found[i] ||= search.call(page, text) >= 0;
    return found;
  } catch {
    return undefined;
  }
}

/** The bytes of every data page, decompressed. Throws where values do not lie in them as they are, and what is wrong with a page. */
async function* plainPages(
  pages: Uint8Array,
  chunk: Chunk,
  leaf: SchemaNode,
  limits: Limits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const rows = chunk.numValues;
  const bytes: ChunkBytes = { pages, firstRow: 0, rows, entries: rows };
  const inflate = inflater(chunk.codec);
  const budget = { bytes: MOST_SEARCHED };
  const ahead = createReadAhead(bytes, leaf, await decompressor(chunk.codec), inflate, limits, budget);
  await ahead.start(0, rows);
  let seen = 0;
  for (let at = 0; at < pages.length; ) {
    const header = readPageHeader(pages, at, limits);
    at = header.body + header.compressed;
    const encoding = getI32(header.detail, header.type === PAGE.dataV2 ? 4 : 2);
    if (header.type === PAGE.dictionary || (header.type !== PAGE.index && !AS_THEY_ARE.has(encoding)))
      throw new RangeError("Values do not lie in the pages as they are.");
    if (header.type === PAGE.index) continue;
    seen += header.count;
    const { start, size } = compressedBody(header);
    const body = bodyOf(pages, header);
    yield start < 0 ? body : ahead.decompress(body.subarray(start - header.body), size);
  }
  if (seen !== rows) throw new RangeError("Pages hold other values than their chunk.");
}
