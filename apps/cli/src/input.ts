import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Format, OpenTableOptions, TableInput, TableReader } from "@usr/formats";
import { FormatError, formatOf, openTable } from "@usr/formats";
import { nodeFs } from "@usr/storage/node";
import { UsageError } from "./errors.ts";
import { safe } from "./safe.ts";
import type { Session } from "./session.ts";
import { aboutFile } from "./system-error.ts";

/** What an export can be; genbank is read only. */
export const WRITTEN_FORMATS: readonly Format[] = ["csv", "tsv", "jsonl", "parquet", "arrow", "fasta"];
const FORMATS: readonly Format[] = [...WRITTEN_FORMATS, "genbank"];

export interface InputTable extends AsyncDisposable {
  readonly table: TableReader;
  /** What errors and `source` call it: the path as typed, `stdin` for `-`. */
  readonly name: string;
}

/** The format of a file by what was typed, else by its suffix; neither is a usage error, which names the formats `known`. */
export const formatFor = (
  path: string,
  typed: string | undefined,
  known: readonly Format[] = FORMATS,
): { readonly format: Format; readonly compression: "gz" | "zst" | undefined } => {
  const bySuffix = path === "-" ? undefined : formatOf(path);
  if (typed === undefined) {
    if (bySuffix !== undefined) return bySuffix;
    throw new UsageError(
      path === "-"
        ? "- has no suffix to tell its format"
        : `the suffix of ${JSON.stringify(path)} names no known format`,
      { hint: `Say the format: ${known.join(", ")}.`, details: { path } },
    );
  }
  const [, name, wrapping] = /^([a-z]+)(?:\.(gz|zst))?$/.exec(typed) ?? [];
  const format = FORMATS.find((one) => one === name);
  if (format === undefined) {
    throw new UsageError(`${JSON.stringify(typed)} is not a format`, {
      hint: `Formats: ${known.join(", ")}, each also as NAME.gz or NAME.zst.`,
      details: { format: typed },
    });
  }
  return { format, compression: compressionOf(`.${wrapping ?? ""}`) ?? compressionOf(path) };
};

const compressionOf = (path: string): "gz" | "zst" | undefined =>
  path.endsWith(".gz") ? "gz" : path.endsWith(".zst") ? "zst" : undefined;

/** V8 makes no longer string; errors and listings show values as strings. */
const LONGEST_TEXT = 2 ** 29 - 24;

/** What an input may take when `--memory` is given. A cell, line or record is held a few times over while it is read; less than the usual limit is never set. */
const roomFor = (memoryBytes: number | undefined): OpenTableOptions["limits"] =>
  memoryBytes === undefined
    ? {}
    : {
        maxBufferedBytes: memoryBytes,
        maxDecodedBytes: memoryBytes,
        maxFieldBytes: Math.min(Math.max(64 << 20, Math.floor(memoryBytes / 8)), LONGEST_TEXT),
        maxRowBytes: Math.min(Math.max(256 << 20, Math.floor(memoryBytes / 2)), 2 ** 31),
      };

/** Opens an input file or stdin as a table; the format is said or known by its suffix, never guessed from content. */
export const openInput = async (
  session: Session,
  path: string,
  o: {
    readonly from?: string | undefined;
    readonly allowRounding?: boolean | undefined;
    /** Rows come as they are written, in batches of at most `batchRows`. */
    readonly eager?: boolean | undefined;
    readonly batchRows?: number | undefined;
  },
): Promise<InputTable> => {
  const { format, compression } = formatFor(path, o.from);
  const name = path === "-" ? "stdin" : path;
  const { memoryBytes, maxRatio } = session.options;
  const limits = { ...roomFor(memoryBytes), maxRatio, batchRows: o.batchRows };
  const { allowRounding, eager } = o;
  const open = { format, name, limits, allowRounding, eager, signal: session.environment.signal };
  const regular = path !== "-" && (await isRegularFile(path));
  if (compression === undefined && regular && (format === "parquet" || DONE_WITH_CHUNKS.has(format))) {
    const file = await openFile(path);
    try {
      const input = format === "parquet" ? { file } : { stream: withProgress(session, chunksOf(session, file), name) };
      return { name, table: await openTable(input, open), [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }
  const source = path === "-" ? session.environment.stdin : createReadStream(path, { highWaterMark: CHUNK });
  const bytes = withProgress(session, readable(session, source, name), name);
  const { decompress } = await import("@usr/formats/node");
  const stream = compression === undefined ? bytes : decompress(bytes, compression, { name });
  try {
    const table = await openTable({ stream }, open);
    return {
      name,
      table,
      [Symbol.asyncDispose]: async () => {
        source.destroy();
      },
    };
  } catch (error) {
    source.destroy();
    throw error;
  }
};

/** Formats that are done with a chunk when they ask for the next. */
const DONE_WITH_CHUNKS: ReadonlySet<Format> = new Set(["csv", "tsv", "jsonl", "fasta"]);
const CHUNK = 1024 * 1024;

/** A file from begin to end, each chunk read while the one before it is used, in two pieces of memory by turns. */
async function* chunksOf(session: Session, file: OpenFile): AsyncGenerator<Uint8Array> {
  const { signal } = session.environment;
  const memory = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)] as const;
  let next = file.readNext(memory[0]);
  try {
    for (let turn = 1; ; turn ^= 1) {
      const chunk = await next;
      signal.throwIfAborted();
      if (chunk.length === 0) return;
      next = file.readNext(memory[turn]!);
      next.catch(() => {});
      yield chunk;
    }
  } finally {
    await Promise.allSettled([next]);
  }
}

/** The SHA-256 of a file as it lies there, in hex; of nothing but a file there is none. */
export const sha256OfFile = async (path: string): Promise<string | undefined> => {
  if (path === "-" || !(await isRegularFile(path))) return undefined;
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    throw aboutFile(error, "read", path);
  }
  return hash.digest("hex");
};

