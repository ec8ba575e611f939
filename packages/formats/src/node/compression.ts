/// <reference types="node" />
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import { FormatError } from "../error.ts";
import type { Compression } from "../types.ts";
import { zstdFrames } from "./zstd-frames.ts";

export interface DecompressOptions {
  /** What errors call the input. */
  readonly name?: string | undefined;
  /** More output than this is `TOO_LARGE`. Default: no limit, for nothing is kept. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes inside a gz or zst stream: all members of a gz, all frames of a zst. Input that is cut off, damaged or followed by something else is
 * `CORRUPT`; checksums are checked. Errors of the source pass through. Stopping early releases the source.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  o: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const limit = o.maxBytes ?? Infinity;
  let size = 0;
  try {
    for await (const chunk of kind === "gz" ? through(source, createGunzip(), o.signal) : unzstd(source, o)) {
      size += chunk.length;
      if (size > limit) {
        throw new FormatError("TOO_LARGE", { file: o.name, rule: `the input unpacks to more than ${limit} bytes` });
      }
      yield chunk;
    }
  } catch (error) {
    throw explain(error, kind, o.name);
  }
}

/** The stream compressed: gz at zlib's default level, zst at level 3 with a checksum. */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  o: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* through(source, kind === "gz" ? createGzip() : createZstdCompress({ params: ZSTD_PARAMS }), o.signal);
}

const ZSTD_PARAMS: Readonly<Record<number, number>> = {
  [constants.ZSTD_c_compressionLevel]: 3,
  [constants.ZSTD_c_checksumFlag]: 1,
};

// Node's zstd stream stops in silence after one frame and takes a cut off frame for a whole one, so frames are told apart here
async function* unzstd(
  source: AsyncIterable<Uint8Array>,
  o: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of zstdFrames(source, o.name)) {
    yield* through(frame, createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } }), o.signal);
  }
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  // pipeline destroys both ends whichever fails; the error comes out of the iteration
  pipeline(source, transform, signal === undefined ? {} : { signal }).catch(() => {});
  for await (const chunk of transform) yield chunk;
}

function explain(error: unknown, kind: Compression, file: string | undefined): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("Z_") && !code.startsWith("ZSTD_") && !code.startsWith("ERR_ZLIB")) return error;
  if (code === "ZSTD_error_frameParameter_windowTooLarge") {
    return new FormatError("TOO_LARGE", { file, rule: "the zst window is larger than 128 MiB", cause: error });
  }
  const rule = code === "Z_BUF_ERROR" ? `the ${kind} data is cut off` : `the ${kind} data is damaged`;
  return new FormatError("CORRUPT", { file, rule, cause: error });
}
