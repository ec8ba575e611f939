/// <reference types="node" />
import { createServer } from "node:http";
import { readAll } from "@usr/storage";
import { httpStorage } from "@usr/storage/http";
import { expect, test } from "vitest";
import { info } from "../src/index.ts";
import type { Root } from "../src/types.ts";
import { linesOf, memoryRoot } from "./support.ts";

/** A server of static files, as any web server is one. */
async function served(root: Root): Promise<AsyncDisposable & { readonly root: Root; readonly requests: () => number }> {
  const index = [];
  for await (const { path, size, etag } of root.storage.list("")) index.push({ path, size, etag });
  let requests = 0;
  const server = createServer(async (request, response) => {
    requests++;
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
    root: { storage: httpStorage(`http://127.0.0.1:${port}/`, { index }), label: "http" },
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each([
  ["attach-id", "demo"],
  ["tombstones-h", "demo"],
  ["rows-20k", "lab/rows20k"],
])("%s read over HTTP is what it is in memory", async (name, dataset) => {
  const local = await memoryRoot(name);
  await using server = await served(local);
  expect(await linesOf(server.root, dataset)).toEqual(await linesOf(local, dataset));
  expect(await info(server.root, dataset)).toEqual(await info(local, dataset));
});

test("the first rows of a large dataset take few requests", async () => {
  await using server = await served(await memoryRoot("rows-20k"));
  expect((await linesOf(server.root, "lab/rows20k", { columns: ["id", "sequence"], limit: 10 })).length).toBe(10);
  expect(server.requests()).toBeLessThan(15);
});
