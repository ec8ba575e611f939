import { StorageError, type StorageErrorCode } from "../error.ts";

/** What tells one state of an object from another. */
export interface Version {
  readonly size: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly ranges: boolean;
  /** Headers that make the server refuse another version. Empty for weak tags, which `If-Match` never matches. */
  readonly ifMatch: Readonly<Record<string, string>>;
}

export function versionOf(response: Response, size: number | undefined): Version {
  const etag = response.headers.get("etag") ?? undefined;
  return {
    size: size ?? Number(response.headers.get("content-length") ?? Number.NaN),
    etag,
    lastModified: response.headers.get("last-modified") ?? undefined,
    ranges: true,
    ifMatch: etag === undefined || etag.startsWith("W/") ? {} : { "If-Match": etag },
  };
}

/** Whether nothing that both answers tell differs. Dates count only where no tag does: mirrors may disagree about them. */
export function sameVersion(a: Version, b: Version): boolean {
  const agree = (x: string | number | undefined, y: string | number | undefined): boolean =>
    x === undefined || y === undefined || Number.isNaN(y) || x === y;
  const tagged = a.etag !== undefined && b.etag !== undefined;
  return agree(a.size, b.size) && (tagged ? a.etag === b.etag : agree(a.lastModified, b.lastModified));
}

/** The header `Content-Range: bytes 0-9/100` (`start` is absent in `bytes * /100`), `undefined` where it is missing or unreadable. */
export function contentRange(
  response: Response,
): { readonly start: number | undefined; readonly total: number | undefined } | undefined {
  const found = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (found === null) return undefined;
  const [, start, total] = found;
  return {
    start: start === undefined ? undefined : Number(start),
    total: total === undefined || total === "*" ? undefined : Number(total),
  };
}

/** One request; a broken connection is `IO`, the caller's own abort stays what it is. */
export async function request(ask: typeof fetch, url: URL, path: string, init: RequestInit): Promise<Response> {
  try {
    return await ask(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw init.signal.reason;
    throw new StorageError("IO", `Cannot reach ${url.origin} for ${path}.`, {
      hint: "Check the address and the network; in a browser also that the server allows this origin (CORS).",
      details: { path, url: url.href },
      cause: error,
    });
  }
}

/** The error that an unexpected status means. */
export async function refusal(response: Response, path: string): Promise<StorageError> {
  await response.body?.cancel();
  const { status } = response;
  const [code, hint] = meaningOf(status);
  return new StorageError(code, `The server answered ${status} for ${path}.`, { hint, details: { path, status } });
}

function meaningOf(status: number): readonly [StorageErrorCode, string] {
  if (status === 401 || status === 403) return ["PERMISSION", "Check the credentials and the rights on the server."];
  if (status === 404 || status === 410) return ["NOT_FOUND", "Check the address."];
  return ["IO", "Try again later; if it stays so, ask whoever runs the server."];
}

/**
 * The body of an answer, `undefined` where it is longer than `most` bytes: of the rest nothing is read, for what a server sends may have no end.
 * What the connection throws passes through.
 */
export async function bodyUpTo(response: Response, most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    if (size > most) {
      await reader?.cancel();
      return undefined;
    }
    chunks.push(next.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
