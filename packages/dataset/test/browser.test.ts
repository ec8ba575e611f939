/// <reference types="node" />
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import type { Query } from "../src/types.ts";
import { serve } from "./http-support.ts";
import { linesOf, memoryRoot } from "./support.ts";

const BROWSER = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

/** What the page asks for: every kind of column, rows that are deleted, parts that are merged, and a filter, by which statistics and filters are read. */
const ASKED: readonly (readonly [string, string, Query])[] = [
  ["attach-id", "demo", {}],
  ["tombstones-h", "demo", {}],
  ["parts-columns", "lab/demo", {}],
  ["densegen", "densegen/demo", {}],
  ["rows-20k", "lab/rows20k", { limit: 5000 }],
  ["rows-20k", "lab/rows20k", { where: "id >= 'f'", columns: ["id", "length"] }],
];

/** Reads one question after the other and sends the rows to the server that the page came from. */
const PAGE = `
import { scan } from "@usr/dataset";
import { jsonRow } from "@usr/formats";
import { httpStorage } from "@usr/storage/http";
const answer = async () => {
  const { dataset, query, index } = await (await fetch("/question.json")).json();
  const lines = [];
  for await (const batch of scan({ storage: httpStorage(location.origin + "/", { index }), label: "page" }, dataset, query))
    for (let row = 0; row < batch.numRows; row++) lines.push(jsonRow(batch, row));
  return { lines };
};
const told = await answer().catch((error) => ({ error: String(error.stack ?? error) }));
await fetch("/answer", { method: "POST", body: JSON.stringify(told) });
`;

const bundle = async (): Promise<ReadonlyMap<string, Uint8Array>> => {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: dirname(fileURLToPath(import.meta.url)), loader: "js" },
    conditions: ["@usr/source", "browser"],
    ...{ platform: "browser", format: "esm", target: "es2023", bundle: true, splitting: true, write: false },
    outdir: "/page",
  });
  return new Map(outputFiles.map(({ path, contents }) => [path.replaceAll("\\\\", "/"), contents]));
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};

test.skipIf(BROWSER === undefined).each(ASKED)(
  "a browser reads %s %s as node does: %j",
  async (name, dataset, query) => {
    const local = await memoryRoot(name);
    const scripts = await bundle();
    let [tell, fail] = [(_: string): void => {}, (_: Error): void => {}];
    const told = new Promise<string>((resolve, reject) => {
      [tell, fail] = [resolve, reject];
    });
    await using server = await serve(local, async (request, response) => {
      const script = scripts.get(request.url ?? "");
      if (request.url === "/page.html")
        response.setHeader("content-type", "text/html").end('<script type="module" src="/page/stdin.js"></script>');
      else if (script !== undefined) response.setHeader("content-type", "text/javascript").end(script);
      else if (request.url === "/question.json") response.end(JSON.stringify({ dataset, query, index: server.index }));
      else if (request.url === "/answer") {
        tell(await bodyOf(request));
        response.end();
      } else return false;
      return true;
    });
    const profile = await mkdtemp(join(tmpdir(), "usr-browser-"));
    // As root Chromium runs without its sandbox only; what it loads is ours.
    const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"];
    const child = spawn(
      BROWSER!,
      ["--headless=new", "--no-sandbox", ...quiet, `--user-data-dir=${profile}`, `${server.url}page.html`],
      { stdio: "ignore" },
    );
    child.once("error", (error) => fail(error));
    child.once("exit", (code) => fail(new Error(`The browser ended with ${code} before it had answered.`)));
    try {
      const answer: { readonly lines?: readonly string[]; readonly error?: string } = JSON.parse(await told);
      expect(answer.error).toBe(undefined);
      const lines = await linesOf(local, dataset, query);
      expect(lines.length).toBeGreaterThan(0);
      const digest = (rows: readonly string[]): string => createHash("sha256").update(rows.join("\n")).digest("hex");
      expect([answer.lines?.length, digest(answer.lines ?? [])]).toEqual([lines.length, digest(lines)]);
    } finally {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  60_000,
);
