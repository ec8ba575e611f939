/// <reference types="node" />
import { createHash } from "node:crypto";
import { createServer } from "node:http";

/** How a web server may differ from a perfect one. */
export interface ServerHabits {
  readonly ranges?: boolean;
  readonly tags?: "strong" | "weak" | "none";
  readonly ifMatch?: boolean;
  readonly status?: number;
}

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** Requests answered so far, as `method path range`. */
  readonly requests: readonly string[];
}

/** Serves the objects under `/data/` on the loopback interface. Objects may be replaced while it runs. */
export async function serve(objects: ReadonlyMap<string, Uint8Array>, habits: ServerHabits = {}): Promise<FileServer> {
  const requests: string[] = [];
  const { ranges = true, tags = "strong", ifMatch = true } = habits;
  const server = createServer((request, response) => {
    const range = request.headers.range ?? "";
    requests.push(`${request.method} ${request.url} ${range}`);
    const path = decodeURIComponent((request.url ?? "").replace(/^\/data\//, ""));
    const bytes = objects.get(path);
    const answer = (status: number, headers: Record<string, string>, body?: Uint8Array): void => {
      response.writeHead(status, { "content-length": `${body?.length ?? 0}`, ...headers }).end(body);
    };
    if (habits.status !== undefined) return answer(habits.status, {});
    if (bytes === undefined) return answer(404, {});
    const tag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const headers: Record<string, string> = tags === "none" ? {} : { etag: tags === "weak" ? `W/${tag}` : tag };
    const wanted = request.headers["if-match"];
    if (ifMatch && wanted !== undefined && (tags !== "strong" || wanted !== tag)) return answer(412, headers);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
    if (!ranges || first === undefined) return answer(200, headers, bytes);
    const start = Number(first);
    const end = Math.min(last === "" ? bytes.length - 1 : Number(last), bytes.length - 1);
    if (start >= bytes.length) return answer(416, { ...headers, "content-range": `bytes */${bytes.length}` });
    answer(
      206,
      { ...headers, "content-range": `bytes ${start}-${end}/${bytes.length}` },
      bytes.subarray(start, end + 1),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/data/`,
    requests,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
