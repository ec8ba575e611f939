import { createReadStream } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { demoWorkspace, openWorkspace, type Ran } from "./support.ts";

// A published root: a folder with a list of its files, served by a web server that knows ranges.

interface Published extends AsyncDisposable {
  readonly url: string;
  /** The server answers everything with this from now on. */
  fail(status: number | undefined): void;
}

const published = async (root: string): Promise<Published> => {
  const files: { readonly path: string; readonly size: number; readonly etag: string }[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    if (entry.isFile() && !entry.name.includes(".lock"))
      files.push({ path: relative(root, path), size, etag: `"${size}-${mtimeMs}"` });
  }
  await writeFile(join(root, "usr-index.json"), JSON.stringify(files));
  let failure: number | undefined;
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").replace(/^\/data\//, ""));
    const file = files.find((one) => one.path === path);
    if (failure !== undefined) return void response.writeHead(failure).end();
    if (path === "usr-index.json") return void createReadStream(join(root, path)).pipe(response);
    if (file === undefined) return void response.writeHead(404).end();
    const [, from = "0", to = `${file.size - 1}`] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const [start, end] = [Number(from), Math.min(Number(to), file.size - 1)];
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      etag: file.etag,
      "content-length": `${end - start + 1}`,
      "content-range": `bytes ${start}-${end}/${file.size}`,
    });
    if (request.method === "HEAD" || file.size === 0) response.end();
    else createReadStream(join(root, path), { start, end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/data/`,
    fail: (status) => {
      failure = status;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

test("a remote over http: compared, pulled and verified, never written", async () => {
  await using there = await demoWorkspace();
  const scores = await there.file("scores.csv", "sequence,score\nACGT,1\nTTTT,2\n");
  await there.usr(["attach", "demo", "--path", scores, "--namespace", "mock", "--key", "sequence"]);
  const rows = (await there.usr(["scan", "demo"])).stdout;
  await using web = await published(there.root);
  await using here = await openWorkspace();
  const run = (...args: readonly string[]): Promise<Ran> =>
    here.usr(["--remotes", join(here.dir, "remotes.yaml"), ...args]);

  expect((await run("remotes", "add", "web", "--type", "http", "--url", web.url, "--verify", "auto")).code).toBe(0);
  const doctor = await run("remotes", "doctor", "web");
  expect(doctor.stdout, doctor.stderr).toContain('"remote":"web"');
  const dry = await run("pull", "demo", "web", "--dry-run");
  expect([dry.code, dry.data], dry.stderr).toMatchObject([0, { datasets: [{ transfer_state: "DRY-RUN" }] }]);
  expect((await run("ls")).data).toEqual([]);

  const pulled = await run("pull", "demo", "web");
  expect([pulled.code, pulled.data], pulled.stderr).toMatchObject([
    0,
    { datasets: [{ transfer_state: "TRANSFERRED" }] },
  ]);
  expect((await run("scan", "demo")).stdout).toBe(rows);
  expect((await run("validate", "demo")).data).toMatchObject({ ok: true });
  expect((await run("pull", "demo", "web")).data).toMatchObject({ datasets: [{ transfer_state: "NO-OP" }] });
  expect((await run("diff", "demo", "web")).data).toMatchObject({ has_change: false });
  expect((await run("verify", "demo", "web")).data).toMatchObject({ ok: true });
  // The web has no digests: asked for them, the answer is the weaker proof, and its own exit code.
  expect((await run("pull", "demo", "web", "--verify", "hash")).code).toBe(6);

  await run("delete", "demo", "--id", JSON.parse(rows.split("\n")[0]!).id);
  for (const dryRun of [[], ["--dry-run"]]) {
    const pushed = await run("push", "demo", "web", ...dryRun);
    expect([pushed.code, pushed.error?.code, pushed.error?.hint]).toEqual([
      6,
      "NOT_SUPPORTED",
      expect.stringContaining("Pull from it"),
    ]);
  }

  // A server that is down is no empty remote.
  web.fail(503);
  const down = await run("pull", "--all", "web", "--mirror", "--yes");
  expect([down.code, down.error?.code], down.stdout).toEqual([7, "UNREACHABLE"]);
  // Nor does it answer.
  const deaf = await run("remotes", "doctor", "web");
  expect([deaf.code, deaf.data]).toMatchObject([7, { ok: false, checks: [{ check: "reachable", ok: false }] }]);
  // What is refused over there is no permission and no dataset here.
  for (const status of [404, 410, 401, 403]) {
    web.fail(status);
    const { code, error } = await run("pull", "demo", "web");
    const reason = status < 404 ? "authentication" : undefined;
    expect([status, code, error?.code, error?.details["reason"]]).toEqual([status, 7, "UNREACHABLE", reason]);
  }
  expect((await run("ls")).data).toHaveLength(1);
});
