import type { Options } from "tsup";

/** What every package's build shares: ESM for Node 22 and browsers, declarations, source maps that point into the shipped `src`. */
export const base: Options = {
  format: ["esm"],
  target: "es2023",
  platform: "neutral",
  external: [/^node:/],
  dts: {
    compilerOptions: { rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true, customConditions: [] },
  },
  sourcemap: true,
  clean: true,
  splitting: true,
  treeshake: true,
};
