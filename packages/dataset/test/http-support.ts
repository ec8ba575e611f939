/// <reference types="node" />
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readAll } from "@usr/storage";
import type { Root } from "../src/types.ts";

/** A web server on this machine. */
export interface Served extends AsyncDisposable {
  /** Its address, with a slash at the end. */
  readonly url: string;
  /** The objects it serves, as `httpStorage` wants to be told of them. */
  readonly index: readonly { readonly path: string; readonly size: number; readonly etag: string }[];
  readonly requests: () => number;
}

/** A server of static files, as any web server is one. What `answer` has answered already is left to it. */
export async function serve(
  root: Root,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<boolean> = async () => false,
): Promise<Served> {
  const index = [];
  for await (const { path, size, etag } of root.storage.list("")) index.push({ path, size, etag });
  let requests = 0;
  const server = createServer(async (request, response) => {
    requests++;
    if (await answer(request, response)) return;
    await using handle = await root.storage.open(decodeURIComponent(request.url!.slice(1)));
    if (handle === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { size } = handle.meta;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (range === null) {
      response.writeHead(200, { "content-length": size }).end(await readAll(handle));
      return;
    }
    const start = Number(range[1]);
    const end = Math.min(size, Number(range[2]) + 1);
    if (start >= size) {
      response.writeHead(416, { "content-range": `bytes */${size}` }).end();
      return;
    }
    const headers = {
      "content-range": `bytes ${start}-${end - 1}/${size}`,
      "content-length": end - start,
      etag: '"1"',
    };
    response.writeHead(206, headers).end(await handle.read(start, end - start));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    index,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
