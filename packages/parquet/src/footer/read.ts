import { corrupt, notSupported, tooLarge } from "../error.ts";
import type { Limits } from "../limits.ts";
import { sameBytes } from "../pieces.ts";
import { getI32, getSize, getStructs, getText } from "../thrift/fields.ts";
import {
  type Cursor,
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
} from "../thrift/read.ts";
import type { SchemaNode } from "./format.ts";
import { ELEMENT, FILE, PHYSICAL, REPETITION } from "./format.ts";
import { countRowGroup, decodeRowGroup, type FooterRowGroup } from "./groups.ts";

export interface Footer {
  /** Where the footer starts: everything before it is column chunks and what they point to. */
  readonly dataEnd: number;
  readonly declared: Declared;
  readonly columns: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
  readonly numRows: number;
  /** Throws what is wrong with them where they were counted only. */
  readonly rowGroups: readonly FooterRowGroup[];
  readonly keyValues: ReadonlyMap<string, string>;
  readonly createdBy: string | undefined;
}

/** What a footer says of its columns whatever the rows are. Files that say the same share one. */
export interface Declared extends Columns {
  /** The bytes that say so: the schema, then the column orders. */
  readonly encoded: readonly Uint8Array[];
  /** For each leaf whether its bounds are in the order of its type; empty = of none. */
  readonly typeOrdered: readonly boolean[];
}

interface Columns {
  readonly columns: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
}

const MAX_LEVEL = 200;

/** A field of the footer and where it lies: `[start, end)`. */
interface Span {
  readonly wire: number;
  readonly start: number;
  readonly end: number;
}

/** Decodes row groups that were only counted, where someone asks for them after all, and says which file an error is about. */
export type Later = <T>(decode: () => T) => T;

/**
 * Decodes and cross-checks a footer. `dataEnd` is where it starts in the file: every chunk lies before it. Keeps `bytes`: what is said of chunks is
 * decoded when it is asked for. What `like` declares in the same bytes is shared with it. With `later` the rows of the row groups are counted, and
 * what is said of their chunks is checked when it is asked for.
 */
export function decodeFooter(
  bytes: Uint8Array,
  dataEnd: number,
  limits: Limits,
  like?: Declared,
  later?: Later,
): Footer {
  const spans = new Map<number, Span>();
  let schema: Columns | undefined;
  const schemaOf = (): Columns => (schema ??= columnsOf(bytes, spans, limits, like));
  const groupsAt = (c: Cursor): Groups => {
    const { leaves } = schemaOf();
    const span = { wire: c.wire, start: c.at, end: bytes.length };
    const decoded = (at: Cursor): readonly FooterRowGroup[] => decodeRowGroups(at, leaves, dataEnd, limits);
    if (later === undefined) {
      const all = decoded(c);
      return { rows: all.reduce((rows, group) => rows + group.numRows, 0), all: () => all };
    }
    const rows = countRows(c, leaves.length, limits);
    let all: readonly FooterRowGroup[] | undefined;
    return { rows, all: () => (all ??= later(() => decoded(cursorAt(bytes, span)))) };
  };
  // Row groups are nearly all there is. They follow the schema, and are decoded where they are met; the encoding of the rest is checked by going over it.
  let groups: Groups | undefined;
  const c = thriftCursor(bytes, 0, bytes.length, limits.footerValues);
  enterStruct(c);
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    const { at: start, wire } = c;
    // Of a field that is there twice the last counts.
    if (id === FILE.schema) schema = groups = undefined;
    if (id === FILE.rowGroups && spans.has(FILE.schema)) groups = groupsAt(c);
    else skipField(c);
    spans.set(id, { wire, start, end: c.at });
  }
  if (spans.has(FILE.encryption)) throw notSupported("The Parquet file is encrypted.");
  const declared = declaredBy(bytes, spans, schemaOf(), like);
  const { columns, leaves } = declared;
  const meta = fieldsOf(bytes, spans, [FILE.numRows, FILE.keyValues, FILE.createdBy]);
  const numRows = required(getSize(meta, FILE.numRows), "row count");
  const span = spans.get(FILE.rowGroups);
  const { rows, all } = groups ?? (span === undefined ? NO_GROUPS : groupsAt(cursorAt(bytes, span)));
  if (rows !== numRows)
    throw corrupt(`the footer declares ${numRows} rows, its row groups ${rows}`, { numRows, sum: rows });
  return {
    dataEnd,
    declared,
    columns,
    leaves,
    numRows,
    get rowGroups() {
      return all();
    },
    keyValues: decodeKeyValues(meta),
    createdBy: getText(meta, FILE.createdBy),
  };
}

