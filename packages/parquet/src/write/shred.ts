import type { Column, FixedListColumn, ListColumn } from "@usr/schema";
import { ParquetError } from "../error.ts";
import type { LeafShape, Shape } from "../footer/shape.ts";

/** One leaf of a column taken apart: its levels, and which slots of the leaf column hold the values that are there. */
export interface Shredded {
  readonly leaf: LeafShape;
  readonly column: Column;
  readonly entries: number;
  /** Absent = every entry has a value. */
  readonly defs: Uint8Array | undefined;
  /** Absent = every entry starts a row, unless there is a `width`. */
  readonly reps: Uint8Array | undefined;
  /** Entries of every row, each with a value: vectors of one width need no level written out. */
  readonly width?: number | undefined;
  readonly present: number;
  /** Slots of the present values in order; absent = `first`, `first + 1`, … */
  readonly slots: Int32Array | undefined;
  readonly first: number;
}

/** Entries above a node: their levels so far, and the slot of the node's column each stands for (-1 = it ended further up). */
interface Entries {
  readonly count: number;
  readonly defs: Uint8Array;
  readonly reps: Uint8Array;
  readonly slots: Int32Array;
}

/** Takes a column apart as the shape's levels say. Throws `INVALID` for a NULL where the shape has no room for one. */
export function shred(column: Column, shape: Shape): readonly Shredded[] {
  if (shape.kind === "leaf" && shape.leaf.rep === 0 && shape.leaf.def <= 1) return [flat(column, shape)];
  const short = vectors(column, shape);
  if (short !== undefined) return [short];
  const count = column.length;
  const slots = new Int32Array(count);
  for (let i = 0; i < count; i++) slots[i] = i;
  const out: Shredded[] = [];
  descend(column, shape, { count, defs: new Uint8Array(count), reps: new Uint8Array(count), slots }, 0, out);
  return out;
}

/** Whether the slot holds a value; a column of the null type holds none. */
function holds(column: Column, slot: number): boolean {
  return column.layout !== "null" && (column.validity === undefined || bit(column.validity, slot));
}

/** Whether some slots may hold no value. */
function mayMiss(column: Column): boolean {
  return column.layout === "null" || column.validity !== undefined;
}

function bit(mask: Uint8Array, i: number): boolean {
  return ((mask[i >> 3]! >> (i & 7)) & 1) === 1;
}

function nullInRequired(node: string): ParquetError {
  return new ParquetError("INVALID", `Column "${node}" has a NULL and is declared without.`, {
    hint: "Decode the column and write it as nullable.",
    details: { column: node },
  });
}

function flat(column: Column, shape: LeafShape): Shredded {
  const entries = column.length;
  const whole: Shredded = {
    leaf: shape,
    column,
    entries,
    defs: undefined,
    reps: undefined,
    present: entries,
    slots: undefined,
    first: 0,
  };
  if (!mayMiss(column)) return whole;
  const slots = new Int32Array(entries);
  const defs = new Uint8Array(entries);
  let present = 0;
  for (let i = 0; i < entries; i++) {
    if (!holds(column, i)) continue;
    defs[i] = 1;
    slots[present++] = i;
  }
  if (present === entries) return whole;
  if (shape.leaf.def === 0) throw nullInRequired(shape.leaf.name);
  return { ...whole, defs, present, slots: slots.subarray(0, present) };
}

/** The short way for lists of numbers or texts without NULL elements, where most of the bytes are. */
function vectors(column: Column, shape: Shape): Shredded | undefined {
  if (shape.kind !== "list" || shape.item.kind !== "leaf" || shape.rep !== 1 || shape.def !== 1) return undefined;
  if (column.layout !== "list" && column.layout !== "fixed_list") return undefined;
  const { validity, child, length } = column;
  if (mayMiss(child)) return undefined;
  const even = child.layout === "fixed" && validity === undefined ? evenWidth(column) : 0;
  if (even > 0) {
    const entries = length * even;
    const first = column.layout === "list" ? column.offsets[0]! : 0;
    return {
      leaf: shape.item,
      column: child,
      entries,
      defs: undefined,
      reps: undefined,
      width: even,
      present: entries,
      slots: undefined,
      first,
    };
  }
  const offsets = column.layout === "list" ? column.offsets : undefined;
  const size = column.layout === "fixed_list" ? column.size : 0;
  let entries = 0;
  let ended = 0;
  let first = -1;
  let next = -1;
  for (let i = 0; i < length; i++) {
    const start = offsets === undefined ? i * size : offsets[i]!;
    const end = offsets === undefined ? start + size : offsets[i + 1]!;
    if (start === end || (validity !== undefined && !bit(validity, i))) {
      ended++;
      continue;
    }
    // Elements that belong to no row lie between: the long way picks around them.
    if (first >= 0 && start !== next) return undefined;
    if (first < 0) first = start;
    next = end;
    entries += end - start;
  }
  const present = entries;
  entries += ended;
  const reps = new Uint8Array(entries).fill(1);
  const { def } = shape.item.leaf;
  const defs = ended === 0 ? undefined : new Uint8Array(entries).fill(def);
  let to = 0;
  for (let i = 0; i < length; i++) {
    reps[to] = 0;
    const count = offsets === undefined ? size : offsets[i + 1]! - offsets[i]!;
    const valid = validity === undefined || bit(validity, i);
    if (count > 0 && valid) {
      to += count;
    } else {
      if (defs !== undefined) defs[to] = valid ? 1 : 0;
      to++;
    }
  }
  return { leaf: shape.item, column: child, entries, defs, reps, present, slots: undefined, first: Math.max(first, 0) };
}

