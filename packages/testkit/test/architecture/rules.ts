import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { Import, Package, SourceFile, Workspace } from "./model.ts";

const MAX_EXPORTS = 8;
const MAX_LINES = 500;
const MANY_LINES = 400;

/** Where a library may be imported, and whether only at first need. */
const PLACES: ReadonlyMap<string, { readonly folders: readonly string[]; readonly lazily: boolean }> = new Map([
  ["hyparquet", { folders: ["packages/parquet/src"], lazily: false }],
  ["hyparquet-writer", { folders: ["packages/parquet/src"], lazily: false }],
  ["hyparquet-compressors", { folders: ["packages/parquet/src"], lazily: true }],
  ["apache-arrow", { folders: ["packages/schema/src/arrow"], lazily: false }],
  ["yaml", { folders: ["packages/registry/src", "packages/remotes/src"], lazily: true }],
  ["koffi", { folders: ["packages/storage/src/node"], lazily: true }],
]);

const BUILTINS: ReadonlySet<string> = new Set(builtinModules);

/** Every breach of the architecture, as one line each. */
export const findBreaches = (workspace: Workspace): readonly string[] => [
  ...workspace.packages.flatMap((item) => [
    ...ladderBreaches(workspace, item),
    ...placeBreaches(item),
    ...dependencyBreaches(workspace, item),
    ...cycleBreaches(item),
    ...fileBreaches(item),
    ...exportBreaches(item),
  ]),
];

/** Files that are long, though not too long. */
export const findLongFiles = ({ packages }: Workspace): readonly string[] =>
  packages.flatMap(({ folder, files }) =>
    files
      .filter(({ path, lines }) => isSource(path) && lines > MANY_LINES)
      .map(({ path, lines }) => `${folder}/${path}: ${lines} lines`),
  );

const isSource = (path: string): boolean => path.startsWith("src/");

/** The package of a specifier: `@usr/schema/columns` is of `@usr/schema`. `undefined` for files and builtins. */
const packageOf = (specifier: string): string | undefined => {
  if (specifier.startsWith(".") || isBuiltin(specifier)) return undefined;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
};

const isBuiltin = (specifier: string): boolean => specifier.startsWith("node:") || BUILTINS.has(specifier);

const at = ({ folder }: Package, { path }: SourceFile, { line }: Import): string => `${folder}/${path}:${line}`;

const importsOf = (item: Package, where: (path: string) => boolean): readonly (readonly [SourceFile, Import])[] =>
  item.files.filter(({ path }) => where(path)).flatMap((file) => file.imports.map((found) => [file, found] as const));

const ladderBreaches = ({ rungs }: Workspace, item: Package): readonly string[] => {
  const rung = rungs.find(({ name }) => name === item.name);
  if (rung === undefined) return [`${item.folder}: ${item.name} is not in the table of docs/architecture.md`];
  const problem = (name: string): string | undefined => {
    if (name === item.name) return undefined;
    const other = rungs.find((candidate) => candidate.name === name);
    if (other === undefined) {
      return rung.libraries.includes(name)
        ? undefined
        : `${name} is not a library of ${item.name} in docs/architecture.md`;
    }
    if (rung.height === undefined) return `${item.name} is for tests of all and may import none of them`;
    if (other.height === undefined) return `${name} is for tests only`;
    return other.height < rung.height
      ? undefined
      : `${name} (rung ${other.height}) is not below ${item.name} (rung ${rung.height})`;
  };
  return [
    ...importsOf(item, isSource).flatMap(([file, found]) => {
      const name = packageOf(found.specifier);
      const text = name === undefined ? undefined : problem(name);
      return text === undefined ? [] : [`${at(item, file, found)}: ${text}`];
    }),
    ...item.dependencies.flatMap((name) => {
      const text = problem(name);
      return text === undefined ? [] : [`${item.folder}/package.json: ${text}`];
    }),
  ];
};

