import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { comparePaths, memoryStorage, parsePath, StorageError } from "../src/index.ts";

const anyText = fc.string({ unit: "binary", maxLength: 12 });
const pieces = fc.array(
  fc.oneof(fc.constantFrom("", ".", "..", "a", "b c", "/", "\\", "\0", "\n", "\ud800", "é"), anyText),
  {
    maxLength: 5,
  },
);

/** The rule, spelled a second time in another way. */
function isLegal(path: string): boolean {
  if (path.length === 0 || new TextDecoder().decode(new TextEncoder().encode(path)) !== path) return false;
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f) || unit === 0x5c) return false;
  }
  return path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

test("parsePath passes exactly the legal paths, unchanged", () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const path = parts.join("/");
      if (isLegal(path)) {
        expect(parsePath(path)).toBe(path);
        return;
      }
      try {
        parsePath(path);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
        if (error instanceof StorageError) expect([error.code, error.details["path"]]).toEqual(["PATH_INVALID", path]);
        return;
      }
      expect.unreachable(`${JSON.stringify(path)} passed`);
    }),
    { numRuns: testRuns(2_000) },
  );
});

test("a legal path resolves inside the root of a URL and of a folder", () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const path = parts.join("/");
      fc.pre(isLegal(path));
      const url = new URL(path.split("/").map(encodeURIComponent).join("/"), "http://h/base/");
      expect(url.pathname.startsWith("/base/")).toBe(true);
    }),
    { numRuns: testRuns(100) },
  );
});

test("comparePaths is the order of the UTF-8 bytes", () => {
  const text = fc.string({ unit: "binary", maxLength: 6 });
  const utf8 = (t: string): string =>
    Array.from(new TextEncoder().encode(t), (byte) => String.fromCharCode(byte)).join("");
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [x, y] = [utf8(a), utf8(b)];
      expect(Math.sign(comparePaths(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
    }),
    {
      numRuns: testRuns(2_000),
      examples: [
        ["\uffff", "\u{10000}"],
        ["a", "a\u{1f9ec}"],
        ["\u{1f9ec}", "\u{1f9ed}"],
      ],
    },
  );
});

test("any set of legal paths lists in code point order, by any prefix", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), anyText, async (all, prefix) => {
      const storage = memoryStorage();
      const stored = new Set<string>();
      for (const parts of all) {
        const path = parts.join("/");
        await storage.put(path, new Uint8Array(1)).then(
          () => stored.add(path),
          () => undefined,
        );
      }
      fc.pre(prefix === "" || isLegal(`${prefix}x`));
      const listed: string[] = [];
      for await (const meta of storage.list(prefix)) listed.push(meta.path);
      expect(listed).toEqual([...stored].filter((path) => path.startsWith(prefix)).sort(comparePaths));
    }),
    { numRuns: testRuns(100) },
  );
});