const isRegularFile = async (path: string): Promise<boolean> => {
  const found = await nodeFs.stat(path, { bigint: true }).catch((error: unknown) => {
    throw aboutFile(error, "open", path);
  });
  if (found.isDirectory()) throw new UsageError(`${path} is a folder`, { hint: "Name a file.", details: { path } });
  return found.isFile();
};

type OpenFile = Extract<TableInput, { readonly file: unknown }>["file"] &
  AsyncDisposable & {
    /** What follows the last such read, as much as the system gives at once: nothing at the end. */
    readNext(memory: Uint8Array): Promise<Uint8Array>;
  };

/** A file of the user, anywhere and under any name: the rules of a root do not hold for it. */
const openFile = async (path: string): Promise<OpenFile> => {
  const refuse = (error: unknown): never => {
    throw aboutFile(error, "read", path);
  };
  const file = await nodeFs.open(path, "r").catch(refuse);
  const size = Number((await file.stat({ bigint: true })).size);
  let next = 0;
  return {
    meta: { size, path },
    async read(offset, length, o): Promise<Uint8Array> {
      const bytes =
        o?.into !== undefined && o.into.length >= length ? o.into.subarray(0, length) : new Uint8Array(length);
      for (let done = 0; done < length; ) {
        o?.signal?.throwIfAborted();
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch(refuse);
        if (bytesRead === 0) throw new FormatError("CORRUPT", { file: path, rule: "the file ends too early" });
        done += bytesRead;
      }
      return bytes;
    },
    async readNext(memory): Promise<Uint8Array> {
      const { bytesRead } = await file.read(memory, 0, memory.length, next).catch(refuse);
      next += bytesRead;
      return memory.subarray(0, bytesRead);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
};

/** The chunks of a stream. An interruption ends a wait for the next one, and what the system refuses is said in terms of the input. */
async function* readable(session: Session, source: Readable, name: string): AsyncGenerator<Uint8Array> {
  const { signal } = session.environment;
  const stop = (): void =>
    void source.destroy(signal.reason instanceof Error ? signal.reason : new Error("interrupted"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of source) {
      if (!(chunk instanceof Uint8Array))
        throw new FormatError("CORRUPT", { file: name, rule: "an input gives bytes" });
      yield chunk;
    }
  } catch (error) {
    throw aboutFile(error, "read", name);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The lines of a text file, or of stdin for `-`; blank ones count for nothing. No path, no lines. */
export const linesOf = async (session: Session, path: string | undefined): Promise<readonly string[]> => {
  if (path === undefined) return [];
  const name = path === "-" ? "stdin" : path;
  const source = path === "-" ? session.environment.stdin : createReadStream(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let content = "";
  try {
    for await (const chunk of readable(session, source, name)) content += decoder.decode(chunk, { stream: true });
    content += decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new FormatError("CORRUPT", { file: name, rule: "a text file is UTF-8" });
    throw error;
  }
  return content.split(/\r?\n/).filter((line) => line.trim() !== "");
};

/** Passes bytes on; on a terminal it keeps a line on stderr that says how far it is. */
async function* withProgress(
  { environment, options }: Session,
  source: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  const shown = environment.stderrIsTerminal && !options.quiet;
  let bytes = 0;
  let next = 0n;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      const now = environment.clock();
      if (shown && now > next) {
        environment.stderr(`\r${safe(name)}: ${(bytes / 1e6).toFixed(1)} MB read `);
        next = now + 200_000n;
      }
      yield chunk;
    }
  } finally {
    if (shown && next > 0n) environment.stderr("\r\u001b[K");
  }
}
