import { corrupt, notSupported, tooLarge } from "./error.ts";
import { decodeRowGroup, type FooterRowGroup } from "./footer-groups.ts";
import type { SchemaNode } from "./format.ts";
import { ELEMENT, FILE, PHYSICAL, REPETITION } from "./format.ts";
import type { Limits } from "./limits.ts";
import { sameBytes } from "./pieces.ts";
import {
  END_OF_STRUCT,
  enterList,
  enterStruct,
  nextField,
  readField,
  skipField,
  type ThriftStruct,
  type ThriftValue,
  thriftCursor,
  WIRE,
} from "./thrift.ts";
import { getI32, getSize, getStructs, getText } from "./thrift-fields.ts";

export interface Footer {
  /** Where the footer starts: everything before it is column chunks and what they point to. */
  readonly dataEnd: number;
  readonly declared: Declared;
  readonly columns: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
  readonly numRows: number;
  readonly rowGroups: readonly FooterRowGroup[];
  readonly keyValues: ReadonlyMap<string, string>;
  readonly createdBy: string | undefined;
}

/** What a footer says of its columns whatever the rows are. Files that say the same share one. */
export interface Declared {
  /** The bytes that say so: the schema, then the column orders. */
  readonly encoded: readonly Uint8Array[];
  readonly columns: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
  /** For each leaf whether its bounds are in the order of its type; empty = of none. */
  readonly typeOrdered: readonly boolean[];
}

const MAX_LEVEL = 200;

/** A field of the footer and where it lies: `[start, end)`. */
interface Span {
  readonly wire: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Decodes and cross-checks a footer. `dataEnd` is where it starts in the file: every chunk lies before it. Keeps `bytes`: what is said of chunks is
 * decoded when it is asked for. What `like` declares in the same bytes is shared with it.
 */
export function decodeFooter(bytes: Uint8Array, dataEnd: number, limits: Limits, like?: Declared): Footer {
  const spans = spansOf(bytes, limits);
  if (spans.has(FILE.encryption)) throw notSupported("The Parquet file is encrypted.");
  const declared = declaredBy(bytes, spans, limits, like);
  const { columns, leaves } = declared;
  const meta = fieldsOf(bytes, spans, [FILE.numRows, FILE.keyValues, FILE.createdBy]);
  const numRows = required(getSize(meta, FILE.numRows), "row count");
  const groups = spans.get(FILE.rowGroups);
  const c = thriftCursor(bytes, groups?.start ?? 0, groups?.end ?? 0, Number.POSITIVE_INFINITY);
  c.wire = groups?.wire ?? WIRE.list;
  const count = groups === undefined ? 0 : enterList(c, FILE.rowGroups, WIRE.struct);
  if (count > limits.rowGroups)
    throw tooLarge(`The Parquet file declares ${count} row groups.`, "rowGroups", { rowGroups: count });
  const rowGroups: FooterRowGroup[] = [];
  let startRow = 0;
  for (let index = 0; index < count; index++) {
    const group = decodeRowGroup(c, index, startRow, leaves, dataEnd, limits);
    rowGroups.push(group);
    startRow += group.numRows;
  }
  if (startRow !== numRows)
    throw corrupt(`the footer declares ${numRows} rows, its row groups ${startRow}`, { numRows, sum: startRow });
  return {
    dataEnd,
    declared,
    columns,
    leaves,
    numRows,
    rowGroups,
    keyValues: decodeKeyValues(meta),
    createdBy: getText(meta, FILE.createdBy),
  };
}

/** Where each field of the footer lies. Checks the encoding of all of it, and that it holds no more than allowed. */
function spansOf(bytes: Uint8Array, limits: Limits): ReadonlyMap<number, Span> {
  const spans = new Map<number, Span>();
  const c = thriftCursor(bytes, 0, bytes.length, limits.footerValues);
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    const { at: start, wire } = c;
    skipField(c);
    spans.set(id, { wire, start, end: c.at });
  }
  return spans;
}

function fieldsOf(bytes: Uint8Array, spans: ReadonlyMap<number, Span>, ids: readonly number[]): ThriftStruct {
  const fields = new Map<number, ThriftValue>();
  for (const id of ids) {
    const span = spans.get(id);
    if (span === undefined) continue;
    const c = thriftCursor(bytes, span.start, span.end, Number.POSITIVE_INFINITY);
    c.wire = span.wire;
    fields.set(id, readField(c));
  }
  return fields;
}

function declaredBy(
  bytes: Uint8Array,
  spans: ReadonlyMap<number, Span>,
  limits: Limits,
  like: Declared | undefined,
): Declared {
  const ids = [FILE.schema, FILE.columnOrders];
  const encoded = ids.map((id) => bytes.subarray(spans.get(id)?.start ?? 0, spans.get(id)?.end ?? 0));
  if (like?.encoded.every((other, i) => sameBytes(encoded[i]!, other)) === true) return like;
  const meta = fieldsOf(bytes, spans, ids);
  const { columns, leaves } = decodeSchema(meta, limits);
  const orders = meta.get(FILE.columnOrders);
  const typeOrdered =
    typeof orders === "object" && "kind" in orders && orders.kind === "list" && orders.items.length === leaves.length
      ? orders.items.map((order) => order instanceof Map && order.has(1))
      : [];
  return { encoded, columns, leaves, typeOrdered };
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
