import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Import, Package, Rung, SourceFile, Workspace } from "./model.ts";

interface Manifest {
  readonly name?: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** The repository as it lies on disk. */
export const readWorkspace = (root: string): Workspace => ({
  rungs: readLadder(readFileSync(join(root, "docs/architecture.md"), "utf8")),
  packages: ["packages", "apps"].flatMap((group) =>
    readdirSync(join(root, group))
      .filter((name) => existsSync(join(root, group, name, "package.json")))
      .map((name) => readPackage(root, `${group}/${name}`)),
  ),
  rootDevDependencies: Object.keys(readManifest(root).devDependencies ?? {}),
});

/** The ladder out of the text of docs/architecture.md: the rows of its first table. */
export const readLadder = (markdown: string): readonly Rung[] =>
  markdown.split("\n").flatMap((line) => {
    const [, height, names, , libraries] = line.split("|").map((cell) => cell.trim());
    if (height === undefined || !/^(?:\d+|-)$/.test(height) || names === undefined || libraries === undefined)
      return [];
    const name =
      /`(@usr\/[a-z-]+)`/.exec(names)?.[1] ?? /`packages\/([a-z-]+)`/.exec(names)?.[1]?.replace(/^/, "@usr/");
    if (name === undefined) return [];
    const words = libraries.replace(/\([^)]*\)/g, "").split(",");
    const listed = words.map((word) => word.trim()).filter((word) => !["", "-", "none"].includes(word));
    return [{ name, height: height === "-" ? undefined : Number(height), libraries: listed }];
  });

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

const readPackage = (root: string, folder: string): Package => {
  const manifest = readManifest(join(root, folder));
  const entries = Object.values(manifest.exports ?? {}).flatMap((target) => {
    const source = typeof target === "string" ? undefined : target["@usr/source"];
    return source === undefined ? [] : [source.replace(/^\.\//, "")];
  });
  const paths = ["src", "test", "bench", "bin"].flatMap((part) => listFiles(join(root, folder), part));
  return {
    name: manifest.name ?? "",
    folder,
    isPrivate: manifest.private === true,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
    entries,
    files: paths.map((path) => readSource(path, readFileSync(join(root, folder, path), "utf8"))),
  };
};

const listFiles = (folder: string, part: string): readonly string[] => {
  if (!existsSync(join(folder, part))) return [];
  return readdirSync(join(folder, part), { recursive: true, encoding: "utf8" })
    .map((name) => `${part}/${name.replaceAll("\\", "/")}`)
    .filter((path) => /\.[mc]?[jt]s$/.test(path) && !path.includes("/fixtures/") && !path.includes("/node_modules/"))
    .sort();
};

/** What the rules need to know of a source text. */
export const readSource = (path: string, text: string): SourceFile => {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const imports: Import[] = [];
  const escapes: number[] = [];
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, line: lineOf(node) });
    if (node.kind === ts.SyntaxKind.AnyKeyword) escapes.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const [at, line] of text.split("\n").entries()) {
    if (/@ts-(?:ignore|expect-error|nocheck)\b/.test(line)) escapes.push(at + 1);
  }
  const staleErrors = caughtUsings(source).map(lineOf);
  return { path, lines: text.split("\n").length - 1, imports, escapes, staleErrors, exports: exportsOf(source) };
};

/** Every `using` between which and a loop around it, in the same function, stands a `catch`. */
const caughtUsings = (source: ts.SourceFile): readonly ts.Node[] => {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node, around: "" | "loop" | "caught"): void => {
    // `await using` carries the flag of `using` too.
    if (around === "caught" && ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.Using) !== 0)
      found.push(node);
    ts.forEachChild(node, (child) => {
      if (ts.isFunctionLike(node)) visit(child, "");
      else if (ts.isIterationStatement(node, false)) visit(child, around === "caught" ? "caught" : "loop");
      else if (ts.isTryStatement(node) && node.catchClause !== undefined && child === node.tryBlock && around !== "")
        visit(child, "caught");
      else visit(child, around);
    });
  };
  visit(source, "");
  return found;
};

const importOf = (node: ts.Node): Omit<Import, "line"> | undefined => {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, kind: isErased(node.importClause) ? "type" : "static" };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, kind: node.isTypeOnly ? "type" : "static" };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, kind: "type" };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [target] = node.arguments;
    return target !== undefined && ts.isStringLiteralLike(target)
      ? { specifier: target.text, kind: "lazy" }
      : undefined;
  }
  return undefined;
};

const isErased = (clause: ts.ImportClause | undefined): boolean => {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
};

const exportsOf = (source: ts.SourceFile): readonly string[] | undefined => {
  const names: string[] = [];
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      if (statement.isTypeOnly) continue;
      if (statement.exportClause === undefined) return undefined;
      if (ts.isNamedExports(statement.exportClause)) {
        names.push(...statement.exportClause.elements.filter((item) => !item.isTypeOnly).map((item) => item.name.text));
      } else names.push(statement.exportClause.name.text);
    } else if (isExported(statement)) names.push(...declaredNames(statement));
  }
  return names;
};

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

const declaredNames = (statement: ts.Statement): readonly string[] => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const declares = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
  return declares ? [statement.name?.text ?? "default"] : [];
};
