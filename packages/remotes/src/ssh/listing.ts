import { nameOf } from "./wire.ts";

/** What is known of a folder: the number the listing was given, and its lines. */
export interface Listing {
  readonly number: string;
  readonly lines: ReadonlySet<string>;
}

/** From here on lines travel packed: gzip, base64, cut into lines that start with a %. */
const SMALL = 2_000;
const LONGEST_PIECE = 16_384;

const foreign = new TextDecoder("windows-1252");

/** Lines that only one of two listings has. */
export function difference(a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] {
  return [...[...a].filter((line) => !b.has(line)), ...[...b].filter((line) => !a.has(line))];
}

/** The listing that differs from `base` in these lines. */
export function applied(base: ReadonlySet<string>, changed: readonly string[]): ReadonlySet<string> {
  const next = new Set(base);
  for (const line of changed) if (!next.delete(line)) next.add(line);
  return next;
}

/** As lines to send. */
export async function pack(lines: readonly string[]): Promise<readonly string[]> {
  const text = lines.map((line) => `${line}\n`).join("");
  if (text.length < SMALL) return lines;
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("gzip"));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const coded = btoa(binary);
  return Array.from({ length: Math.ceil(coded.length / LONGEST_PIECE) }, (_, n) => {
    return `%${coded.slice(n * LONGEST_PIECE, (n + 1) * LONGEST_PIECE)}`;
  });
}

/** The lines that arrived, unpacked; one that is no UTF-8 begins with a `!`. Rejects where they are packed and cannot be unpacked. */
export async function unpack(items: readonly Uint8Array[]): Promise<readonly string[]> {
  const lines = items.map(textOf);
  const packed = lines.filter((line) => line.startsWith("%"));
  if (packed.length === 0) return lines.filter((line) => line !== "");
  const binary = atob(packed.map((line) => line.slice(1)).join(""));
  const bytes = await through(
    Uint8Array.from(binary, (char) => char.charCodeAt(0)),
    new DecompressionStream("gzip"),
  );
  const unpacked: string[] = lines.filter((line) => line !== "" && !line.startsWith("%"));
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    const line = textOf(bytes.subarray(at, end < 0 ? bytes.length : end));
    if (line !== "") unpacked.push(line);
    at = end < 0 ? bytes.length : end + 1;
  }
  return unpacked;
}

const textOf = (bytes: Uint8Array): string => nameOf(bytes) ?? `!${foreign.decode(bytes)}`;

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
