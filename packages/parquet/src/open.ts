import type { Field } from "@usr/schema";
import { corrupt, located, notSupported, ParquetError, tooLarge } from "./error.ts";
import { REPETITION } from "./footer/format.ts";
import { decodeFooter, type Footer, type Later } from "./footer/read.ts";
import { type Origin, type Shape, shapeOf, UnsupportedShape } from "./footer/shape.ts";
import type { DecodeLimits } from "./limits.ts";
import { resolveLimits } from "./limits.ts";
import { ARROW_SCHEMA_KEY, originsOf } from "./origin.ts";
import type { ByteSource, Signal } from "./source.ts";
import { readExactly } from "./source.ts";
import type { ParquetFile, RowGroupInfo } from "./types.ts";

const TAIL = 64 * 1024;

export interface OpenOptions extends Signal {
  readonly limits?: DecodeLimits | undefined;
  /** A file opened before that most likely has the same columns, as parts of one overlay have: what both declare is then held once. */
  readonly like?: ParquetFile | undefined;
  /**
   * Row groups are counted only, with the rows of each: what the footer says of their column chunks is checked when it is first asked for, which
   * `rowGroups` and every reading do, and throws then. For who only wants to know how many rows there are of which columns.
   */
  readonly counted?: boolean | undefined;
}

/**
 * Reads and checks the footer. Throws `ParquetError`: `CORRUPT` where the file contradicts the format or itself, `TOO_LARGE` where it
 * declares more than `limits` allow, `NOT_SUPPORTED` for encrypted files. Columns of types this package does not read do not
 * fail here; they are in `unsupported`.
 */
export async function openParquet(source: ByteSource, o: OpenOptions = {}): Promise<ParquetFile> {
  try {
    return await open(source, o);
  } catch (error) {
    throw inFile(error, source);
  }
}

function inFile(error: unknown, { meta }: ByteSource): unknown {
  return located(error, meta.path ?? "Parquet file", { path: meta.path });
}

async function open(source: ByteSource, o: OpenOptions): Promise<ParquetFile> {
  const limits = resolveLimits(o.limits);
  const { size } = source.meta;
  if (size < 12) throw corrupt(`${size} bytes are too few for a Parquet file`);
  const tailStart = Math.max(0, size - TAIL);
  const tail = await readExactly(source, tailStart, size - tailStart, o);
  const magic = latin1(tail.subarray(tail.length - 4));
  if (magic === "PARE") throw notSupported("The Parquet file is encrypted.");
  if (magic !== "PAR1") throw corrupt("the file does not end as a Parquet file does");
  if (tailStart === 0 && latin1(tail.subarray(0, 4)) !== "PAR1")
    throw corrupt("the file does not start as a Parquet file does");
  const length = new DataView(tail.buffer, tail.byteOffset + tail.length - 8, 4).getUint32(0, true);
  const start = size - 8 - length;
  if (start < 4) throw corrupt(`the footer declares ${length} bytes, the file has ${size}`, { length, size });
  if (length > limits.footerBytes) throw tooLarge(`The footer declares ${length} bytes.`, "footerBytes", { length });
  const bytes =
    start >= tailStart
      ? // A copy: what was read along need not be held with it.
        tail.slice(start - tailStart, start - tailStart + length)
      : await readExactly(source, start, length, o);
  const { like } = o;
  const later: Later = (decode) => {
    try {
      return decode();
    } catch (error) {
      throw inFile(error, source);
    }
  };
  const footer = decodeFooter(bytes, start, limits, like?.footer.declared, o.counted === true ? later : undefined);
  return describe(source, footer, limits, like);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function describe(
  source: ByteSource,
  footer: Footer,
  limits: ParquetFile["limits"],
  like: ParquetFile | undefined,
): ParquetFile {
  const { origins, metadata } = originsOf(footer);
  const { fields, shapes, unsupported, columnNames } = readAlike(footer, like) ?? readable(footer, origins);
  let rowGroups: readonly RowGroupInfo[] | undefined;
  return {
    source,
    schema: { fields, metadata },
    unsupported,
    columnNames,
    numRows: footer.numRows,
    leafColumns: footer.leaves.length,
    createdBy: footer.createdBy,
    get rowGroups() {
      rowGroups ??= footer.rowGroups.map(({ numRows, startRow, byteSize }) => ({ numRows, startRow, byteSize }));
      return rowGroups;
    },
    limits,
    footer,
    shapes,
  };
}

type Readable = Pick<ParquetFile, "shapes" | "unsupported" | "columnNames"> & { readonly fields: readonly Field[] };

/** What `like` makes of the same columns under the same `ARROW:schema`. */
function readAlike(footer: Footer, like: ParquetFile | undefined): Readable | undefined {
  if (like === undefined || footer.declared !== like.footer.declared) return undefined;
  if (footer.keyValues.get(ARROW_SCHEMA_KEY) !== like.footer.keyValues.get(ARROW_SCHEMA_KEY)) return undefined;
  const { shapes, unsupported, columnNames, schema } = like;
  return { shapes, unsupported, columnNames, fields: schema.fields };
}

function readable(footer: Footer, origins: readonly Origin[]): Readable {
  const fields: Field[] = [];
  const shapes = new Map<string, Shape>();
  const unsupported = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { name } of footer.columns) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const [i, column] of footer.columns.entries()) {
    if (counts.get(column.name) !== 1) {
      unsupported.set(column.name, "one of several columns of this name");
      continue;
    }
    try {
      const shape = shapeOf(column, origins[i]);
      shapes.set(column.name, shape);
      fields.push({ name: column.name, type: shape.type, nullable: column.repetition === REPETITION.optional });
    } catch (error) {
      if (!(error instanceof UnsupportedShape)) throw error;
      unsupported.set(column.name, error.message);
    }
  }
  return { fields, shapes, unsupported, columnNames: footer.columns.map((c) => c.name) };
}

/** The shape of a readable column. Throws `COLUMN_NOT_FOUND` or `NOT_SUPPORTED`. */
export function readableShape(file: ParquetFile, column: string): Shape {
  const shape = file.shapes.get(column);
  if (shape !== undefined) return shape;
  const where = file.source.meta.path ?? "Parquet file";
  const reason = file.unsupported.get(column);
  if (reason !== undefined)
    throw new ParquetError("NOT_SUPPORTED", `${where}: column "${column}" is ${reason}, which is not supported.`, {
      details: { column },
    });
  throw new ParquetError("COLUMN_NOT_FOUND", `${where}: there is no column "${column}".`, {
    hint: `The columns are: ${file.columnNames.slice(0, 20).join(", ")}.`,
    details: { column },
  });
}
