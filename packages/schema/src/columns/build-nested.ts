import type { CellInput, DataType, FixedValues } from "../types.ts";
import { bitmapBytes } from "./bits.ts";
import { type BitBuffer, type Builder, bitBuffer, pushBit, takeValidity } from "./inner-builder.ts";
import { checkOffset } from "./layout.ts";
import { Mismatch } from "./mismatch.ts";
import { hasLayout } from "./sources.ts";
import { isValid } from "./value.ts";

type TypeOf<K extends DataType["kind"]> = Extract<DataType, { readonly kind: K }>;

export function listBuilder(type: TypeOf<"list">, child: Builder): Builder {
  const valid = bitBuffer();
  let offsets = new Int32Array(17);
  const pushRow = (isPresent: boolean): void => {
    const { count } = valid;
    if (count + 1 === offsets.length) {
      const grown = new Int32Array(offsets.length * 2);
      grown.set(offsets);
      offsets = grown;
    }
    offsets[count + 1] = child.length();
    pushBit(valid, isPresent);
  };
  return {
    length: () => valid.count,
    byteLength: () => (valid.count + 1) * 4 + bitmapBytes(valid.count) + child.byteLength(),
    append(value) {
      if (value === null) {
        pushRow(false);
        return;
      }
      if (!isList(value)) {
        throw new Mismatch(value, type);
      }
      checkOffset(child.length() + value.length, "list elements");
      appendItems(child, value);
      pushRow(true);
    },
    appendNull: () => pushRow(false),
    appendFrom(column, row) {
      if (!hasLayout(column, "list") || !isValid(column, row)) {
        pushRow(false);
        return;
      }
      const start = column.offsets[row]!;
      const end = column.offsets[row + 1]!;
      checkOffset(child.length() + end - start, "list elements");
      restoring([child], () => {
        for (let i = start; i < end; i += 1) {
          child.appendFrom(column.child, i);
        }
      });
      pushRow(true);
    },
    truncate(length) {
      valid.count = length;
      child.truncate(offsets[length]!);
    },
    finish() {
      const length = valid.count;
      const column = {
        layout: "list",
        type,
        length,
        validity: takeValidity(valid),
        offsets: offsets.slice(0, length + 1),
        child: child.finish(),
      } as const;
      offsets = new Int32Array(17);
      return column;
    },
  };
}

export function fixedListBuilder(type: TypeOf<"fixed_size_list">, child: Builder): Builder {
  const valid = bitBuffer();
  const { size } = type;
  const appendNull = (): void => {
    checkOffset(child.length() + size, "list elements");
    for (let i = 0; i < size; i += 1) {
      child.appendNull();
    }
    pushBit(valid, false);
  };
  return {
    length: () => valid.count,
    byteLength: () => bitmapBytes(valid.count) + child.byteLength(),
    append(value) {
      if (value === null) {
        appendNull();
        return;
      }
      if (!isList(value)) {
        throw new Mismatch(value, type);
      }
      if (value.length !== size) {
        throw new Mismatch(value, type, `it has ${value.length} elements`);
      }
      checkOffset(child.length() + size, "list elements");
      appendItems(child, value);
      pushBit(valid, true);
    },
    appendNull,
    appendFrom(column, row) {
      if (!hasLayout(column, "fixed_list") || !isValid(column, row)) {
        appendNull();
        return;
      }
      checkOffset(child.length() + size, "list elements");
      restoring([child], () => {
        for (let i = row * size; i < (row + 1) * size; i += 1) {
          child.appendFrom(column.child, i);
        }
      });
      pushBit(valid, true);
    },
    truncate(length) {
      valid.count = length;
      child.truncate(length * size);
    },
    finish() {
      const length = valid.count;
      return { layout: "fixed_list", type, length, validity: takeValidity(valid), size, child: child.finish() };
    },
  };
}

export function structBuilder(type: TypeOf<"struct">, children: readonly Builder[]): Builder {
  const valid: BitBuffer = bitBuffer();
  const names = type.fields.map((field) => field.name);
  const known = new Set(names);
  const appendNull = (): void => {
    for (const child of children) {
      child.appendNull();
    }
    pushBit(valid, false);
  };
  return {
    length: () => valid.count,
    byteLength: () => children.reduce((sum, child) => sum + child.byteLength(), bitmapBytes(valid.count)),
    append(value) {
      if (value === null) {
        appendNull();
        return;
      }
      if (!isRecord(value)) {
        throw new Mismatch(value, type);
      }
      for (const key of Object.keys(value)) {
        if (!known.has(key)) {
          throw new Mismatch(value, type, `it has no field ${JSON.stringify(key)}`);
        }
      }
      restoring(children, () => {
        for (let i = 0; i < names.length; i += 1) {
          const name = names[i]!;
          // Only own properties count: `__proto__` or `constructor` of the prototype is no value.
          within(name, children[i]!, Object.hasOwn(value, name) ? value[name]! : null);
        }
      });
      pushBit(valid, true);
    },
    appendNull,
    appendFrom(column, row) {
      if (!hasLayout(column, "struct") || !isValid(column, row)) {
        appendNull();
        return;
      }
      restoring(children, () => {
        for (let i = 0; i < children.length; i += 1) {
          children[i]!.appendFrom(column.children[i]!, row);
        }
      });
      pushBit(valid, true);
    },
    truncate(length) {
      valid.count = length;
      for (const child of children) {
        child.truncate(length);
      }
    },
    finish() {
      const length = valid.count;
      const validity = takeValidity(valid);
      return { layout: "struct", type, length, validity, children: children.map((child) => child.finish()) };
    },
  };
}

function isList(value: CellInput): value is readonly CellInput[] | FixedValues {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
}

function isRecord(value: CellInput): value is { readonly [field: string]: CellInput } {
  // A Map or Date has no own keys and would pass for a struct of missing fields.
  return Object.prototype.toString.call(value) === "[object Object]";
}

function appendItems(child: Builder, items: readonly CellInput[] | FixedValues): void {
  restoring([child], () => {
    for (let i = 0; i < items.length; i += 1) {
      within(i, child, items[i]!);
    }
  });
}

/** Appends one part of a value; a mismatch in it learns where it stands. */
function within(step: string | number, child: Builder, value: CellInput): void {
  try {
    child.append(value);
  } catch (error) {
    if (error instanceof Mismatch) {
      error.path.unshift(step);
    }
    throw error;
  }
}

/** Runs `work`; if it throws, the builders are cut back to where they were. */
function restoring(builders: readonly Builder[], work: () => void): void {
  const lengths = builders.map((builder) => builder.length());
  try {
    work();
  } catch (error) {
    for (const [i, builder] of builders.entries()) {
      builder.truncate(lengths[i]!);
    }
    throw error;
  }
}
