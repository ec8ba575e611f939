import { HEADER } from "../../src/footer/format.ts";
import { getStruct } from "../../src/thrift/fields.ts";
import { readThrift, type ThriftStruct, type ThriftValue } from "../../src/thrift/read.ts";
import { list, writeThrift } from "../../src/thrift/write.ts";
import { rebuilt, set } from "../rebuild.ts";
import { type Layout, type PagePlace, replaced, type Span } from "./layout.ts";
import { joined, packed } from "./pack.ts";
import { borderNumber, oneOf, type Pick } from "./random.ts";

/**
 * A file made hostile with its structure in mind: page headers, levels, dictionaries, values (decompressed and compressed again), page
 * indexes, the footer; or bytes anywhere. Offsets and sizes around the damage are kept right for the most part, so that it is reached.
 */
export function mutated(layout: Layout, pick: Pick): Uint8Array {
  let { bytes } = layout;
  if (!layout.whole) return damaged(bytes, pick);
  const kind = pick(16);
  if (kind < 9 && layout.pages.length > 0) bytes = withPage(bytes, oneOf(pick, layout.pages), pick);
  else if (kind < 10 && layout.indexes.length > 0) bytes = withStruct(bytes, oneOf(pick, layout.indexes), pick);
  else if (kind < 14) bytes = rebuilt(bytes, (footer) => mutatedStruct(footer, pick));
  else return damaged(bytes, pick);
  for (let more = pick(6); more > 3; more--) bytes = rebuilt(bytes, (footer) => mutatedStruct(footer, pick));
  return pick(12) === 0 ? damaged(bytes, pick) : bytes;
}

function withStruct(bytes: Uint8Array, span: Span, pick: Pick): Uint8Array {
  const { value } = readThrift(bytes, span.from, span.to, 1e6);
  return replaced(bytes, span, writeThrift(mutatedStruct(value, pick)));
}

function withPage(bytes: Uint8Array, page: PagePlace, pick: Pick): Uint8Array {
  const what = pick(8);
  // The compressed bytes as they are under a damaged header; or an honest header over damaged contents.
  if (what < 3) {
    const head = writeThrift(page.header).length;
    const body = bytes.subarray(page.from + head, page.to);
    return replaced(bytes, page, joined(writeThrift(mutatedStruct(withoutSum(page.header), pick)), body));
  }
  const levels = what === 3 && page.levels.length > 0 ? mutatedBytes(page.levels, pick) : page.levels;
  const plain = levels === page.levels ? mutatedBytes(page.plain, pick) : page.plain;
  // A Buffer's slice() and fill() behave otherwise.
  let body: Uint8Array = new Uint8Array(packed(page.codec, plain));
  if (pick(10) === 0) body = mutatedBytes(body, pick);
  let header = withoutSum(page.header);
  const v2 = getStruct(header, HEADER.dataV2);
  if (v2 !== undefined && levels.length !== page.levels.length) {
    const field = pick(2) === 0 ? 5 : 6;
    const length = v2.get(field);
    const grown = (typeof length === "number" ? length : 0) + levels.length - page.levels.length;
    header = set(header, HEADER.dataV2, set(v2, field, grown));
  }
  header = set(header, HEADER.compressed, levels.length + body.length);
  if (pick(8) > 0) header = set(header, HEADER.uncompressed, levels.length + plain.length);
  if (pick(6) === 0) header = mutatedStruct(header, pick);
  return replaced(bytes, page, joined(writeThrift(header), levels, body));
}

/** Checksums would find the damage before the decoders meet it. */
function withoutSum(header: ThriftStruct): ThriftStruct {
  const out = new Map(header);
  out.delete(HEADER.crc);
  return out;
}

/** One change somewhere in a tree of metadata. */
export function mutatedStruct(s: ThriftStruct, pick: Pick): ThriftStruct {
  const ids = [...s.keys()];
  if (ids.length === 0 || pick(40) === 0) return set(s, 1 + pick(16), anyValue(pick));
  const id = oneOf(pick, ids);
  const value = s.get(id);
  if (value === undefined || pick(24) === 0) {
    const out = new Map(s);
    out.delete(id);
    return out;
  }
  return set(s, id, pick(24) === 0 ? anyValue(pick) : mutatedValue(value, pick));
}

