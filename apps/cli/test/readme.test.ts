import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

test("the example of the README runs", () => {
  const [, example = ""] = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const folder = mkdtempSync(join(tmpdir(), "usr-readme-"));
  try {
    const script = `set -e\nusr() { '${execPath}' --conditions=@usr/source '${main}' "$@"; }\n${example}`;
    const run = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8", cwd: folder });
    expect([run.status, run.stderr]).toEqual([0, ""]);
    for (const [, promised = ""] of readme.matchAll(/`(\{"sequence".*?\})`/g)) expect(run.stdout).toContain(promised);
    expect(run.stdout).toContain(">0.75\nGGCC\n");
    expect(run.stdout).toContain("OK: 2 rows");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
