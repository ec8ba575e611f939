import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Format, TableReader } from "@usr/formats";
import { FormatError, formatOf, openTable } from "@usr/formats";
import type { ReadHandle } from "@usr/storage";
import { StorageError } from "@usr/storage";
import { UsageError } from "./errors.ts";
import type { Session } from "./session.ts";

const FORMATS: readonly Format[] = ["csv", "tsv", "jsonl", "parquet", "arrow", "fasta"];

export interface InputTable extends AsyncDisposable {
  readonly table: TableReader;
  /** What errors and `source` call it: the path as typed, `stdin` for `-`. */
  readonly name: string;
}

/** The format of a file by `--from`, else by its suffix; neither is a usage error. */
export const formatFor = (
  path: string,
  from: string | undefined,
): { readonly format: Format; readonly compression: "gz" | "zst" | undefined } => {
  const bySuffix = path === "-" ? undefined : formatOf(path);
  if (from === undefined) {
    if (bySuffix !== undefined) return bySuffix;
    throw new UsageError(
      path === "-"
        ? "stdin has no suffix to tell its format"
        : `the suffix of ${JSON.stringify(path)} names no known format`,
      {
        hint: `Say the format: ${FORMATS.join(", ")}.`,
        details: { path },
      },
    );
  }
  const [name, compression] = from.split(".");
  const format = FORMATS.find((known) => known === name);
  if (format === undefined || (compression !== undefined && compression !== "gz" && compression !== "zst")) {
    throw new UsageError(`${JSON.stringify(from)} is not a format`, {
      hint: `Formats: ${FORMATS.join(", ")}, each also as NAME.gz or NAME.zst.`,
      details: { format: from },
    });
  }
  const wrapped = compression === "gz" || compression === "zst" ? compression : undefined;
  return { format, compression: wrapped ?? suffixCompression(path) };
};

const suffixCompression = (path: string): "gz" | "zst" | undefined =>
  path.endsWith(".gz") ? "gz" : path.endsWith(".zst") ? "zst" : undefined;

/** Opens an input file or stdin as a table; the format is said or known by its suffix, never guessed from content. */
export const openInput = async (
  session: Session,
  path: string,
  o: { readonly from?: string | undefined; readonly allowRounding?: boolean | undefined },
): Promise<InputTable> => {
  const { format, compression } = formatFor(path, o.from);
  const name = path === "-" ? "stdin" : path;
  const limits =
    session.options.memoryBytes === undefined ? undefined : { maxBufferedBytes: session.options.memoryBytes };
  const open = { format, name, limits, allowRounding: o.allowRounding, signal: session.environment.signal };
  if (path !== "-") await requireFile(path);
  if (format === "parquet" && compression === undefined && path !== "-") {
    const handle = await openFile(path);
    return {
      name,
      table: await openTable({ file: handle }, open),
      [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
    };
  }
  const source = path === "-" ? session.environment.stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
  const bytes = withProgress(session, source, name);
  const { decompress } = await import("@usr/formats/node");
  return {
    name,
    table: await openTable({ stream: compression === undefined ? bytes : decompress(bytes, compression, { name }) }, open),
    [Symbol.asyncDispose]: async () => {
      source.destroy();
    },
  };
};

const requireFile = async (path: string): Promise<void> => {
  const found = await stat(path).catch((cause: unknown) => {
    throw new StorageError("NOT_FOUND", `the file ${path} cannot be opened`, {
      hint: "Check the path.",
      details: { path },
      cause,
    });
  });
  if (found.isDirectory()) throw new UsageError(`${path} is a folder`, { hint: "Name a file.", details: { path } });
};

const openFile = async (path: string): Promise<ReadHandle> => {
  const { diskStorage } = await import("@usr/storage/node");
  const handle = await diskStorage(dirname(path)).open(basename(path));
  if (handle === undefined)
    throw new StorageError("NOT_FOUND", `the file ${path} cannot be opened`, { details: { path } });
  return handle;
};

/** Passes bytes on; on a terminal it keeps a line on stderr that says how far it is. */
async function* withProgress(
  session: Session,
  source: AsyncIterable<unknown>,
  name: string,
): AsyncGenerator<Uint8Array> {
  const { environment, options } = session;
  const shown = environment.stderrIsTerminal && !options.quiet;
  let bytes = 0;
  let next = 0n;
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) throw new FormatError("CORRUPT", { file: name, rule: "an input gives bytes" });
    bytes += chunk.length;
    const now = environment.clock();
    if (shown && now > next) {
      environment.stderr(`\r${name}: ${(bytes / 1e6).toFixed(1)} MB read `);
      next = now + 200_000n;
    }
    yield chunk;
  }
  if (shown && next > 0n) environment.stderr("\r\u001b[K");
}
