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
