import { type HttpOptions, httpStorage } from "../src/http/index.ts";
import { type ReadHandle, StorageError } from "../src/index.ts";

// A web server by what it answers to each request.

export const TEXT = "0123456789";
export const TAG = '"v1"';
export const BASE = "https://h.example/data/";

interface Asked {
  readonly url: string;
  readonly range: string | undefined;
  readonly ifMatch: string | undefined;
}

export type Answer = (asked: Asked) => Response | Promise<Response>;

/** Answers the first request, which opens, with `opening`, and all others with `reading`; tells what was asked. */
export function server(
  opening: Answer,
  reading: Answer,
): { readonly fetch: typeof fetch; readonly asked: readonly Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const one = {
        url: String(url),
        range: headers.get("range") ?? undefined,
        ifMatch: headers.get("if-match") ?? undefined,
      };
      asked.push(one);
      return asked.length === 1 ? opening(one) : reading(one);
    },
  };
}

/** A right answer to a request for a range, with changes. */
export const partial =
  (headers: Readonly<Record<string, string | undefined>> = {}, body?: BodyInit): Answer =>
  ({ range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const start = Number(from);
    const end = to === "" ? TEXT.length - 1 : Number(to);
    const all: Record<string, string | undefined> = {
      etag: TAG,
      "content-range": `bytes ${start}-${end}/${TEXT.length}`,
      ...headers,
    };
    const told = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    return new Response(body ?? TEXT.slice(start, end + 1), {
      status: 206,
      headers: [...told.map(([a, b]): [string, string] => [a, b])],
    });
  };

export const whole =
  (headers: Readonly<Record<string, string>> = {}, body: BodyInit = TEXT): Answer =>
  () =>
    new Response(body, { headers: { "content-length": `${TEXT.length}`, etag: TAG, ...headers } });

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  () =>
    new Response(code === 204 ? null : "sorry", { status: code, headers });

export async function opened(
  opening: Answer,
  reading: Answer = partial(),
  index: HttpOptions["index"] = [],
): Promise<{ readonly handle: ReadHandle; readonly asked: readonly Asked[] }> {
  const { fetch, asked } = server(opening, reading);
  const handle = await httpStorage(BASE, { index, fetch }).open("a b/c");
  if (handle === undefined) throw new Error("there is no such object");
  return { handle, asked };
}

export const failure = async (work: Promise<unknown>): Promise<StorageError> => {
  const error = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof StorageError) return error;
  throw new Error(`expected a StorageError, got ${String(error)}`);
};

/** A body that does not end, beginning with `start`, and how many bytes of it were asked for. */
export const endless = (start: string): { readonly stream: ReadableStream<Uint8Array>; sent(): number } => {
  let sent = 0;
  const first = new TextEncoder().encode(start);
  const more = new Uint8Array(2 ** 20).fill(32);
  return {
    sent: () => sent,
    stream: new ReadableStream({
      pull(controller): void {
        const chunk = sent === 0 ? first : more;
        sent += chunk.length;
        controller.enqueue(chunk);
      },
    }),
  };
};
