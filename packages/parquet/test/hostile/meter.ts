// Buffers are outside of the heap that a worker's limits bound, and the system hands out untouched ones for nothing: only asking counts.

const KINDS = [
  "ArrayBuffer",
  "Uint8Array",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
];

let total = 0;

/** Bytes of the buffers asked for by length since `meterAllocations`. */
export function allocatedBytes(): number {
  return total;
}

/** Counts from now on, in this thread. */
export function meterAllocations(): void {
  for (const kind of KINDS) {
    const original: unknown = Reflect.get(globalThis, kind);
    if (typeof original !== "function") throw new Error(`${kind} is no constructor`);
    const construct = (target: typeof original, args: readonly unknown[], newTarget: typeof original): object => {
      const made: object = Reflect.construct(target, args, newTarget);
      const size: unknown = typeof args[0] === "number" ? Reflect.get(made, "byteLength") : 0;
      if (typeof size === "number") total += size;
      return made;
    };
    Reflect.set(globalThis, kind, new Proxy(original, { construct }));
  }
}
