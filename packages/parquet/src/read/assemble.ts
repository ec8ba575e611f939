import { allocateFixed, type Column, type DataType } from "@usr/schema";
import { gatherColumns } from "@usr/schema/columns";
import { writtenOut } from "../encodings/even-levels.ts";
import { corrupt } from "../error.ts";
import type { LeafShape, ListShape, Shape, StructShape } from "../footer/shape.ts";
import type { Segment } from "./cursor.ts";
import { denseBooleans, denseFixed, denseTexts } from "./dense.ts";

/** The decoded entries of one leaf for one batch. */
export interface LeafRun {
  readonly segments: readonly Segment[];
  readonly entries: number;
  readonly defs: Uint8Array | undefined;
  readonly reps: Uint8Array | undefined;
  /** Entries of every row, each with a value; then there are no levels. */
  readonly width: number | undefined;
}

export function leafRun(segments: readonly Segment[], maxDef: number): LeafRun {
  let entries = 0;
  let anyDefs = false;
  let anyReps = false;
  for (const { page, start, end } of segments) {
    entries += end - start;
    anyDefs ||= page.defs !== undefined;
    anyReps ||= page.reps !== undefined || page.even !== undefined;
  }
  const width = evenWidth(segments, entries);
  if (width !== undefined) return { segments, entries, defs: undefined, reps: undefined, width };
  return {
    segments,
    entries,
    defs: anyDefs ? joinLevels(segments, entries, (s) => s.page.defs, maxDef) : undefined,
    reps: anyReps ? joinLevels(segments, entries, repsOf, 0) : undefined,
    width: undefined,
  };
}

/** The width that all rows of the segments have, each whole; `undefined` = they differ. */
function evenWidth(segments: readonly Segment[], entries: number): number | undefined {
  const width = segments[0]?.page.even?.width;
  if (width === undefined || entries % width !== 0) return undefined;
  let at = 0;
  for (const { page, start, end } of segments) {
    if (page.even?.width !== width || (at + page.even.phase - start) % width !== 0) return undefined;
    at += end - start;
  }
  return width;
}

function repsOf({ page }: Segment): Uint8Array | undefined {
  return page.even === undefined ? page.reps : writtenOut(page.even, page.entries);
}

function joinLevels(
  segments: readonly Segment[],
  entries: number,
  of: (s: Segment) => Uint8Array | undefined,
  usual: number,
): Uint8Array {
  const only = segments.length === 1 ? segments[0] : undefined;
  const levels = only === undefined ? undefined : of(only);
  if (only !== undefined && levels !== undefined) return levels.subarray(only.start, only.end);
  const out = new Uint8Array(entries);
  let at = 0;
  for (const segment of segments) {
    const part = of(segment);
    if (part !== undefined) out.set(part.subarray(segment.start, segment.end), at);
    else if (usual !== 0) out.fill(usual, at, at + segment.end - segment.start);
    at += segment.end - segment.start;
  }
  return out;
}

/**
 * A slot of a column at some depth is an entry that starts there: its repetition level is at most `rep`,
 * and its definition level says that the element exists (`def`; 0 at the top).
 */
interface Depth {
  readonly rep: number;
  readonly def: number;
}

/** Puts a top-level column of `rows` rows together from its leaves. Throws `CORRUPT` where the leaves disagree. */
export function assemble(shape: Shape, runs: ReadonlyMap<number, LeafRun>, rows: number): Column {
  const column = build(shape, runs, { rep: 0, def: 0 });
  if (column.length !== rows) throw corrupt(`a column decodes to ${column.length} rows where ${rows} were declared`);
  return column;
}

function build(shape: Shape, runs: ReadonlyMap<number, LeafRun>, depth: Depth): Column {
  switch (shape.kind) {
    case "leaf":
      return buildLeaf(shape, runs, depth);
    case "list":
      return buildList(shape, runs, depth);
    case "struct":
      return buildStruct(shape, runs, depth);
  }
}

function firstLeaf(shape: Shape): LeafShape {
  let at = shape;
  while (at.kind !== "leaf") at = at.kind === "list" ? at.item : at.children[0]!;
  return at;
}