function mutatedValue(value: ThriftValue, pick: Pick): ThriftValue {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return borderNumber(pick, value) | 0;
  if (typeof value === "bigint") return mutatedBigint(value, pick);
  if (value instanceof Uint8Array) return mutatedBytes(value, pick);
  if (!("kind" in value)) return mutatedStruct(value, pick);
  if (value.kind !== "list") return { kind: value.kind, value: borderNumber(pick, value.value) };
  const items = [...value.items];
  const at = pick(Math.max(items.length, 1));
  const item = items[at];
  if (item === undefined) return anyValue(pick);
  const how = pick(12);
  if (how === 0) items.splice(at, 1);
  else if (how === 1) items.splice(pick(items.length), 0, item);
  else if (how === 2) items.reverse();
  else if (how === 3) items.length = 0;
  else items[at] = mutatedValue(item, pick);
  return list(value.item, items);
}

function mutatedBigint(value: bigint, pick: Pick): bigint {
  if (pick(6) === 0) return 2n ** BigInt(pick(63)) - BigInt(pick(2));
  if (pick(12) === 0) return -(2n ** 63n);
  return BigInt(borderNumber(pick, Number(value)));
}

function anyValue(pick: Pick): ThriftValue {
  return oneOf<ThriftValue>(pick, [
    true,
    borderNumber(pick, 1) | 0,
    BigInt(borderNumber(pick, 1)),
    Uint8Array.from({ length: pick(5) }, () => pick(256)),
    new Map(),
    list(5, [1, 2]),
    { kind: "i8", value: pick(128) },
    { kind: "f64", value: pick(128) },
  ]);
}

/** Places where the formats keep lengths, widths and run headers: the first bytes, those after a length, any. */
function place(bytes: Uint8Array, pick: Pick): number {
  return Math.min(pick([1, 5, 16, bytes.length + 1][pick(4)] ?? 1), bytes.length);
}

function varint(value: number): readonly number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  return [...out, rest];
}

function mutatedBytes(bytes: Uint8Array, pick: Pick): Uint8Array {
  const out = bytes.slice();
  const at = place(bytes, pick);
  switch (pick(8)) {
    case 0:
      return out.slice(0, at);
    case 1:
      return joined(out, new Uint8Array(pick(64)).fill(pick(256)));
    case 2:
      return joined(out.subarray(0, at), varint(borderNumber(pick, bytes.length)), out.subarray(at + 1));
    case 3:
    case 4: {
      const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
      if (at + 4 <= out.length) view.setInt32(at, borderNumber(pick, view.getInt32(at, true)), true);
      return out;
    }
    case 5:
      return out.fill(pick(256), at, at + pick(12));
    default:
      for (let n = pick(3); n >= 0; n--) {
        const flip = place(out, pick);
        if (flip < out.length) out[flip]! ^= 1 << pick(8);
      }
      return out;
  }
}

/** Damage that knows nothing of the format. Half of it to the end of the file, where it hurts most. */
function damaged(bytes: Uint8Array, pick: Pick): Uint8Array {
  const at = pick(2) === 0 ? bytes.length - 1 - pick(Math.min(bytes.length, 400)) : pick(bytes.length);
  const other = pick(bytes.length);
  switch (pick(5)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(at + pick(16), bytes.length)));
    case 2:
      return joined(bytes.subarray(0, at), bytes.subarray(other, other + pick(200)), bytes.subarray(at));
    case 3:
      return bytes.slice().copyWithin(at, other, other + pick(40));
    default: {
      const out = bytes.slice();
      for (let n = pick(4); n >= 0; n--) out[n === 0 ? at : pick(out.length)]! ^= 1 << pick(8);
      return out;
    }
  }
}