/** How many elements every list has; 0 = they differ, or there are none. */
function evenWidth(column: ListColumn | FixedListColumn): number {
  if (column.length === 0) return 0;
  if (column.layout === "fixed_list") return column.size;
  const { offsets } = column;
  const width = offsets[1]! - offsets[0]!;
  for (let i = 1; i < column.length; i++) if (offsets[i + 1]! - offsets[i]! !== width) return 0;
  return width;
}

/** Raises the level of the entries that have a value at this node, which lies at `def`; ends the others. */
function enter(column: Column, above: Entries, parentDef: number, def: number, name: string): Entries {
  if (def === parentDef) {
    if (mayMiss(column)) {
      for (let i = 0; i < above.count; i++)
        if (above.slots[i]! >= 0 && !holds(column, above.slots[i]!)) throw nullInRequired(name);
    }
    return above;
  }
  const defs = above.defs.slice();
  const slots = above.slots.slice();
  for (let i = 0; i < above.count; i++) {
    const slot = slots[i]!;
    if (slot < 0) continue;
    if (!holds(column, slot)) slots[i] = -1;
    else defs[i] = def;
  }
  return { ...above, defs, slots };
}

function descend(column: Column, shape: Shape, above: Entries, parentDef: number, out: Shredded[]): void {
  switch (shape.kind) {
    case "leaf":
      out.push(leafOf(column, shape, enter(column, above, parentDef, shape.leaf.def, shape.leaf.name)));
      return;
    case "struct": {
      if (column.layout !== "struct") throw mismatch(column, shape);
      const entries = enter(column, above, parentDef, shape.def, "struct");
      for (const [i, child] of shape.children.entries()) descend(column.children[i]!, child, entries, shape.def, out);
      return;
    }
    case "list": {
      const entries = enter(column, above, parentDef, shape.def, "list");
      const { child } = column.layout === "list" || column.layout === "fixed_list" ? column : fail(column, shape);
      descend(child, shape.item, unfold(column, entries, shape.rep, shape.elementDef), shape.elementDef, out);
    }
  }
}

function mismatch(column: Column, shape: Shape): ParquetError {
  return new ParquetError("INVALID", `A column of layout ${column.layout} was given for a ${shape.kind}.`);
}

function fail(column: Column, shape: Shape): never {
  throw mismatch(column, shape);
}

/** One entry for every element; lists without elements keep theirs, ended. */
function unfold(column: Column, above: Entries, rep: number, elementDef: number): Entries {
  const fixed = column.layout === "fixed_list" ? column.size : -1;
  const offsets = column.layout === "list" ? column.offsets : undefined;
  const startOf = (slot: number): number => (offsets === undefined ? slot * fixed : offsets[slot]!);
  const endOf = (slot: number): number => (offsets === undefined ? (slot + 1) * fixed : offsets[slot + 1]!);
  let count = 0;
  for (let i = 0; i < above.count; i++) {
    const slot = above.slots[i]!;
    count += slot < 0 ? 1 : Math.max(1, endOf(slot) - startOf(slot));
  }
  const defs = new Uint8Array(count);
  const reps = new Uint8Array(count);
  const slots = new Int32Array(count);
  let to = 0;
  for (let i = 0; i < above.count; i++) {
    const slot = above.slots[i]!;
    const start = slot < 0 ? 0 : startOf(slot);
    const end = slot < 0 ? 0 : endOf(slot);
    reps[to] = above.reps[i]!;
    if (start === end) {
      defs[to] = above.defs[i]!;
      slots[to++] = -1;
      continue;
    }
    for (let k = start; k < end; k++) {
      if (k > start) reps[to] = rep;
      defs[to] = elementDef;
      slots[to++] = k;
    }
  }
  return { count, defs, reps, slots };
}

function leafOf(column: Column, shape: LeafShape, entries: Entries): Shredded {
  const slots = new Int32Array(entries.count);
  let present = 0;
  let gapless = true;
  for (let i = 0; i < entries.count; i++) {
    const slot = entries.slots[i]!;
    if (slot < 0) continue;
    if (present > 0 && slot !== slots[present - 1]! + 1) gapless = false;
    slots[present++] = slot;
  }
  return {
    leaf: shape,
    column,
    entries: entries.count,
    defs: present === entries.count ? undefined : entries.defs,
    reps: shape.leaf.rep === 0 ? undefined : entries.reps,
    present,
    slots: gapless ? undefined : slots.subarray(0, present),
    first: slots[0] ?? 0,
  };
}