function runOf(shape: Shape, runs: ReadonlyMap<number, LeafRun>): LeafRun {
  const run = runs.get(firstLeaf(shape).leaf.firstLeaf);
  if (run === undefined) throw corrupt("a column lacks a leaf");
  return run;
}

/** Which slots have a value at level `def`. */
interface Slots {
  readonly length: number;
  readonly validity: Uint8Array | undefined;
}

function slotsOf(run: LeafRun, depth: Depth, def: number): Slots {
  const { defs, reps, entries, width } = run;
  if (width !== undefined) return { length: depth.rep === 0 ? entries / width : entries, validity: undefined };
  if (defs === undefined && reps === undefined) return { length: entries, validity: undefined };
  const validity = new Uint8Array((entries + 7) >> 3);
  let length = 0;
  let missing = 0;
  for (let i = 0; i < entries; i++) {
    if (reps !== undefined && reps[i]! > depth.rep) continue;
    const level = defs === undefined ? 255 : defs[i]!;
    if (level < depth.def) continue;
    if (level >= def) validity[length >> 3]! |= 1 << (length & 7);
    else missing++;
    length++;
  }
  return { length, validity: missing === 0 ? undefined : validity.subarray(0, (length + 7) >> 3) };
}

function buildStruct(shape: StructShape, runs: ReadonlyMap<number, LeafRun>, depth: Depth): Column {
  const { length, validity } = slotsOf(runOf(shape, runs), depth, shape.def);
  const children = shape.children.map((child) => build(child, runs, depth));
  for (const child of children)
    if (child.length !== length) throw corrupt("the fields of a struct have different numbers of rows");
  return { layout: "struct", type: shape.type, length, validity, children };
}

function buildList(shape: ListShape, runs: ReadonlyMap<number, LeafRun>, depth: Depth): Column {
  const run = runOf(shape, runs);
  if (run.width !== undefined) return buildEven(shape, runs, run.width, run.entries / run.width);
  const { defs, reps, entries } = run;
  const offsets = new Int32Array(entries + 1);
  const validity = new Uint8Array((entries + 7) >> 3);
  let length = 0;
  let missing = 0;
  let items = 0;
  let open = false;
  for (let i = 0; i < entries; i++) {
    const rep = reps === undefined ? 0 : reps[i]!;
    const level = defs === undefined ? 255 : defs[i]!;
    if (rep <= depth.rep) {
      open = false;
      if (level < depth.def) continue;
      offsets[length] = items;
      if (level >= shape.def) validity[length >> 3]! |= 1 << (length & 7);
      else missing++;
      length++;
      if (level >= shape.elementDef) {
        items++;
        open = true;
      }
    } else if (rep <= shape.rep) {
      // A further element of a list that has none, or one that is not there.
      if (!open || level < shape.elementDef) throw corrupt("the levels of a list contradict each other");
      items++;
    }
  }
  offsets[length] = items;
  const child = build(shape.item, runs, { rep: shape.rep, def: shape.elementDef });
  if (child.length !== items) throw corrupt("the leaves of a list have different numbers of elements");
  const mask = missing === 0 ? undefined : validity.subarray(0, (length + 7) >> 3);
  const list = offsets.subarray(0, length + 1);
  if (shape.type.kind === "list")
    return { layout: "list", type: shape.type, length, validity: mask, offsets: list, child };
  return {
    layout: "fixed_list",
    type: shape.type,
    length,
    validity: mask,
    size: shape.type.size,
    child: spread(shape.type.item, child, list, mask, shape.type.size),
  };
}

/** Lists of one width, none of them NULL. */
function buildEven(shape: ListShape, runs: ReadonlyMap<number, LeafRun>, width: number, length: number): Column {
  const { type } = shape;
  const child = build(shape.item, runs, { rep: shape.rep, def: shape.elementDef });
  if (child.length !== length * width) throw corrupt("the leaves of a list have different numbers of elements");
  if (type.kind === "list") {
    const offsets = new Int32Array(length + 1);
    for (let i = 1; i <= length; i++) offsets[i] = i * width;
    return { layout: "list", type, length, validity: undefined, offsets, child };
  }
  if (width !== type.size)
    throw corrupt(`a row of a fixed-size list has ${width} elements where ${type.size} are declared`);
  return { layout: "fixed_list", type, length, validity: undefined, size: width, child };
}

