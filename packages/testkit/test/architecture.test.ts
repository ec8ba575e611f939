/// <reference types="node" />
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Package, SourceFile, Workspace } from "./architecture/model.ts";
import { readLadder, readSource, readWorkspace } from "./architecture/read.ts";
import { findBreaches, findLongFiles } from "./architecture/rules.ts";

describe("the repository", () => {
  const workspace = readWorkspace(fileURLToPath(new URL("../../..", import.meta.url)));

  it("is read whole", () => {
    expect(workspace.packages.length).toBe(workspace.rungs.length);
    expect(workspace.packages.every(({ files }) => files.some(({ path }) => path.startsWith("src/")))).toBe(true);
    expect(workspace.packages.flatMap(({ files }) => files.flatMap(({ imports }) => imports)).length).toBeGreaterThan(
      100,
    );
  });

  it("keeps to the architecture", () => {
    const long = findLongFiles(workspace);
    if (long.length > 0) console.warn(`Long files (is it one concept?):\n${long.join("\n")}`);
    expect(findBreaches(workspace)).toEqual([]);
  });
});

const file = (path: string, text: string): SourceFile => readSource(path, text);

const item = (name: string, o: Partial<Package> = {}): Package => ({
  name: `@usr/${name}`,
  folder: `packages/${name}`,
  isPrivate: false,
  dependencies: [],
  devDependencies: [],
  entries: [],
  files: [],
  ...o,
});

const TABLE = `
| rung | package | responsibility | external libraries | runs in |
|---|---|---|---|---|
| 0 | \`@usr/id\` | ids | none | anywhere |
| 0 | \`@usr/storage\` | bytes (\`.\`, \`./node\`) | koffi (\`./node\`, for flock only) | anywhere / Node |
| 1 | \`@usr/schema\` | types | apache-arrow (\`./arrow\` only) | anywhere |
| 2 | \`@usr/registry\` | names | yaml (lazy), valibot | anywhere |
| 3 | \`apps/cli\` = \`@usr/cli\` | commands | commander | Node |
| - | \`packages/testkit\` (private) | fixtures | fast-check | tests |
`;

const breachesOf = (...packages: readonly Package[]): readonly string[] => {
  const workspace: Workspace = { rungs: readLadder(TABLE), packages, rootDevDependencies: ["vitest"] };
  return findBreaches(workspace);
};

