import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../../docs/remotes.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);

/** Runs of blanks count as one: how tables are aligned is not promised. */
const squeezed = (text: string): string => text.replaceAll(/[ \t]+/g, " ");

test("every command of the guide does what the guide says", () => {
  const folder = mkdtempSync(join(tmpdir(), "usr-guide-"));
  try {
    for (const name of ["bin", "laptop", "cluster"]) mkdirSync(join(folder, name));
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
    writeFileSync(
      join(folder, "bin/usr"),
      `#!/bin/sh\nexec "${process.execPath}" --conditions=@usr/source "${main}" "$@"\n`,
    );
    chmodSync(join(folder, "bin/usr"), 0o755);
    // One shell for the page, as a reader has one: what a block exports stays.
    const script = [
      "set -e",
      ...blocks
        .join("")
        .split("\n")
        .filter((line) => !line.startsWith("#>")),
    ].join("\n");
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: { HOME: folder, NO_COLOR: "1", PATH: `${join(folder, "bin")}:/usr/bin:/bin` },
    });
    expect(stderr.replace(/^error: .*\n(?: {2}.*\n)*hint: .*\n/m, "")).toBe("");
    expect(status).toBe(0);
    const promised = [...blocks.join("").matchAll(/^#> (.*)$/gm)].map(([, text = ""]) => text);
    expect(promised.length).toBeGreaterThan(12);
    let at = 0;
    const shown = squeezed(stdout);
    for (const text of promised) {
      const found = shown.indexOf(squeezed(text), at);
      expect(found, `${text}\nafter\n${shown.slice(at)}`).toBeGreaterThanOrEqual(0);
      at = found + 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
