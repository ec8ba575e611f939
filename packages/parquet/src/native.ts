/** The parts of Node's builtin modules this package profits from; absent in browsers. */
interface ZlibOptions {
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
  readonly flush?: number;
  readonly params?: Readonly<Record<number, number>>;
}
type Inflate = (bytes: Uint8Array, o?: ZlibOptions) => Uint8Array;
type InflateAside = (bytes: Uint8Array, o: ZlibOptions, done: (error: Error | null, bytes: Uint8Array) => void) => void;

export interface NativeZlib {
  readonly zstdDecompressSync?: Inflate;
  readonly zstdDecompress?: InflateAside;
  readonly zstdCompressSync?: Inflate;
  readonly zstdCompress?: (
    bytes: Uint8Array,
    o: ZlibOptions,
    done: (error: Error | null, result: Uint8Array) => void,
  ) => void;
  readonly gunzipSync?: Inflate;
  readonly brotliDecompressSync?: Inflate;
  readonly crc32?: (bytes: Uint8Array, value?: number) => number;
}
export interface NativeBuffer {
  readonly isUtf8?: (bytes: Uint8Array) => boolean;
  readonly isAscii?: (bytes: Uint8Array) => boolean;
  readonly Buffer?: {
    readonly compare?: (a: Uint8Array, b: Uint8Array) => number;
    readonly prototype?: { indexOf?(this: Uint8Array, bytes: Uint8Array): number };
  };
}

interface Host {
  readonly process?: { readonly getBuiltinModule?: ((name: string) => unknown) | undefined } | undefined;
}

// Looked up at call time, so that a runtime without them is simply one where the answer is `undefined`.
function builtin(name: string): object | undefined {
  const host: Host = globalThis;
  const found = host.process?.getBuiltinModule?.(name);
  return typeof found === "object" && found !== null ? found : undefined;
}

export function nativeZlib(): NativeZlib | undefined {
  return builtin("node:zlib");
}

export function nativeBuffer(): NativeBuffer | undefined {
  return builtin("node:buffer");
}