const placeBreaches = (item: Package): readonly string[] =>
  importsOf(item, isSource).flatMap(([file, found]) => {
    const place = PLACES.get(packageOf(found.specifier) ?? "");
    const path = `${item.folder}/${file.path}`;
    if (place !== undefined && !place.folders.some((folder) => path.startsWith(`${folder}/`))) {
      return [`${at(item, file, found)}: ${found.specifier} belongs under ${place.folders.join(" or ")}`];
    }
    if (place?.lazily === true && found.kind === "static") {
      return [`${at(item, file, found)}: ${found.specifier} must be loaded with import() at first need`];
    }
    const isNodeCode = item.folder.startsWith("apps/") || item.isPrivate || /^src\/node(?:\/|\.ts$)/.test(file.path);
    return isBuiltin(found.specifier) && !isNodeCode
      ? [`${at(item, file, found)}: ${found.specifier} is Node's; neutral code lives outside src/node`]
      : [];
  });

const dependencyBreaches = ({ rootDevDependencies }: Workspace, item: Package): readonly string[] => {
  const used = (where: (path: string) => boolean): ReadonlySet<string> =>
    new Set(
      importsOf(item, where)
        .flatMap(([, { specifier }]) => packageOf(specifier) ?? [])
        .filter((name) => name !== item.name),
    );
  const inSource = used((path) => isSource(path) || path.startsWith("bin/"));
  const inTests = used((path) => path.startsWith("test/") || path.startsWith("bench/"));
  const declared = new Set([...item.dependencies, ...item.devDependencies, ...rootDevDependencies]);
  const say = (names: Iterable<string>, text: string): readonly string[] =>
    Array.from(names, (name) => `${item.folder}/package.json: ${name} ${text}`);
  return [
    ...say(
      [...inSource].filter((name) => !item.dependencies.includes(name)),
      "is imported by src and not in dependencies",
    ),
    ...say(
      item.dependencies.filter((name) => !inSource.has(name)),
      "is in dependencies and not imported by src",
    ),
    ...say(
      [...inTests].filter((name) => !declared.has(name)),
      "is imported by tests and not declared",
    ),
    ...say(
      item.devDependencies.filter((name) => !inTests.has(name)),
      "is in devDependencies and not imported by tests",
    ),
    ...say(
      item.devDependencies.filter((name) => item.dependencies.includes(name)),
      "is declared twice",
    ),
  ];
};

const cycleBreaches = (item: Package): readonly string[] => {
  const paths = new Set(item.files.map(({ path }) => path));
  const edges = new Map(
    item.files.map(({ path, imports }) => [
      path,
      imports
        // types are erased, and what is loaded at first need finds its importer loaded
        .filter(({ specifier, kind }) => specifier.startsWith(".") && kind === "static")
        .map(({ specifier }) => posix.join(posix.dirname(path), specifier))
        .filter((target) => paths.has(target)),
    ]),
  );
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push(`${item.folder}: import cycle ${[...trail.slice(start), path].join(" -> ")}`);
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return found;
};

const fileBreaches = (item: Package): readonly string[] =>
  item.files.flatMap((file) => [
    ...(isSource(file.path) && file.lines > MAX_LINES
      ? [`${item.folder}/${file.path}: ${file.lines} lines are more than ${MAX_LINES}`]
      : []),
    ...(isSource(file.path)
      ? file.escapes.map((line) => `${item.folder}/${file.path}:${line}: any and @ts-… have no place in src`)
      : []),
    // esbuild keeps the error of such a scope in a variable of the whole function: the next turn of the loop throws it again (0.28).
    ...(isSource(file.path)
      ? file.staleErrors.map(
          (line) =>
            `${item.folder}/${file.path}:${line}: using in a loop that catches: give the turn a function of its own`,
        )
      : []),
    ...file.imports
      .filter(
        ({ specifier }) =>
          specifier.startsWith(".") && posix.join(posix.dirname(file.path), specifier).startsWith(".."),
      )
      .map((found) => `${at(item, file, found)}: ${found.specifier} leaves the package`),
  ]);

const exportBreaches = (item: Package): readonly string[] =>
  item.entries.flatMap((entry) => {
    const file = item.files.find(({ path }) => path === entry);
    if (file === undefined) return [`${item.folder}/package.json: the entry ${entry} does not exist`];
    if (file.exports === undefined) return [`${item.folder}/${entry}: export * hides what is exported`];
    return file.exports.length > MAX_EXPORTS && !item.isPrivate
      ? [`${item.folder}/${entry}: ${file.exports.length} runtime exports are more than ${MAX_EXPORTS}`]
      : [];
  });