interface Groups {
  readonly rows: number;
  readonly all: () => readonly FooterRowGroup[];
}
const NO_GROUPS: Groups = { rows: 0, all: () => [] };

function enterGroups(c: Cursor, limits: Limits): number {
  const count = enterList(c, FILE.rowGroups, WIRE.struct);
  if (count > limits.rowGroups)
    throw tooLarge(`The Parquet file declares ${count} row groups.`, "rowGroups", { rowGroups: count });
  return count;
}

function countRows(c: Cursor, leaves: number, limits: Limits): number {
  const count = enterGroups(c, limits);
  let rows = 0;
  for (let index = 0; index < count; index++) rows += countRowGroup(c, index, leaves);
  return rows;
}

function decodeRowGroups(
  c: Cursor,
  leaves: readonly SchemaNode[],
  dataEnd: number,
  limits: Limits,
): readonly FooterRowGroup[] {
  const count = enterGroups(c, limits);
  const rowGroups: FooterRowGroup[] = [];
  let startRow = 0;
  for (let index = 0; index < count; index++) {
    const group = decodeRowGroup(c, index, startRow, leaves, dataEnd, limits);
    rowGroups.push(group);
    startRow += group.numRows;
  }
  return rowGroups;
}

function encodedIn(bytes: Uint8Array, span: Span | undefined): Uint8Array {
  return bytes.subarray(span?.start ?? 0, span?.end ?? 0);
}

/** What the schema declares; that of `like`, where it says so in the same bytes. */
function columnsOf(
  bytes: Uint8Array,
  spans: ReadonlyMap<number, Span>,
  limits: Limits,
  like: Declared | undefined,
): Columns {
  const same = like !== undefined && sameBytes(encodedIn(bytes, spans.get(FILE.schema)), like.encoded[0]!);
  return same ? like : decodeSchema(fieldsOf(bytes, spans, [FILE.schema]), limits);
}

/** The cursor before the value of a field that was gone over. */
function cursorAt(bytes: Uint8Array, span: Span): Cursor {
  const c = thriftCursor(bytes, span.start, span.end, Number.POSITIVE_INFINITY);
  c.wire = span.wire;
  return c;
}

function fieldsOf(bytes: Uint8Array, spans: ReadonlyMap<number, Span>, ids: readonly number[]): ThriftStruct {
  const fields = new Map<number, ThriftValue>();
  for (const id of ids) {
    const span = spans.get(id);
    if (span === undefined) continue;
    fields.set(id, readField(cursorAt(bytes, span)));
  }
  return fields;
}

function declaredBy(
  bytes: Uint8Array,
  spans: ReadonlyMap<number, Span>,
  { columns, leaves }: Columns,
  like: Declared | undefined,
): Declared {
  const encoded = [FILE.schema, FILE.columnOrders].map((id) => encodedIn(bytes, spans.get(id)));
  if (like?.encoded.every((other, i) => sameBytes(encoded[i]!, other)) === true) return like;
  const orders = fieldsOf(bytes, spans, [FILE.columnOrders]).get(FILE.columnOrders);
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

export function decodeSchema(meta: ThriftStruct, limits: Limits): Columns {
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
