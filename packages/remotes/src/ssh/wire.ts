/**
 * What travels between the two ends. A request is one line `VERB COUNT SIZE`, then COUNT arguments, one a line, then SIZE bytes. A reply is any
 * number of items (`=…` or another mark that is no letter, one a line) and of data (`+LENGTH`, a newline, that many bytes), closed by one line
 * that starts with a word: `ok TEXT`, or the code of what went wrong and a sentence. Replies come in the order of the requests, so that many
 * can be under way. A shell can speak this, which is the point of it.
 */
import { RemoteError } from "../error.ts";
import type { ByteReader } from "./bytes.ts";

/** Both ends must speak the same one. */
export const PROTOCOL = "1";

/** Both ends know exactly these. */
export type Verb =
  | "hello"
  | "list"
  | "open"
  | "close"
  | "read"
  | "digest"
  | "digests"
  | "begin"
  | "write"
  | "copy"
  | "commit"
  | "abort"
  | "append"
  | "delete"
  | "rename"
  | "link"
  | "lock"
  | "unlock"
  | "prune"
  | "space";

export interface Request {
  readonly verb: string;
  /** No newline in any of them. */
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface Reply {
  readonly code: string;
  readonly text: string;
  /** Lines with their mark, as bytes: a file name need not be text. */
  readonly items: readonly Uint8Array[];
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A request names no more files than this. */
export const MOST_ARGS: number = 100;
const MOST_ITEMS = 5_000_000;
/** Of a request; longer bodies are sent in pieces. */
export const LONGEST_BODY: number = 2 ** 20;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** The lines of a request; its body follows them. A newline in an argument is a `RemoteError` `USAGE`. */
export function encodeRequest(verb: Verb, args: readonly (string | number)[], size: number): Uint8Array {
  const lines = args.map(String);
  const broken = lines.find((line) => /[\n\0]/.test(line));
  if (broken !== undefined) throw new RemoteError("USAGE", `${JSON.stringify(broken)} cannot be sent in one line.`);
  return utf8.encode([`${verb} ${lines.length} ${size}`, ...lines, ""].join("\n"));
}

/** The next request; `undefined` = the stream ended, cleanly or within one. */
export async function readRequest(reader: ByteReader): Promise<Request | undefined> {
  const line = await reader.line();
  if (line === undefined) return undefined;
  const [verb, count, size] = numbersOf(/^([a-z]+) (\d{1,3}) (\d{1,9})$/, line, "request");
  if (Number(count) > MOST_ARGS || Number(size) > LONGEST_BODY) throw garbled("request", line);
  const args: string[] = [];
  for (let n = 0; n < Number(count); n++) {
    const arg = await reader.line();
    if (arg === undefined) return undefined;
    args.push(textOf(arg));
  }
  const body = await reader.exact(Number(size));
  return body && { verb: verb!, args, body };
}

/**
 * The next reply; `undefined` = the stream ended before its last line. Data must be exactly as long as `expected` says, so that no peer decides
 * how much memory is taken; anything that is no reply is a `RemoteError` `TRANSFER_FAILED`.
 */
export async function readReply(reader: ByteReader, expected: number): Promise<Reply | undefined> {
  const items: Uint8Array[] = [];
  let data: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  for (;;) {
    const line = await reader.line();
    if (line === undefined) return undefined;
    const mark = line[0] ?? 0;
    if (mark === 0x2b) {
      const [length] = numbersOf(/^\+(\d{1,15})$/, line, "reply");
      if (Number(length) !== expected || data.length > 0) throw garbled("reply", line);
      const bytes = await reader.exact(expected);
      if (bytes === undefined) return undefined;
      data = bytes;
    } else if (isLetter(mark)) {
      const [code, text] = numbersOf(/^([A-Za-z_]{2,30})(?: (.*))?$/s, line, "reply");
      return { code: code!, text: text ?? "", items, data };
    } else {
      if (items.length === MOST_ITEMS) throw garbled("reply", line);
      items.push(line);
    }
  }
}

/** The text of bytes that should be UTF-8; a `RemoteError` where they are not. */
function textOf(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw garbled("request", bytes);
  }
}

/** As a file name: `undefined` where the bytes are no UTF-8. */
export function nameOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function numbersOf(pattern: RegExp, line: Uint8Array, what: string): readonly (string | undefined)[] {
  const match = pattern.exec(lenient.decode(line));
  if (match === null) throw garbled(what, line);
  return match.slice(1);
}

const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

function garbled(what: string, line: Uint8Array): RemoteError {
  const shown = JSON.stringify(lenient.decode(line.subarray(0, 200)));
  return new RemoteError("TRANSFER_FAILED", `The other end sent ${shown}, which is no ${what}.`, {
    hint: "If it repeats, both ends may run versions that do not fit: update the older one.",
  });
}
