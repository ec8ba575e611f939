import * as arrow from "apache-arrow";
import { decodeLz4Frame } from "./lz4.ts";

/** Teaches apache-arrow to read compressed bodies, unless the application has taught it already. */
export function registerCodecs(): void {
  const { compressionRegistry, CompressionType } = arrow;
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) === null) {
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decodeLz4Frame });
  }
  const zstd = nodeZstd();
  if (zstd !== undefined && compressionRegistry.get(CompressionType.ZSTD) === null) {
    compressionRegistry.set(CompressionType.ZSTD, { decode: zstd });
  }
}

interface NodeZlib {
  readonly zstdDecompressSync?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** zstd as Node has it; `undefined` elsewhere. */
function nodeZstd(): ((bytes: Uint8Array) => Uint8Array) | undefined {
  const host: {
    readonly process?:
      | { readonly getBuiltinModule?: ((name: "node:zlib") => NodeZlib | undefined) | undefined }
      | undefined;
  } = globalThis;
  return host.process?.getBuiltinModule?.("node:zlib")?.zstdDecompressSync;
}