/** Child slots for the NULL rows of a fixed-size list; every other row must have exactly `size` elements. */
function spread(
  item: DataType,
  child: Column,
  offsets: Int32Array,
  validity: Uint8Array | undefined,
  size: number,
): Column {
  const length = offsets.length - 1;
  for (let i = 0; i < length; i++) {
    const valid = validity === undefined || (validity[i >> 3]! >> (i & 7)) & 1;
    if (valid && offsets[i + 1]! - offsets[i]! !== size) {
      throw corrupt(
        `a row of a fixed-size list has ${offsets[i + 1]! - offsets[i]!} elements where ${size} are declared`,
      );
    }
  }
  if (validity === undefined) return child;
  const rows = new Int32Array(length * size).fill(-1);
  for (let i = 0; i < length; i++) {
    if (((validity[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    for (let k = 0; k < size; k++) rows[i * size + k] = offsets[i]! + k;
  }
  return gatherColumns(item, [child], undefined, rows);
}

function buildLeaf(shape: LeafShape, runs: ReadonlyMap<number, LeafRun>, depth: Depth): Column {
  const { type, leaf } = shape;
  const run = runOf(shape, runs);
  // Below the last list every entry starts a slot of its own.
  const { length, validity }: Slots =
    run.defs === undefined
      ? { length: run.entries, validity: undefined }
      : slotsOf({ ...run, reps: undefined }, depth, leaf.def);
  if (type.kind === "null") return { layout: "null", type, length };
  if (type.kind === "string") {
    const texts = denseTexts(run.segments);
    const offsets = validity === undefined ? texts.offsets : spreadOffsets(texts.offsets, length, validity);
    return { layout: "utf8", type, length, validity, offsets, data: texts.data };
  }
  if (type.kind === "bool") {
    return {
      layout: "bool",
      type,
      length,
      validity,
      values: packBooleans(denseBooleans(run.segments), length, validity),
    };
  }
  const dense = denseFixed(type, run.segments);
  if (validity === undefined) return { layout: "fixed", type, length, values: dense };
  const values = allocateFixed(type, length);
  let from = 0;
  if (values instanceof BigInt64Array && dense instanceof BigInt64Array) {
    for (let i = 0; i < length; i++) if ((validity[i >> 3]! >> (i & 7)) & 1) values[i] = dense[from++]!;
  } else if (values instanceof BigUint64Array && dense instanceof BigUint64Array) {
    for (let i = 0; i < length; i++) if ((validity[i >> 3]! >> (i & 7)) & 1) values[i] = dense[from++]!;
  } else if (
    !(
      values instanceof BigInt64Array ||
      values instanceof BigUint64Array ||
      dense instanceof BigInt64Array ||
      dense instanceof BigUint64Array
    )
  ) {
    for (let i = 0; i < length; i++) if ((validity[i >> 3]! >> (i & 7)) & 1) values[i] = dense[from++]!;
  }
  return { layout: "fixed", type, length, validity, values };
}

function spreadOffsets(dense: Int32Array, length: number, validity: Uint8Array): Int32Array {
  const offsets = new Int32Array(length + 1);
  let from = 0;
  for (let i = 0; i < length; i++) {
    if ((validity[i >> 3]! >> (i & 7)) & 1) from++;
    offsets[i + 1] = dense[from]!;
  }
  return offsets;
}

function packBooleans(dense: Uint8Array, length: number, validity: Uint8Array | undefined): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3);
  let from = 0;
  for (let i = 0; i < length; i++) {
    if (validity !== undefined && ((validity[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    if (dense[from++]) bits[i >> 3]! |= 1 << (i & 7);
  }
  return bits;
}
