/** The parts of Node's builtin modules this package profits from; absent in browsers. */
interface ZlibOptions {
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
  readonly params?: Readonly<Record<number, number>>;
}
type Inflate = (bytes: Uint8Array, o?: ZlibOptions) => Uint8Array;

export interface NativeZlib {
  readonly zstdDecompressSync?: Inflate;
  readonly zstdCompressSync?: Inflate;
  readonly gunzipSync?: Inflate;
  readonly brotliDecompressSync?: Inflate;
  readonly crc32?: (bytes: Uint8Array, value?: number) => number;
}
export interface NativeBuffer {
  readonly isUtf8?: (bytes: Uint8Array) => boolean;
}

interface Builtins {
  (name: "node:zlib"): NativeZlib | undefined;
  (name: "node:buffer"): NativeBuffer | undefined;
}

declare const globalThis: { readonly process?: { readonly getBuiltinModule?: Builtins } };

// Looked up at call time, so that a runtime without them is simply one where the answer is `undefined`.
export function nativeZlib(): NativeZlib | undefined {
  return globalThis.process?.getBuiltinModule?.("node:zlib");
}

export function nativeBuffer(): NativeBuffer | undefined {
  return globalThis.process?.getBuiltinModule?.("node:buffer");
}
