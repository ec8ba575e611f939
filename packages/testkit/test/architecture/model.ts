/** One import, export-from, dynamic import or import type of a source file. */
export interface Import {
  readonly specifier: string;
  /** `type`: erased by the compiler. `lazy`: `import()`. */
  readonly kind: "static" | "type" | "lazy";
  readonly line: number;
}

/** A TypeScript file of a package, as far as the rules look at it. */
export interface SourceFile {
  /** Relative to the package, e.g. `src/node/index.ts`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Lines with `any`, `@ts-ignore` and the like. */
  readonly escapes: readonly number[];
  /** Lines with a `using` in a loop that goes on after an error of its scope. */
  readonly staleErrors: readonly number[];
  /** Names that the file exports at run time; `undefined` where `export *` hides them. */
  readonly exports: readonly string[] | undefined;
}

export interface Package {
  readonly name: string;
  /** Relative to the repository, e.g. `packages/id`. */
  readonly folder: string;
  readonly isPrivate: boolean;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** Source files of the entry points, e.g. `src/index.ts`. */
  readonly entries: readonly string[];
  readonly files: readonly SourceFile[];
}

/** A row of the table of docs/architecture.md. */
export interface Rung {
  readonly name: string;
  /** `undefined`: beside the ladder, for tests only. */
  readonly height: number | undefined;
  readonly libraries: readonly string[];
}

export interface Workspace {
  readonly rungs: readonly Rung[];
  readonly packages: readonly Package[];
  /** What every package may use in tests and configuration without declaring it. */
  readonly rootDevDependencies: readonly string[];
}
