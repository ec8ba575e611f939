import { corrupt, notSupported } from "../error.ts";
import { CODEC } from "../footer/format.ts";
import { nativeZlib } from "../native.ts";
import type { Memory } from "../pieces.ts";
import { concatBytes, sizeOf } from "../pieces.ts";
import { firstFrame, storedFrame } from "./zstd-frame.ts";

/** Decompresses one page body into exactly `size` bytes, or throws `CORRUPT`. Where `memory` is asked, they lie at the begin of what it gave. */
export type Decompress = (bytes: Uint8Array, size: number, memory?: Memory) => Uint8Array;
/** The same on another thread. */
export type Inflate = (bytes: Uint8Array, size: number) => Promise<Uint8Array>;
type Raw = (bytes: Uint8Array, size: number) => Uint8Array;

/** The decompressor of a codec number. Native where the runtime has it, else a portable one; those are loaded on first need. */
export async function decompressor(codec: number): Promise<Decompress> {
  switch (codec) {
    case CODEC.uncompressed:
      return checked((bytes) => bytes);
    case CODEC.snappy:
      return (await import("./snappy.ts")).snappyDecode;
    case CODEC.lz4Raw:
      return (await import("./lz4.ts")).lz4Decode;
    case CODEC.lz4:
      return (await import("./lz4.ts")).lz4HadoopDecode;
    case CODEC.gzip:
      return checked(native("gunzipSync") ?? (await portable("decompressGzip")));
    case CODEC.brotli:
      return checked(native("brotliDecompressSync") ?? (await portable("decompressBrotli")));
    case CODEC.zstd:
      return checked(native("zstdDecompressSync") ?? (await portable("decompressZstd")));
    case CODEC.lzo:
      throw notSupported("The Parquet file is compressed with LZO.");
    default:
      throw corrupt(`unknown codec ${codec}`);
  }
}

function native(name: "gunzipSync" | "brotliDecompressSync" | "zstdDecompressSync"): Raw | undefined {
  const inflate = nativeZlib()?.[name];
  if (inflate === undefined) return undefined;
  return (bytes, size) => inflate(bytes, outputOf(size));
}

/** One output chunk a byte larger than declared (a full one makes zlib start another): no copies, and a stream that yields more than it says is cut off by zlib itself. */
function outputOf(size: number): { readonly maxOutputLength: number; readonly chunkSize: number } {
  return { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size + 1, 64) };
}

/** Decompression off the main thread, for the codecs that the runtime has it for. */
export function inflater(codec: number): Inflate | undefined {
  const inflate = codec === CODEC.zstd ? nativeZlib()?.zstdDecompress : undefined;
  if (inflate === undefined) return undefined;
  return (bytes, size) =>
    new Promise((resolve, reject) => {
      inflate(bytes, outputOf(size), (error, out) => {
        if (error !== null) reject(error);
        else if (out.length !== size) reject(corrupt(`a page decompresses to ${out.length} bytes`));
        else resolve(plainBytes(out));
      });
    });
}

async function portable(name: "decompressGzip" | "decompressBrotli" | "decompressZstd"): Promise<Raw> {
  const module = await import("hyparquet-compressors");
  if (name === "decompressZstd") return (bytes) => module.decompressZstd(bytes);
  return module[name];
}

function checked(raw: Raw): Decompress {
  return (bytes, size) => {
    let out: Uint8Array;
    try {
      out = raw(bytes, size);
    } catch (cause) {
      throw corrupt(`a page does not decompress (${cause instanceof Error ? cause.message : String(cause)})`);
    }
    if (out.length !== size) throw corrupt(`a page decompresses to ${out.length} bytes, its header says ${size}`);
    // Node answers with a Buffer, whose slice() is a view; the decoders rely on plain Uint8Array semantics.
    return plainBytes(out);
  };
}

/** The same bytes as a plain Uint8Array. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Compresses page bodies, given in pieces: at once, or beside the thread that asks, where that pays. */
export interface Compressor {
  now(parts: readonly Uint8Array[]): Uint8Array;
  soon(parts: readonly Uint8Array[]): Uint8Array | Promise<Uint8Array>;
}

/** Below this size handing a page to another thread costs more than it saves. */
const WORTH_A_THREAD = 32 * 1024;
/** ZSTD_e_end. */
const END = 2;
/** Up to this size a page is stored: making a compressor costs a quarter of a millisecond, and such pages do not shrink. */
const STORED = 128;

/**
 * Memory that bodies are put together in is used again, by the next file too: a page of a megabyte each time is what garbage collections come
 * from.
 */
const spare: Uint8Array[] = [];
const SPARE = 8;
const SPARE_BYTES = 2 * 2 ** 20;
/** A usual page has room in any of it: what fits only some is seldom used again. */
const USUAL = 2 ** 20 + 2 ** 17;
const memoryOf = (size: number): Uint8Array => {
  const at = spare.findIndex(({ length }) => length >= size);
  return at < 0 ? new Uint8Array(Math.max(size + (size >> 3), USUAL)) : spare.splice(at, 1)[0]!;
};
/** What was given back last is the likeliest to fit what comes next. */
const giveBack = (memory: Uint8Array): void => {
  if (memory.length > SPARE_BYTES) return;
  spare.unshift(memory);
  if (spare.length > SPARE) spare.pop();
};

/** Compresses with zstd. Throws `NOT_SUPPORTED` where the runtime has no zstd: nothing is downgraded in silence. */
export function zstdCompressor(level: number): Compressor {
  const zlib = nativeZlib();
  const compress = zlib?.zstdCompressSync;
  const beside = zlib?.zstdCompress;
  if (compress === undefined) {
    throw notSupported("This runtime has no zstd compression.", 'Ask for it: codec "uncompressed".');
  }
  // 100 is ZSTD_c_compressionLevel. One output chunk: the bound of zstd is a little over the input.
  const options = (size: number): { readonly params: Record<number, number>; readonly chunkSize: number } => ({
    params: { 100: level },
    chunkSize: size + (size >> 7) + 1024,
  });
  const now = (parts: readonly Uint8Array[]): Uint8Array => {
    const bytes = concatBytes(parts);
    return bytes.length <= STORED ? storedFrame(bytes) : compress(bytes, options(bytes.length));
  };
  return {
    now,
    soon: (parts) => {
      const size = sizeOf(parts);
      if (beside === undefined || size < WORTH_A_THREAD) return now(parts);
      const memory = parts.length === 1 ? undefined : memoryOf(size);
      const bytes = concatBytes(parts, memory);
      return new Promise((resolve, reject) => {
        // Told that the first bytes are the last ones too, zstd compresses from where they lie to where the result goes, as it does at once; else
        // by way of buffers of its own, which takes a quarter longer. Node then ends a second, empty frame.
        beside(bytes, { ...options(size), flush: END }, (error, result) => {
          if (memory !== undefined) giveBack(memory);
          if (error === null) resolve(firstFrame(result));
          else reject(error);
        });
      });
    },
  };
}
