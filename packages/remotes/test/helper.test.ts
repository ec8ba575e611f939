/// <reference types="node" />
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAll } from "@usr/storage";
import { which } from "@usr/testkit/sshd";
import { describe, expect, it } from "vitest";
import { HELPER } from "../src/ssh/helper-text.ts";
import { failure, utf8, writable } from "./support/expect.ts";
import { openFar, TOOLS, toolFolder } from "./support/far.ts";
import { freshFolder } from "./support/folder.ts";

describe("the text that travels", () => {
  it("is helper.sh without comments", () => {
    const script = fileURLToPath(new URL("../../../scripts/remote-helper.mjs", import.meta.url));
    expect(spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toMatchObject({
      stderr: "",
      status: 0,
    });
  });

  it("is ASCII, so that its length in bytes is its length", () => {
    expect(/^[\n\x20-\x7e]*$/.test(HELPER)).toBe(true);
  });

  it.each(["dash", "bash", "busybox"].filter((shell) => which(shell) !== undefined))("parses in %s", (shell) => {
    const words = shell === "busybox" ? ["sh", "-n"] : shell === "bash" ? ["--posix", "-n"] : ["-n"];
    expect(spawnSync(which(shell)!, words, { input: HELPER, encoding: "utf8" })).toMatchObject({
      stderr: "",
      status: 0,
    });
  });
});

describe("a far end with little on its PATH", () => {
  it("W22: without sha256sum, shasum and openssl has no digests, and says so by not offering them", async () => {
    await using folder = await freshFolder();
    await using root = await freshFolder();
    await writeFile(join(root.path, "registry.yaml"), "{}\n");
    await mkdir(join(root.path, "d"));
    await writeFile(join(root.path, "d", "records.parquet"), "x");
    await using site = await openFar(root.path, { path: await toolFolder(folder.path, ["sh", "flock", ...TOOLS]) });
    expect(site.storage.digest).toBeUndefined();
    expect(await site.digestRanges("d/records.parquet", [{ offset: 0, length: 1 }])).toBeUndefined();
    const { files } = await site.inventory("d", { digests: true });
    expect(files.map(({ path, size, sha256 }) => ({ path, size, sha256 }))).toEqual([
      { path: "records.parquet", size: 1, sha256: undefined },
    ]);
  });

  it("W15: without flock refuses to lock and says why, instead of calling it a timeout; reading goes on", async () => {
    await using folder = await freshFolder();
    await using root = await freshFolder();
    await writeFile(join(root.path, "a"), "bytes");
    await using site = await openFar(root.path, { path: await toolFolder(folder.path, ["sh", "sha256sum", ...TOOLS]) });
    const error = await failure(Promise.resolve(writable(site).lock?.("d/.usr.lock", { timeoutMs: 60_000 })));
    expect([error.code, error.message]).toEqual(["NOT_SUPPORTED", "far cannot lock d/.usr.lock: it has no flock."]);
    await using handle = await site.storage.open("a");
    expect(handle && new TextDecoder().decode(await readAll(handle))).toBe("bytes");
  });

  it.each(["find", "stat", "dd"])("without %s is refused by name", async (missing) => {
    await using folder = await freshFolder();
    await using root = await freshFolder();
    const path = await toolFolder(
      folder.path,
      ["sh", ...TOOLS].filter((name) => name !== missing),
    );
    const error = await failure(openFar(root.path, { path }));
    if (missing === "dd") expect(error.code).toBe("UNREACHABLE");
    else expect([error.code, error.details["tool"]]).toEqual(["NOT_SUPPORTED", missing]);
  });

  it("reads bodies right with every way to take exactly so many bytes", async () => {
    await using folder = await freshFolder();
    const bytes = Uint8Array.from({ length: 200_001 }, (_, i) => (i * 7 + (i >> 9)) & 255);
    const busybox = which("busybox");
    // GNU head; busybox, whose head reads too far, with its dd; the same with a dd that knows no flags.
    const paths = [await toolFolder(join(folder.path, "gnu"), ["sh", ...TOOLS])];
    if (busybox !== undefined) {
      for (const dd of [busybox, undefined]) {
        const path = await toolFolder(
          join(folder.path, dd === undefined ? "old" : "busybox"),
          ["sh", ...TOOLS].filter((name) => name !== "head" && name !== "dd"),
        );
        await symlink(busybox, join(path, "head"));
        if (dd !== undefined) await symlink(dd, join(path, "dd"));
        else {
          const old = `#!/bin/sh\ncase " $* " in *" iflag="*) echo "bad flag" >&2; exit 1 ;; esac\nexec ${which("dd")} "$@"\n`;
          await writeFile(join(path, "dd"), old, { mode: 0o755 });
        }
        paths.push(path);
      }
    }
    const ways: (string | undefined)[] = [];
    for (const path of paths) {
      await using root = await freshFolder();
      await using site = await openFar(root.path, { path });
      const storage = writable(site);
      await Promise.all([storage.put("a", bytes), storage.put("b", utf8("short")), storage.put("c", bytes)]);
      for (const name of ["a", "c"]) {
        await using handle = await site.storage.open(name);
        expect(handle && Buffer.compare(await readAll(handle), bytes)).toBe(0);
      }
      ways.push(site.peer.tools.get("exact"));
    }
    expect(ways).toEqual(busybox === undefined ? ["head"] : ["head", "dd", "bytes"]);
  });
});

describe("names and places", () => {
  it("survives names with blanks, quotes, globs, dashes and dollars", async () => {
    await using root = await freshFolder();
    await using site = await openFar(root.path);
    const storage = writable(site);
    const names = [
      "-rf",
      "a b",
      " lead and trail ",
      "q'\"`$(touch x)`",
      "*?[a]",
      "$HOME",
      "tab-é-\u{1f9ec}",
      "x|y|./z",
      "--",
      "=",
      "%s",
    ];
    for (const name of names) await storage.put(`d/${name}/${name}`, utf8(name));
    const { files, registry } = await site.inventory("d", { digests: true });
    expect(files.map(({ path }) => path).sort()).toEqual(names.map((name) => `${name}/${name}`).sort());
    expect(files.every(({ sha256 }) => sha256?.length === 64)).toBe(true);
    expect([registry, await readdir(root.path)]).toEqual([undefined, ["d"]]);
    for (const name of names) await storage.delete(`d/${name}/${name}`);
    await storage.prune?.("d");
    expect(await readdir(root.path)).toEqual([]);
  });

  it("W27: names no path can spell are refused, and never read as two files", async () => {
    await using root = await freshFolder();
    await mkdir(join(root.path, "d"));
    await writeFile(join(root.path, "d", "two\nlines"), "x");
    await writeFile(join(root.path, "d", "back\\slash"), "x");
    await writeFile(Buffer.from(`${root.path}/d/\xff`, "latin1"), "x");
    await using site = await openFar(root.path);
    const error = await failure(site.inventory("d", { digests: false }));
    expect(error.code).toBe("NOT_SUPPORTED");
  });

  it("follows no link out of the root, neither to read nor to write", async () => {
    await using outside = await freshFolder();
    await using root = await freshFolder();
    await writeFile(join(outside.path, "secret"), "x");
    await symlink(outside.path, join(root.path, "link"));
    await symlink(join(outside.path, "secret"), join(root.path, "file"));
    await using site = await openFar(root.path);
    const storage = writable(site);
    const ways = [
      () => storage.open("link/secret"),
      () => storage.open("file"),
      () => storage.put("link/new", utf8("x")),
      () => storage.delete("link/secret"),
      () => storage.rename("link/secret", "here"),
    ];
    for (const way of ways) {
      await expect(way()).rejects.toMatchObject({ code: "PATH_INVALID" });
    }
    expect(await readdir(outside.path)).toEqual(["secret"]);
  });

  it("a file that is replaced while it is read is a CONFLICT; one that grew is not", async () => {
    await using root = await freshFolder();
    await writeFile(join(root.path, "log"), "one\n");
    await using site = await openFar(root.path);
    await using handle = await site.storage.open("log");
    await writeFile(join(root.path, "log"), "two\n", { flag: "a" });
    expect(new TextDecoder().decode(await handle?.read(0, 3))).toBe("one");
    await writeFile(join(root.path, "new"), "three\n");
    await rename(join(root.path, "new"), join(root.path, "log"));
    await expect(handle?.read(0, 4)).rejects.toMatchObject({ code: "CONFLICT" });
    await rm(join(root.path, "log"));
    await expect(handle?.read(0, 4)).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("W8: a root that is not there is an error, never an empty one", async () => {
    await using root = await freshFolder();
    const error = await failure(openFar(`${root.path}/gone`));
    expect([error.code, error.message.includes("gone")]).toEqual(["UNREACHABLE", true]);
  });
});

describe("W17: a dataset that somebody writes to meanwhile", () => {
  it("has an inventory whose digests are those of the sizes it tells", async () => {
    await using root = await freshFolder();
    const log = join(root.path, "d", ".events.log");
    await mkdir(join(root.path, "d"));
    await writeFile(log, "");
    await using site = await openFar(root.path);
    const stop = new AbortController();
    const writer = (async () => {
      while (!stop.signal.aborted) {
        await writeFile(log, "line\n", { flag: "a" });
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    })();
    for (let round = 0; round < 10; round++) {
      const { files } = await site.inventory("d", { digests: true });
      const text = (await readFile(log)).subarray(0, files[0]?.size);
      expect(files[0]?.sha256).toBe(createHash("sha256").update(text).digest("hex"));
    }
    stop.abort();
    await writer;
  });
});