describe("the checker", () => {
  it("reads the table", () => {
    expect(readLadder(TABLE)).toEqual([
      { name: "@usr/id", height: 0, libraries: [] },
      { name: "@usr/storage", height: 0, libraries: ["koffi"] },
      { name: "@usr/schema", height: 1, libraries: ["apache-arrow"] },
      { name: "@usr/registry", height: 2, libraries: ["yaml", "valibot"] },
      { name: "@usr/cli", height: 3, libraries: ["commander"] },
      { name: "@usr/testkit", height: undefined, libraries: ["fast-check"] },
    ]);
  });

  it("reads every form of import and export", () => {
    const text = [
      'import a from "a";',
      'import type { B } from "b";',
      'import { type C } from "c";',
      'import { type D, d } from "d";',
      'import "e";',
      'export { f } from "f";',
      'export type * from "g";',
      'export const h = async (x: unknown) => [await import("i"), x as typeof import("j")];',
      "export class K {}",
      "export interface L {}",
      "// no import 'm'",
      "let n: any; // @ts-ignore",
    ].join("\n");
    const { imports, escapes, exports } = file("src/x.ts", text);
    expect(imports.map(({ specifier, kind, line }) => `${specifier} ${kind} ${line}`)).toEqual([
      "a static 1",
      "b type 2",
      "c type 3",
      "d static 4",
      "e static 5",
      "f static 6",
      "g type 7",
      "i lazy 8",
      "j type 8",
    ]);
    expect(escapes).toEqual([12, 12]);
    expect(exports).toEqual(["f", "h", "K"]);
    expect(file("src/x.ts", 'export * from "./y.ts";').exports).toBeUndefined();
  });

  it("finds nothing in what is right", () => {
    const registry = item("registry", {
      dependencies: ["@usr/schema", "yaml"],
      devDependencies: ["@usr/testkit"],
      entries: ["src/index.ts"],
      files: [
        file("src/index.ts", 'export { a } from "./a.ts";'),
        file(
          "src/a.ts",
          'import { b } from "@usr/schema/columns";\nimport type { C } from "yaml";\nexport const a = () => import("yaml");',
        ),
        file(
          "src/turns.ts",
          "for (const x of xs) {\n  using h = x();\n  try {\n    (() => { using i = x(); })();\n  } catch {}\n}",
        ),
        file(
          "test/a.test.ts",
          'import "node:fs";\nimport "vitest";\nimport "@usr/testkit";\nimport "@usr/registry";\nlet x: any;',
        ),
      ],
    });
    const storage = item("storage", {
      dependencies: ["koffi"],
      files: [file("src/node/lock.ts", 'import "node:fs";\nawait import("koffi");')],
    });
    expect(breachesOf(registry, storage)).toEqual([]);
  });

  it.each([
    ["an unknown package", item("other"), "is not in the table"],
    [
      "an arrow that points up",
      item("schema", { dependencies: ["@usr/registry"], files: [file("src/a.ts", 'import "@usr/registry";')] }),
      "is not below",
    ],
    [
      "an arrow that points sideways",
      item("id", { dependencies: ["@usr/storage"], files: [file("src/a.ts", 'import "@usr/storage";')] }),
      "is not below",
    ],
    [
      "an arrow of types",
      item("id", { dependencies: ["@usr/schema"], files: [file("src/a.ts", 'import type { A } from "@usr/schema";')] }),
      "is not below",
    ],
    [
      "the testkit in src",
      item("id", { dependencies: ["@usr/testkit"], files: [file("src/a.ts", 'import "@usr/testkit";')] }),
      "is for tests only",
    ],
    [
      "a testkit that imports",
      item("testkit", { dependencies: ["@usr/id"], files: [file("src/a.ts", 'import "@usr/id";')] }),
      "may import none",
    ],
    [
      "a library that is not in the table",
      item("id", { dependencies: ["lodash"], files: [file("src/a.ts", 'import "lodash";')] }),
      "not a library",
    ],
    ["a node import in neutral code", item("id", { files: [file("src/a.ts", 'import "node:fs";')] }), "is Node's"],
    ["a bare node import", item("id", { files: [file("src/nodes.ts", 'import "fs/promises";')] }), "is Node's"],
    ["a lazy node import", item("id", { files: [file("src/a.ts", 'await import("node:fs");')] }), "is Node's"],
    [
      "arrow outside its place",
      item("schema", { dependencies: ["apache-arrow"], files: [file("src/a.ts", 'import "apache-arrow";')] }),
      "belongs under",
    ],
    [
      "yaml loaded at once",
      item("registry", { dependencies: ["yaml"], files: [file("src/a.ts", 'import { parse } from "yaml";')] }),
      "import() at first need",
    ],
    [
      "koffi loaded at once",
      item("storage", { dependencies: ["koffi"], files: [file("src/node/a.ts", 'import koffi from "koffi";')] }),
      "import() at first need",
    ],
    [
      "a cycle",
      item("id", {
        files: [
          file("src/a.ts", 'import "./b.ts";'),
          file("src/b.ts", 'export { x } from "./c.ts";'),
          file("src/c.ts", 'import "./a.ts";'),
        ],
      }),
      "src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts",
    ],
    [
      "a dependency nobody uses",
      item("registry", { dependencies: ["valibot"] }),
      "valibot is in dependencies and not imported",
    ],
    [
      "a dependency nobody declared",
      item("registry", { files: [file("src/a.ts", 'import "valibot";')] }),
      "valibot is imported by src and not in",
    ],
    [
      "a test dependency nobody uses",
      item("id", { devDependencies: ["fast-check"] }),
      "fast-check is in devDependencies and not",
    ],
    [
      "a test dependency nobody declared",
      item("id", { files: [file("test/a.test.ts", 'import "fast-check";')] }),
      "fast-check is imported by tests and not",
    ],
    ["a file of too many lines", item("id", { files: [file("src/a.ts", "\n".repeat(501))] }), "501 lines"],
    ["any", item("id", { files: [file("src/a.ts", "export const a = (x: any) => x;")] }), "src/a.ts:1: any"],
    [
      "an error that the next turn throws again",
      item("id", {
        files: [
          file(
            "src/a.ts",
            "for (const x of xs) {\n  try {\n    {\n      await using h = await x();\n    }\n  } catch {}\n}",
          ),
        ],
      }),
      "src/a.ts:4: using in a loop that catches",
    ],
    ["a compiler silenced", item("id", { files: [file("src/a.ts", "// @ts-expect-error")] }), "src/a.ts:1: any"],
    [
      "an import that leaves the package",
      item("id", { files: [file("test/a.test.ts", 'import "../../schema/src/a.ts";')] }),
      "leaves the package",
    ],
    [
      "too many exports",
      item("id", {
        entries: ["src/index.ts"],
        files: [file("src/index.ts", "export { a, b, c, d, e, f, g, h, i } from './a.ts';")],
      }),
      "9 runtime exports",
    ],
    [
      "exports that cannot be counted",
      item("id", { entries: ["src/index.ts"], files: [file("src/index.ts", "export * from './a.ts';")] }),
      "export * hides",
    ],
    ["an entry that is missing", item("id", { entries: ["src/index.ts"] }), "does not exist"],
  ])("finds %s", (_name, broken, text) => {
    expect(breachesOf(broken).join("\n")).toContain(text);
  });

  it("tells long files before they are too long", () => {
    const workspace: Workspace = {
      rungs: [],
      packages: [item("id", { files: [file("src/a.ts", "\n".repeat(450))] })],
      rootDevDependencies: [],
    };
    expect(findLongFiles(workspace)).toEqual(["packages/id/src/a.ts: 450 lines"]);
  });
});
