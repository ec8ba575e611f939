/** Searches in bytes as the runtime does them itself: many bytes at once. */
export interface ByteSearch {
  /** Index of the first such byte from `start` on, or -1. */
  indexOf(byte: number, start: number): number;
}

interface NativeBuffer {
  readonly Buffer: { from(buffer: ArrayBufferLike, start: number, length: number): ByteSearch };
  isAscii(bytes: Uint8Array): boolean;
}

interface Host {
  readonly process?: { readonly getBuiltinModule?: ((name: "node:buffer") => NativeBuffer | undefined) | undefined };
}

/** Node's buffers; undefined in other runtimes. */
export function nativeBuffer(): NativeBuffer | undefined {
  const host: Host = globalThis;
  return host.process?.getBuiltinModule?.("node:buffer");
}

/** A search in `bytes[0 .. end)`, by the runtime itself where it has one. */
export function byteSearch(bytes: Uint8Array, end: number): ByteSearch {
  const native = nativeBuffer();
  return native === undefined ? bytes.subarray(0, end) : native.Buffer.from(bytes.buffer, bytes.byteOffset, end);
}
